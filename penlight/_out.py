"""``out=``: which functions take it, and what they do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight import _C, Tensor
from penlight._functions import can_cast

# PyTorch's functions of this library that put their result where they are told.
_NAMES = """
    abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr all amax amin aminmax any arccos
    arcsin arctan arctan2 argmax argmin argsort asin asinh atan atan2 atanh baddbmm bernoulli
    bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm bucketize cat ceil clamp
    clamp_max clamp_min clip column_stack concat concatenate copysign cos cosh cross cummax cummin cumprod cumsum
    deg2rad diag diff digamma div divide dot dstack eq erf erfc erfinv exp exp2 expm1 fix float_power floor
    floor_divide fmax fmin fmod frac frexp gather gcd ge ger greater greater_equal gt heaviside histc hstack hypot
    index_add index_copy index_select inner isin isneginf isposinf kron kthvalue lcm ldexp le lerp less less_equal
    lgamma log log10 log1p log2 log_softmax logaddexp logaddexp2 logcumsumexp logical_and logical_not logical_or
    logical_xor logit logsumexp lt masked_select matmul max maximum mean median min minimum mm mode msort
    mul multinomial multiply mv mvlgamma nan_to_num nanmean nanmedian nanquantile nansum ne neg negative
    nonzero norm not_equal outer polygamma pow prod quantile rad2deg reciprocal remainder renorm round rsqrt
    row_stack scatter scatter_add scatter_reduce searchsorted sgn sigmoid sign signbit sin sinc sinh softmax sort
    sqrt square stack std sub subtract sum take take_along_dim tan tanh tensordot topk trace tril triu true_divide
    trunc var vdot vstack where xlogy
"""
NAMES = frozenset(_NAMES.split())


def install(functions: dict[str, Any]) -> None:
    """Teaches ``out=`` to those of the functions, by their names, that are to know it."""
    for name in NAMES & functions.keys():
        functions[name] = taught(functions[name])


def taught(function: Callable[..., Any]) -> Callable[..., Any]:
    return _C.WithOut(function, call_into)


def call_into(function: Callable[..., Any], *args: Any, out: Any, **kwargs: Any) -> Any:
    """Calls the function and puts what it returns into ``out``: a tensor, or as many tensors as it returns.

    ``out`` gets the shape of the result. Nothing is recorded.

    Raises:
        TypeError: out is no tensor, or not as many tensors as there are results.
        RuntimeError: an argument that requires its gradient while operations are recorded, or a result whose
            type ``out`` cannot hold.

    Example::

        >>> sums = penlight.empty(2)
        >>> penlight.add(penlight.ones(2), 1, out=sums)
        tensor([2., 2.])
        >>> sums
        tensor([2., 2.])
    """
    if out is None:
        return function(*args, **kwargs)
    name = function.__name__
    if _C.is_grad_enabled() and any(map(_requires_grad, (out, *args, *kwargs.values()))):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    result = function(*args, **kwargs)
    if isinstance(result, Tensor):
        if not isinstance(out, Tensor):
            raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
        return _put(result, out)
    if not isinstance(out, (tuple, list)) or len(out) != len(result):
        given = f"{len(out)} of them" if isinstance(out, (tuple, list)) else type(out).__name__
        raise TypeError(f"{name}(): argument 'out' must be tuple of {len(result)} Tensors, not {given}")
    for target in out:
        if not isinstance(target, Tensor):
            raise TypeError(
                f"{name}(): argument 'out' must be tuple of Tensors, but holds {type(target).__name__}"
            )
    return type(result)(map(_put, result, out))


def _requires_grad(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(_requires_grad, value))
    return isinstance(value, Tensor) and value.requires_grad


def _put(result: Tensor, out: Tensor) -> Tensor:
    if not can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"result type {_scalar_name(result)} can't be cast to the desired output type {_scalar_name(out)}"
        )
    if out.shape != result.shape:
        if out.numel() > 0:
            import warnings

            warnings.warn(
                f"An output with one or more elements was resized since it had shape {list(out.shape)}, which does "
                f"not match the required output shape {list(result.shape)}. Reuse a tensor out with "
                "out.resize_(0) to resize it without this warning.",
                UserWarning,
                stacklevel=3,
            )
        out.resize_(result.shape)
    return out.copy_(result)


def _scalar_name(tensor: Tensor) -> str:
    return tensor.type().rpartition(".")[2].removesuffix("Tensor")
