"""Switches that scripts set for the libraries under PyTorch. penlight has one engine; none of these moves it.

Reading gives what was written; ``is_available()`` says False.
"""

from penlight.backends import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]
