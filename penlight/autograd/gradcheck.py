"""Derivatives checked against differences of values: what a user calls. The checks stand in ``_checking.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

# The checks are imported when they are asked for: they need NumPy, which importing penlight does not.


class GradcheckError(RuntimeError):
    """The derivatives differ, or a function cannot be checked."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Checks the derivatives of ``func`` at ``inputs`` against differences of its values.

    Args:
        func: takes the inputs, gives a tensor or several.
        inputs: tensors (those with ``requires_grad`` are checked; float64 is wanted) and other arguments.
        eps: the step of the differences.
        atol, rtol: a numeric and an analytic value may differ by ``atol + rtol * |numeric|``.
        raise_exception: raise instead of giving False.
        nondet_tol: how far two backward passes may differ.
        check_undefined_grad: does a gradient (or tangent) that never arrives count as zero?
        check_grad_dtypes: have gradients the types of their inputs, tangents those of their outputs?
        check_batched_grad: are several gradients pulled back at once, by vmap, the same as one after the other?
        check_batched_forward_grad: the same for tangents.
        check_forward_ad: check forward mode.
        check_backward_ad: check backward.
        fast_mode: compare one product with the Jacobian, along regular numbers, instead of all its entries.
        masked: taken for PyTorch's sake; it matters to sparse tensors alone.

    Raises:
        GradcheckError: with the worst entry, both its values, and the operation to suspect.
        ValueError: no input requires grad.
        AssertionError: options that contradict each other.

    Example::

        >>> import penlight
        >>> x = penlight.rand(3, dtype=penlight.float64, requires_grad=True)
        >>> penlight.autograd.gradcheck(penlight.sin, (x,), check_forward_ad=True)
        True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    from penlight.autograd._checking import Check, run
    from penlight.autograd._jacobian import tensors

    check = Check(
        func, tensors(inputs), eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes,
        check_batched_grad, check_batched_forward_grad, check_forward_ad, check_backward_ad, fast_mode,
    )  # fmt: skip
    try:
        run(check)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Checks second derivatives: :func:`gradcheck` of the gradients as a function of inputs and ``grad_outputs``.

    Args:
        grad_outputs: gradients of the outputs; numbers between -1 and 1 where not given.
        gen_non_contig_grad_outputs: make those numbers with gaps between them in memory.
        check_fwd_over_rev: differentiate the gradients by forward mode.
        check_rev_over_rev: differentiate them by backward.

    Raises:
        GradcheckError: as :func:`gradcheck`.

    Example::

        >>> import penlight
        >>> x = penlight.rand(3, dtype=penlight.float64, requires_grad=True)
        >>> penlight.autograd.gradgradcheck(penlight.sin, (x,))
        True
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    import penlight
    from penlight.autograd import _jacobian as jacobian

    arguments = jacobian.tensors(inputs)
    if grad_outputs is None:
        outputs = jacobian.differentiable(func(*arguments))
        weights = [jacobian.regular(o) for o in outputs]
        if gen_non_contig_grad_outputs:
            weights = [penlight.stack([w, w], dim=-1).select(-1, 0) for w in weights]
        weights = [w.detach().requires_grad_() for w in weights]
    else:
        weights = [g.detach().clone().requires_grad_() for g in jacobian.tensors(grad_outputs)]
    count = len(arguments)

    def gradients(*everything: Any) -> Any:
        results = jacobian.differentiable(func(*everything[:count]))
        wanted = jacobian.differentiable(everything[:count])
        found = penlight.autograd.grad(
            results, wanted, list(everything[count:]), create_graph=True, allow_unused=True
        )
        return tuple(g for g in found if g is not None and g.requires_grad) or tuple(
            penlight.zeros_like(x) for x in wanted
        )

    return gradcheck(
        gradients, (*arguments, *weights), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad, check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev, fast_mode=fast_mode, masked=masked,
    )  # fmt: skip
