"""Comparisons, logic, and choosing by a condition."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.base import TensorBase, weighed
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise
from numbatorch.rules import COMPLEX, HALF, refuse, to_bool
from numbatorch.shape import broadcast_pair, portions
from numbatorch_kernels import expr, scalar

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor

INEXACT = (*HALF, "float32", "float64", *COMPLEX)


def _comparison(name: str, body: Any, accepts: Callable[[dt.DType], None] | None = None) -> Pointwise:
    return Pointwise(name, body, arity=2, result=to_bool, rounds=True, tensors=1, accepts=accepts)


def _connective(name: str, body: Any) -> Pointwise:
    return Pointwise(name, body, arity=2, result=to_bool, conditions=(0, 1), rounds=True, tensors=2)


_eq = _comparison("Eq", expr.eq)
_ne = _comparison("Ne", expr.ne)
_lt = _comparison("Lt", expr.lt, refuse("lt_cpu", *COMPLEX))
_le = _comparison("Le", expr.le, refuse("le_cpu", *COMPLEX))
_gt = _comparison("Gt", scalar.greater, refuse("gt_cpu", *COMPLEX))
_ge = _comparison("Ge", scalar.greater_equal, refuse("ge_cpu", *COMPLEX))
_isclose = Pointwise("Isclose", scalar.isclose, result=to_bool, weightless=(2, 3))
_logical_and = _connective("LogicalAnd", expr.bit_and)
_logical_or = _connective("LogicalOr", expr.bit_or)
_logical_xor = _connective("LogicalXor", expr.bit_xor)
_logical_not = Pointwise("LogicalNot", expr.logical_not, arity=1, result=to_bool, conditions=(0,))
_bitwise_and = Pointwise("BitwiseAnd", expr.bit_and, arity=2, accepts=refuse("bitwise_and_cpu", *INEXACT))
_bitwise_or = Pointwise("BitwiseOr", expr.bit_or, arity=2, accepts=refuse("bitwise_or_cpu", *INEXACT))
_bitwise_xor = Pointwise("BitwiseXor", expr.bit_xor, arity=2, accepts=refuse("bitwise_xor_cpu", *INEXACT))
_bitwise_not = Pointwise(
    "BitwiseNot", expr.bit_not, arity=1, uncast=True, accepts=refuse("bitwise_not_cpu", *INEXACT)
)
_no_shift_left = refuse("lshift_cpu", "bool", *INEXACT)
_no_shift_right = refuse("rshift_cpu", "bool", *INEXACT)
_shift_left = Pointwise("BitwiseLeftShift", scalar.shift_left, accepts=_no_shift_left)
_shift_right = Pointwise("BitwiseRightShift", scalar.shift_right, accepts=_no_shift_right)
_where = Pointwise("Where", expr.where, arity=3, conditions=(0,))
_masked_fill = Pointwise("MaskedFill", scalar.masked_fill, conditions=(1,), weightless=(2,), row_major=True)


def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input == other, of each element; the result is bool.

    >>> torch.eq(torch.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    return _eq(input, other) if out is None else _eq.general((input, other), out)


def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input != other, of each element."""
    return _ne(input, other) if out is None else _ne.general((input, other), out)


def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input < other, of each element."""
    return _lt(input, other) if out is None else _lt.general((input, other), out)


def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input <= other, of each element."""
    return _le(input, other) if out is None else _le.general((input, other), out)


def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input > other, of each element."""
    return _gt(input, other) if out is None else _gt.general((input, other), out)


def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input >= other, of each element."""
    return _ge(input, other) if out is None else _ge.general((input, other), out)


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Whether |input - other| <= atol + rtol |other|, of each element. Raises RuntimeError where the dtypes
    differ."""
    if tensor_kind(input).dtype is not tensor_kind(other).dtype:
        raise RuntimeError(f"{_word(input)} did not match {_word(other)}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance:g}")
    close = (
        _isclose.general((input, other, rtol, atol))
        if input.kind.dtype.is_inexact
        else _close_integers(input, other, rtol, atol)
    )
    return close | ((input != input) & (other != other)) if equal_nan else close


def _close_integers(input: Tensor, other: Tensor, rtol: float, atol: float) -> Tensor:
    return _isclose.general((input.to(dt.float64), other.to(dt.float64), rtol, atol))


def _word(tensor: TensorBase) -> str:
    return type_word(tensor.kind.dtype)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether every element of `input` is close to that of `other` (see `isclose`)."""
    return isclose(input, other, rtol, atol, equal_nan).all().item()


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements."""
    shape = tensor_array(input).shape
    if shape != tensor_array(other).shape or not input.array.size:
        return shape == other.array.shape
    if not (shape and input.kind.cpu):  # to look at a part of a GPU's memory is to wait for it
        return eq(input, other).all().item()
    rows = portions(shape[0], 4 * prod(shape[1:]))
    return all(eq(input[some], other[some]).all().item() for some in rows)


def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether both elements are nonzero."""
    return _logical_and.general((input, other), out)


def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether either element is nonzero."""
    return _logical_or.general((input, other), out)


def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether exactly one of the two elements is nonzero."""
    return _logical_xor.general((input, other), out)


def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is zero."""
    return _logical_not.general((input,), out)


def bitwise_and(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The bits that both integers have; of bool the logical and. Raises NotImplementedError for
    floating-point operands."""
    return _bitwise_and(input, other) if out is None else _bitwise_and.general((input, other), out)


def bitwise_or(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The bits that either integer has."""
    return _bitwise_or(input, other) if out is None else _bitwise_or.general((input, other), out)


def bitwise_xor(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The bits that exactly one of two integers has."""
    return _bitwise_xor(input, other) if out is None else _bitwise_xor.general((input, other), out)


def bitwise_left_shift(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The bits of an integer moved up by `other` places."""
    return _shift_left(input, other) if out is None else _shift_left.general((input, other), out)


def bitwise_right_shift(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The bits of an integer moved down by `other` places, the sign kept."""
    return _shift_right(input, other) if out is None else _shift_right.general((input, other), out)


def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The integer with all bits turned; of bool the logical not. Raises NotImplementedError for
    floating-point tensors."""
    if tensor_kind(input).dtype is dt.bool:
        return _logical_not.general((input,), out)
    return _bitwise_not.general((input,), out)


def where(
    condition: Tensor,
    input: Tensor | Number | None = None,
    other: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
):
    """`input` where the condition holds, else `other`. With the condition alone: its nonzero positions, a
    tuple of index tensors.

    >>> torch.where(torch.tensor([True, False]), 1.0, torch.tensor([5.0, 6.0]))
    tensor([1., 6.])
    """
    if input is None and other is None:
        tensor_kind(condition)
        return condition.nonzero(as_tuple=True)
    if tensor_kind(condition).dtype is not dt.bool:
        if condition.kind.dtype is not dt.uint8:
            raise RuntimeError(
                f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                f"{_word(condition)}"
            )
        condition = condition.to(dt.bool)
    return _where.general((condition, _beside(other, input), _beside(input, other)), out)


def _beside(other: Any, value: Any) -> Any:
    """A number as one of the dtype that it has together with `other`. Raises RuntimeError where it is out of range,
    unless that is an infinity of two bytes."""
    if isinstance(value, TensorBase):
        return value
    common = dt.result_dtype(weighed(value), weighed(other))
    return value if common.is_half else dt.fitting(value, common)


def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """`input`, but `value`, as a number of its dtype, where the mask is True. Raises RuntimeError for a value
    out of range."""
    if tensor_kind(mask).dtype is not dt.bool:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {dt.c_name(mask.kind.dtype)}"
        )
    if out is None:
        broadcast_pair(mask.array.shape, tensor_array(input).shape)  # which the error names in this order
    if isinstance(value, TensorBase):
        if value.array.ndim:
            raise RuntimeError(
                f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.array.ndim} dimension(s)."
            )
        if value.kind.cpu:
            dt.fitting(value.item(), input.kind.dtype)
        if value._storage is not None and value._storage is input._storage:
            value = value.clone()  # the number that it is now, although it may be overwritten
        return _masked_fill.general((input, mask, value.to(input)), out)
    return _masked_fill.general((input, mask, dt.fitting(value, input.kind.dtype)), out)
