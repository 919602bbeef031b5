"""Taking tensors from one library to the other, and comparing what comes out."""

import numpy as np
from cases import Fixed

import penlight


def tensors(library, arrays, dtype="float64", requires_grad=True):
    """The arrays as a library's tensors; floating ones in the given type, asking for gradients."""
    made = []
    for given in arrays:
        values = np.array(getattr(given, "array", given))
        tensor = library.from_numpy(values)
        if np.issubdtype(values.dtype, np.floating):
            tensor = tensor.to(getattr(library, dtype)).requires_grad_(requires_grad)
            if isinstance(given, Fixed):
                tensor = tensor.detach()
        made.append(tensor)
    return made


def array(tensor):
    """A tensor of either library as float64 (or its own integer type)."""
    tensor = tensor.detach()
    if tensor.is_floating_point():
        tensor = tensor.to(penlight.float64 if isinstance(tensor, penlight.Tensor) else tensor.double().dtype)
    return tensor.numpy()


def assert_same(ours, theirs, tolerance=1e-10):
    """The same structure, shapes, types and, to the tolerance, values."""
    if isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b, tolerance)
    elif theirs is None or isinstance(theirs, (int, float, str, bool)):
        assert ours == theirs
    else:
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype) == str(theirs.dtype)
        np.testing.assert_allclose(array(ours), array(theirs), rtol=tolerance, atol=tolerance, equal_nan=True)


def copied(module, source):
    """The module with the state of another library's module of the same kind."""
    state = {name: penlight.from_numpy(value.numpy().copy()) for name, value in source.state_dict().items()}
    module.load_state_dict(state)
    return module
