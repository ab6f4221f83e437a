"""Addition, multiplication, division and their kin: pointwise ops of two or more operands that broadcast.

Integer and floating-point operands mix by PyTorch's promotion rules; the gradient comes from the scalar body.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

import numbatorch.dtype as dt
from numbatorch.arguments import tensor_kind, text, unfit
from numbatorch.base import TensorBase, weighed
from numbatorch.dtype import c_name, type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops.comparison import bitwise_or
from numbatorch.ops.underived import Underived
from numbatorch.rules import COMPLEX, HALF, INTEGERS, no_complex, not_implemented, refuse, to_float
from numbatorch_kernels import elementary, expr, primitives, scalar
from numbatorch_kernels.special import scalars

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor

NO_FLOATS = (*INTEGERS, *COMPLEX)
NO_INTEGERS = ("bool", *HALF, "float32", "float64", *COMPLEX)

_add = Pointwise("Add", expr.add, arity=2, rounds=True)
_add_scaled = Pointwise("Add", scalar.add_scaled, weightless=(2,), rounds=True)


class _Subtraction(Pointwise):
    """Not of truth values. A kernel is ready for the plain case of operands that have passed here once."""

    def general(self, inputs, out=None):
        _check_no_bool(*inputs[:2])
        return super().general(inputs, out)


def _check_no_bool(input: Tensor | Number, other: Tensor | Number | None = None) -> None:
    if _is_bool(input) or _is_bool(other):
        both = _is_bool(input) and _is_bool(other)
        instead = (
            "Use the `^` or `logical_xor()` operator instead."
            if both
            else "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
        operands = "two bool tensors" if both else "a bool tensor"
        raise RuntimeError(f"Subtraction, the `-` operator, with {operands} is not supported. {instead}")


_sub = _Subtraction("Sub", expr.sub, arity=2, rounds=True)
_rsub = _Subtraction("Rsub", _sub.program, rounds=True, overload=1)
_sub_scaled = _Subtraction("Sub", scalar.sub_scaled, weightless=(2,))
_mul = Pointwise("Mul", expr.mul, arity=2)
_div = Pointwise("Div", expr.div, arity=2, result=to_float, keeps_result=False)
_floor_divide = Underived("floor_divide", scalar.floor_divide, accepts=refuse("div_floor_cpu", *COMPLEX))
_steps = scalar.derived_by(lambda g, y, a, b: (None, None))  # level everywhere: no gradient, but zeros
_div_floor = Pointwise("Div", _steps(scalar.floor_divide), accepts=refuse("div_floor_cpu", *COMPLEX))
_floor_divide_int = Pointwise("FloorDivide", expr.floordiv, arity=2, accepts=refuse("div_floor_cpu", "bool"))
_trunc_divide = Pointwise("Div", scalar.trunc_divide, accepts=refuse("div_trunc_cpu", *COMPLEX))
_trunc_divide_int = Pointwise("Div", scalar.trunc_divide_int, accepts=refuse("div_trunc_cpu", "bool"))
_remainder = Pointwise("Remainder", scalar.remainder, rounds=True)
_remainder_int = Pointwise("Remainder", expr.mod, arity=2, accepts=refuse("remainder_cpu", "bool"))
_fmod = Pointwise("Fmod", primitives.fmod, arity=2, rounds=True, tensors=1)
_fmod_int = Pointwise("Fmod", scalar.fmod_int, accepts=refuse("fmod_cpu", "bool"), tensors=1)
_pow = Pointwise("Pow", scalar.number_power, rounds=True)
_pow_of_tensors = Pointwise("Pow", primitives.pow, arity=2, rounds=True, overload=1)
_pow_of_number = Pointwise("Pow", _pow_of_tensors.program, rounds=True, overload=2)
_pow_int = Pointwise("Pow", scalar.pow_int, accepts=refuse("pow", "bool"))
_POWERS = {  # of floating point numbers, without logarithms; PyTorch's rounding too
    2: Pointwise("Pow", scalar.square),
    3: Pointwise("Pow", scalar.cube),
    0.5: Pointwise("Pow", primitives.sqrt, arity=1, keeps_result=False),
    -0.5: Pointwise("Pow", scalar.reciprocal_root, keeps_result=False),
    -1: Pointwise("Pow", scalar.reciprocal, keeps_result=False),
    -2: Pointwise("Pow", scalar.reciprocal_square, keeps_result=False),
}
_maximum = Pointwise(
    "Maximum",
    scalar.maximum_,
    accepts=no_complex("maximum not implemented for complex tensors.", RuntimeError),
    tensors=2,
)
_minimum = Pointwise(
    "Minimum",
    scalar.minimum_,
    accepts=no_complex("minimum not implemented for complex tensors.", RuntimeError),
    tensors=2,
)
_fmax = Pointwise(
    "Fmax",
    scalar.fmax,
    accepts=no_complex("fmax not implemented for complex tensors.", RuntimeError),
    tensors=2,
)
_fmin = Pointwise(
    "Fmin",
    scalar.fmin,
    accepts=no_complex("fmin not implemented for complex tensors.", RuntimeError),
    tensors=2,
)
_atan2 = Pointwise("Atan2", primitives.atan2, arity=2, result=to_float, rounds=True, tensors=2)
_hypot = Pointwise("Hypot", scalar.hypot, accepts=refuse("hypot_cpu", *NO_FLOATS), rounds=True, tensors=2)
_copysign = Pointwise("Copysign", primitives.copysign, arity=2, result=to_float, tensors=1)
_logaddexp = Pointwise("Logaddexp", scalar.logaddexp, accepts=refuse("logaddexp_cpu", *INTEGERS), tensors=2)
_logaddexp2 = Pointwise(
    "Logaddexp2",
    elementary.logaddexp2,
    accepts=refuse("logaddexp2_cpu", *NO_FLOATS),
    rounds=True,
    keeps_result=False,
    tensors=2,
)
_xlogy = Pointwise("Xlogy", scalar.xlogy, result=to_float, accepts=refuse("xlogy_cpu", *COMPLEX), rounds=True)
_heaviside = Underived("heaviside", elementary.heaviside)
_ldexp = Pointwise("Ldexp", scalars.ldexp, arity=2, result=to_float, tensors=2)
_gcd = Pointwise("Gcd", scalars.gcd, arity=2, accepts=refuse("gcd_cpu", *NO_INTEGERS), tensors=2)
_lcm = Pointwise("Lcm", scalars.lcm, arity=2, accepts=refuse("lcm_cpu", *NO_INTEGERS), tensors=2)
_nextafter = Pointwise(
    "Nextafter",
    scalars.neighbour,
    arity=5,
    weightless=(2, 3, 4),
    accepts=refuse("nextafter_cpu", *NO_FLOATS),
    rounds=True,
)
_lerp = Pointwise("Lerp", scalar.lerp, uncast=True)
_lerp_by_number = Pointwise("Lerp", scalar.lerp)
_addcmul = Pointwise(
    "Addcmul",
    scalar.addcmul,
    weightless=(3,),
    accepts=refuse("addcmul_cpu_out", "bool"),
    rounds=True,
    tensors=3,
)
_addcdiv = Pointwise("Addcdiv", scalar.addcdiv, weightless=(3,), result=to_float, rounds=True, tensors=3)


def add(
    input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """input + alpha * other, of each element.

    >>> torch.add(torch.tensor([1, 2]), 3)
    tensor([4, 5])
    """
    if alpha.__class__ is not int or alpha != 1:
        alpha = _alpha(alpha, input, other)
    if alpha == 1:
        return _add(input, other) if out is None else _add.general((input, other), out)
    return _add_scaled.general((input, other, alpha), out)


def sub(
    input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """input - alpha * other, of each element. Raises RuntimeError for bool operands.

    >>> torch.sub(torch.tensor([1.0, 2.0]), 0.5)
    tensor([0.5000, 1.5000])
    """
    if alpha.__class__ is not int or alpha != 1:
        _check_no_bool(input, other)
        alpha = _alpha(alpha, input, other)
    if alpha == 1:
        return _sub(input, other) if out is None else _sub.general((input, other), out)
    return _sub_scaled.general((input, other, alpha), out)


def _alpha(alpha: Number, *operands: Tensor | Number) -> Number:
    common = dt.result_dtype(*[weighed(x) for x in operands])
    if isinstance(alpha, complex) and common.is_floating_point:
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    return fitting_factor("alpha", alpha, common)


def fitting_factor(name: str, factor: Number, common: dt.DType) -> Number:
    """The argument `alpha` or `beta` as a number of the operands' dtype. Raises RuntimeError where it is of a higher class,
    or out of range."""
    if isinstance(factor, bool) and common is not dt.bool:
        raise RuntimeError(f"Boolean {name} only supported for Boolean results.")
    if not isinstance(factor, int) and not common.is_inexact:
        raise RuntimeError(
            f"For integral input tensors, argument {name} must not be a floating point number."
        )
    return dt.fitting(factor, common)


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """other - alpha * input, of each element."""
    if alpha.__class__ is int and alpha == 1:
        return _rsub(other, input)
    return sub(other, input, alpha=alpha)


def mul(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input * other, of each element.

    >>> torch.mul(torch.tensor([1, 2]), torch.tensor([[2], [3]]))
    tensor([[2, 4],
            [3, 6]])
    """
    return _mul(input, other) if out is None else _mul.general((input, other), out)


def div(
    input: Tensor | Number,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """input / other, of each element. Integers give the default dtype, unless `rounding_mode` is "floor" or
    "trunc".

    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="floor")
    tensor([ 3, -4])
    """
    if rounding_mode is None:
        return _div(input, other) if out is None else _div.general((input, other), out)
    if rounding_mode == "floor":
        return _by_class(_div_floor, _floor_divide_int, input, other, out)
    if rounding_mode != "trunc":
        text(rounding_mode)
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return _by_class(_trunc_divide, _trunc_divide_int, input, other, out)


def floor_divide(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The largest whole number not above input / other. Raises RuntimeError where an integer is divided by
    zero. It has no derivative; that of `div(rounding_mode="floor")` is zero."""
    return _by_class(_floor_divide, _floor_divide_int, input, other, out)


def remainder(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The remainder of input / other with the sign of `other`, as Python's `%`."""
    return _by_class(_remainder, _remainder_int, input, other, out)


def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The remainder of input / other with the sign of `input`, as C's fmod."""
    return _by_class(_fmod, _fmod_int, input, other, out)


def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input to the power of exponent, of each element. Integers to a negative whole power raise RuntimeError.

    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    if exponent.__class__ in (int, float) and exponent in _POWERS and isinstance(input, TensorBase):
        dtype = input.kind.dtype
        if dtype.is_floating_point or (exponent.__class__ is int and exponent == 2 and dtype is not dt.bool):
            row = _POWERS[exponent]
            return row(input) if out is None else row.general((input,), out)
    if isinstance(exponent, bool) and _is_bool(input):
        return bitwise_or(input, not exponent, out=out)
    if isinstance(input, TensorBase) and not isinstance(exponent, TensorBase):
        exponent = _exponent(exponent, input.kind.dtype)
    if _integral(input) and _integral(exponent):
        return _pow_int.general((input, exponent), out)
    row = _pow
    if isinstance(exponent, TensorBase):
        row = _pow_of_tensors if isinstance(input, TensorBase) else _pow_of_number
    return row(input, exponent) if out is None else row.general((input, exponent), out)


def _exponent(exponent: Number, base: dt.DType) -> Number:
    """A number as the exponent of integers or float16, which must have it among them. Raises RuntimeError for a
    negative whole one of integers."""
    if base is dt.float16 and not isinstance(exponent, complex):
        return dt.fitting(exponent, base)
    if base.is_inexact or not isinstance(exponent, int):
        return exponent
    if dt.fitting(exponent, dt.int64) < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return exponent if base is dt.bool else dt.fitting(exponent, base)


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square of each element."""
    return pow(input, 2, out=out)


def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two elements; NaN if either is."""
    return _maximum.general((input, other), out)


def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two elements; NaN if either is."""
    return _minimum.general((input, other), out)


def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two elements; where one is NaN, the other."""
    return _fmax.general((input, other), out)


def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two elements; where one is NaN, the other."""
    return _fmin.general((input, other), out)


def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point (other, input), in radians from -π to π."""
    return _atan2.general((input, other), out)


def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """√(input² + other²)"""
    return _hypot.general((input, other), out)


def copysign(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The magnitude of `input` with the sign of `other`."""
    return _copysign.general((input, other), out)


def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(e^input + e^other), without overflow."""
    return _logaddexp.general((input, other), out)


def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log2(2^input + 2^other), without overflow."""
    return _logaddexp2.general((input, other), out)


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The step: 0 below zero, 1 above, and `values` at zero. Raises RuntimeError where the dtypes differ.

    >>> torch.heaviside(torch.tensor([-1.5, 0, 2.0]), torch.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if tensor_kind(input).dtype.is_complex or tensor_kind(values).dtype.is_complex:
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if input.kind.dtype is not values.kind.dtype or (
        out is not None and tensor_kind(out).dtype is not input.kind.dtype
    ):
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return _heaviside.general((input, values), out)


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input * 2^other. For floats and an integer `other` this is exact, also where 2^other is out of range.

    >>> torch.ldexp(torch.tensor([1.0]), torch.tensor([1, 2, 3]))
    tensor([2., 4., 8.])
    """
    tensor_kind(input), tensor_kind(other)  # mul and pow would take numbers
    if _integral(input) or not _integral(other):
        return mul(input, pow(2.0, other), out=out)
    if _is_bool(other):
        raise not_implemented("ldexp_cpu_exp", dt.bool)
    return _ldexp.general((input, other), out)


def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number of this dtype that comes next after `input` on the way to `other`.

    >>> torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])) == 1 + torch.finfo(torch.float32).eps
    tensor([True])
    """
    tensor_kind(input), tensor_kind(other)  # numbers are refused
    common = dt.result_dtype(weighed(input), weighed(other))
    if not common.is_floating_point:
        return _nextafter.general((input, other, 0, 0, 0), out)  # which refuses it
    limits = dt.finfo(common)
    digits = 2 - math.frexp(limits.eps)[1]
    smallest = limits.smallest_normal * limits.eps
    return _nextafter.general((input, other, digits, smallest, limits.max), out)


def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor of integers; gcd(0, 0) = 0. Raises NotImplementedError for floats.

    >>> torch.gcd(torch.tensor([5, 10, 15]), torch.tensor([3, 4, 5]))
    tensor([1, 2, 5])
    """
    return _gcd.general((input, other), out)


def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple of integers; lcm(0, 0) = 0. Raises NotImplementedError for floats.

    >>> torch.lcm(torch.tensor([5, 10, 15]), torch.tensor([3, 4, 5]))
    tensor([15, 20, 15])
    """
    return _lcm.general((input, other), out)


def float_power(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input to the power of exponent, computed in float64 (or complex128) whatever the dtypes are.

    >>> torch.float_power(torch.tensor([1, 2, 3]), -1)
    tensor([1.0000, 0.5000, 0.3333], dtype=torch.float64)
    """
    own = [x.dtype if isinstance(x, TensorBase) else dt.number_dtype(x) for x in (input, exponent)]
    wide = dt.complex128 if own[0].is_complex or own[1].is_complex else dt.float64
    if out is not None and tensor_kind(out).dtype is not wide:
        if out is input:
            raise RuntimeError(
                f"the base given to float_power_ has dtype {type_word(out.dtype)} but the operation's result "
                f"requires dtype {type_word(wide)}"
            )
        raise RuntimeError(
            f"the output given to float_power has dtype {type_word(out.dtype)} but the operation's result "
            f"requires dtype {type_word(wide)}"
        )
    base, power = [x.to(wide) if isinstance(x, TensorBase) else x for x in (input, exponent)]
    return pow(base, power, out=out)


def xlogy(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input * log(other), and 0 where input is 0."""
    return _xlogy.general((input, other), out)


def lerp(input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input + weight * (end - input)

    Raises NotImplementedError for integers, unless the weight is a tensor of floating-point numbers.
    """
    own = tensor_kind(input).dtype
    if not isinstance(end, TensorBase):
        raise unfit("lerp", input, end, weight)
    for name, x in (("end", end), ("weight", weight)):
        if isinstance(x, TensorBase) and x.kind.dtype is not own and (x.array.ndim or x is end):
            raise RuntimeError(
                f"expected dtype {c_name(own)} for `{name}` but got dtype {c_name(x.kind.dtype)}"
            )
    if not isinstance(weight, TensorBase):
        if not isinstance(weight, int | float | complex | np.generic):
            raise unfit("lerp", input, end, weight)
        refuse("lerp_kernel_scalar", *INTEGERS)(own)
        return _lerp_by_number.general((input, end, dt.fitting(weight, own.opmath)), out)
    if not weight.kind.dtype.is_inexact:
        refuse("lerp_kernel_tensor", *INTEGERS)(input.kind.dtype)
    return _lerp.general((input, end, weight), out)


def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None
) -> Tensor:
    """input + value * tensor1 * tensor2. Raises RuntimeError where `value` is no number of their dtype."""
    value = _factor(value, input, tensor1, tensor2)
    return _addcmul.general((input, tensor1, tensor2, value), out)


def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None
) -> Tensor:
    """input + value * tensor1 / tensor2. Raises RuntimeError for integer tensors."""
    if _integral(tensor1) and _integral(tensor2):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will "
            "perform a true division of "
            "tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * "
            "torch.trunc(tensor1 / tensor2))"
            ".to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float "
            "inputs. The future addcdiv "
            "behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes."
        )
    value = _factor(value, input, tensor1, tensor2)
    return _addcdiv.general((input, tensor1, tensor2, value), out)


def _factor(value: Number, *tensors: Tensor) -> Number:
    """`value` as a number of the type that an operation on these tensors computes in."""
    return value if value == 1 else dt.fitting(value, dt.result_dtype(*[weighed(x) for x in tensors]).opmath)


def _is_bool(value) -> bool:
    return value.kind.dtype is dt.bool if isinstance(value, TensorBase) else isinstance(value, bool)


def _integral(value) -> bool:
    """Whether a tensor or number is of an integer type or bool."""
    if isinstance(value, TensorBase):
        return not (value.kind.dtype.is_inexact)
    return isinstance(value, int)


def _by_class(
    on_floats: Pointwise, on_integers: Pointwise, input, other: Tensor | Number, out: Tensor | None
) -> Tensor:
    """One of two rows: division of integers is another thing, and must not meet a zero. (On CUDA it may, as in PyTorch, and
    makes any number: to look for a zero would be to wait.)"""
    if not (_integral(input) and _integral(other)):
        return on_floats.general((input, other), out)
    if not (_is_bool(input) and _is_bool(other)) and not _nowhere_zero(other, input):
        raise RuntimeError("ZeroDivisionError")
    return on_integers.general((input, other), out)


def _nowhere_zero(value: Tensor | Number, input: Tensor | Number) -> bool:
    if isinstance(value, TensorBase):
        return not value.kind.cpu or value.ne(0).all().item()
    if isinstance(value, int) and isinstance(input, TensorBase) and not _is_bool(input):
        value %= 1 << 8 * input.kind.dtype.itemsize
    return bool(value)
