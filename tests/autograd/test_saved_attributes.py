"""What a node shows of what it keeps (``grad_fn._saved_*``) is what PyTorch's shows, for every operation."""

import numpy as np
import pytest
from op_cases import ROWS

import penlight

SIZES = "PyTorch keeps the tensor for its sizes alone; here the sizes are kept, and the memory is free"
UNUSED = "PyTorch keeps it and has no need of it for the derivative of this call"
MOMENTS = "mean and deviation are kept in double precision as plain numbers, not as tensors"
STRIDE = "a stride left out is the kernel's size, which is what is told"
DEFAULT = "a correction left out is 1, which is what is told"

# (node, attribute): why it is not there, or another one.
DIFFERENT = {
    **{
        (f"{kind}Pool{dims}DBackward0", "self"): SIZES
        for kind in ("AdaptiveAvg", "AdaptiveMax", "Avg")
        for dims in (2, 3)
    },
    **{(f"MaxPool{dims}DWithIndicesBackward0", "self"): SIZES for dims in (2, 3)},
    **{
        (f"{name}Backward0", "self"): SIZES
        for name in ("Cummax", "Cummin", "Gather", "MaskedSelect", "Take", "NllLoss")
    },
    ("IndexAddBackward0", "source"): SIZES,
    ("IndexCopyBackward0", "source"): SIZES,
    **{
        (f"{kind}Pool{dims}DBackward0", "stride"): STRIDE
        for kind, dims in (("Avg", 2), ("Avg", 3))
    },
    **{(f"MaxPool{dims}DWithIndicesBackward0", "stride"): STRIDE for dims in (2, 3)},
    ("VarBackward0", "correction"): DEFAULT,
    ("StdBackward0", "correction"): DEFAULT,
    **{
        (f"Native{kind}NormBackward0", result): MOMENTS
        for kind in ("Layer", "Group")
        for result in ("result1", "result2")
    },
    ("NativeLayerNormBackward0", "bias"): UNUSED,
    ("LogSigmoidBackward0", "buffer"): UNUSED,
    ("ErfinvBackward0", "self"): "the derivative is written by the result, which is kept instead",
    ("IndexBackward0", "indices"): "a mask is kept as the places of its true elements",
    ("PolygammaBackward0", "n"): "of order 1, which has a kernel of its own",
    ("LinalgVectorNormBackward0", "dim"): "a Frobenius norm goes over all dimensions without naming them",
    ("MmBackward0", "mat2_sym_strides"): "of matrices without elements",
    ("MmBackward0", "self_sym_strides"): "of matrices without elements",
}  # fmt: skip


def outputs_of(library, row, sample):
    arguments = []
    for value in sample:
        if isinstance(value, np.ndarray):
            made = library.from_numpy(value.copy())
            arguments.append(made.requires_grad_() if value.dtype == np.float64 else made)
        else:
            arguments.append(value)
    made = row.call(library, *arguments)
    return [x for x in (made if isinstance(made, (tuple, list)) else [made]) if isinstance(x, library.Tensor)]


def nodes_of(outputs):
    """All nodes of a graph, breadth first."""
    order, waiting = [], [x.grad_fn for x in outputs if x.grad_fn is not None]
    while waiting:
        node = waiting.pop(0)
        if not any(node is other for other in order):
            order.append(node)
            waiting += [following for following, _ in node.next_functions if following is not None]
    return order


def plain(value):
    if hasattr(value, "detach"):
        return value.detach().numpy()
    if isinstance(value, (tuple, list)):
        return tuple(map(plain, value))
    if isinstance(value, int) and value >= 2**63:
        return value - 2**64  # PyTorch shows negative numbers as unsigned ones
    return value


def same(ours, theirs):
    """A number is as good as a tensor of it; dimensions counted from the end may be counted from the start."""
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, int) and isinstance(theirs, int) and theirs < 0 <= ours:
        return True
    if any(isinstance(value, np.ndarray) for value in (ours, theirs)):
        if ours is None or theirs is None or np.shape(ours) != np.shape(theirs):
            return False
        return np.allclose(ours, theirs, equal_nan=True)
    return ours == theirs


def differences(torch, row, sample):
    mine, theirs = (nodes_of(outputs_of(library, row, sample)) for library in (penlight, torch))
    if [n.name() for n in mine] != [n.name() for n in theirs]:
        return  # made of other operations than in PyTorch
    for node, other in zip(mine, theirs, strict=True):
        for name in dir(other):
            if not name.startswith("_saved_"):
                continue
            wanted = plain(getattr(other, name))
            if not hasattr(node, name) or not same(plain(getattr(node, name)), wanted):
                yield node.name(), name.removeprefix("_saved_")


def test_nodes_show_what_pytorchs_show():
    torch = pytest.importorskip("torch")
    found, seen = set(), set()
    for row in ROWS:
        for sample in row.samples if row.torch else []:
            found.update(differences(torch, row, sample))
            seen.update(n.name() for n in nodes_of(outputs_of(penlight, row, sample)))
    assert found == set(DIFFERENT)
    assert len(seen) > 150


def test_what_is_shown_is_listed():
    x = penlight.ones(2, 3, requires_grad=True)
    assert {"_saved_self", "_saved_other", "_raw_saved_self"} <= set(dir((x * x).grad_fn))
    node = x.var(1).grad_fn
    assert (node._saved_dim, node._saved_keepdim, node._saved_correction) == ((1,), False, 1)
    assert "_saved_dim" in dir(node)
    assert x.as_strided((2,), (1,)).grad_fn._saved_storage_offset is None
    with pytest.raises(AttributeError, match="_saved_none_such"):
        _ = node._saved_none_such


def test_weights_of_a_loss_changed_before_backward_are_noticed():
    x, weight = penlight.zeros(2, 3, requires_grad=True), penlight.ones(3)
    loss = penlight.nn.functional.cross_entropy(x, penlight.tensor([0, 1]), weight)
    weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
