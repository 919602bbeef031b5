"""All parameters as one vector, and back."""

import penlight
from penlight import Tensor


def parameters_to_vector(parameters):
    """All parameters' elements in one vector, through which gradients flow."""
    return penlight.cat([parameter.view(-1) for parameter in parameters])


def vector_to_parameters(vec, parameters):
    """Makes each parameter's data the part of the vector that is its turn, in memory shared with it."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = vec[start:end].view_as(parameter).data
        start = end
