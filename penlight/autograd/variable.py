"""``Variable``, as ``torch.autograd.variable`` is spelled in old scripts."""

from penlight.autograd import Variable

__all__ = ["Variable"]
