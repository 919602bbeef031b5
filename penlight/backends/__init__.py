"""Switches of the engine, and those that scripts set for the libraries under PyTorch.

``conv`` chooses how convolutions are computed. The others move nothing: reading them gives what was written;
``is_available()`` says False.
"""

from penlight.backends import conv, cuda, cudnn, mps

__all__ = ["conv", "cuda", "cudnn", "mps"]
