"""Mathematical functions of one element. Integers become the default dtype, except where rounding leaves them
as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import return_types
from numbatorch.arguments import OMITTED, mistaken, real, tensor_kind, unfit, whole
from numbatorch.base import TensorBase, weighed
from numbatorch.dtype import c_name, type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops.complexes import view_as_complex, view_as_real
from numbatorch.ops.copy import check_several, clone, copy_, into
from numbatorch.rules import (
    COMPLEX,
    INTEGERS,
    no_complex,
    not_implemented,
    refuse,
    to_bool,
    to_float,
    to_real,
)
from numbatorch_kernels import elementary, expr, primitives, scalar
from numbatorch_kernels.special import scalars

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


_no_sign = no_complex(
    "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
)
_no_clamp = no_complex("clamp is not supported for complex types")


def _clamped(common: dt.DType) -> None:
    _no_clamp(common)
    refuse("clamp_cpu", "bool")(common)


def _function(name: str, body) -> Pointwise:
    return Pointwise(name, body, arity=1, result=to_float)


_exp = _function("Exp", primitives.exp)
_exp2 = _function("Exp2", primitives.exp2)
_expm1 = _function("Expm1", primitives.expm1)
_log = _function("Log", primitives.log)
_log2 = _function("Log2", primitives.log2)
_log10 = _function("Log10", primitives.log10)
_log1p = _function("Log1P", primitives.log1p)
_sqrt = _function("Sqrt", primitives.sqrt)
_rsqrt = _function("Rsqrt", primitives.rsqrt)
_reciprocal = _function("Reciprocal", scalar.reciprocal)
_sin = _function("Sin", primitives.sin)
_cos = _function("Cos", primitives.cos)
_tan = _function("Tan", primitives.tan)
_asin = _function("Asin", primitives.asin)
_acos = _function("Acos", primitives.acos)
_atan = _function("Atan", primitives.atan)
_sinh = _function("Sinh", primitives.sinh)
_cosh = _function("Cosh", primitives.cosh)
_tanh = _function("Tanh", primitives.tanh)
_asinh = _function("Asinh", primitives.asinh)
_acosh = _function("Acosh", primitives.acosh)
_atanh = _function("Atanh", primitives.atanh)
_erf = Pointwise("Erf", primitives.erf, arity=1, result=to_float, accepts=refuse("erf_vml_cpu", *COMPLEX))
_erfc = Pointwise("Erfc", primitives.erfc, arity=1, result=to_float, accepts=refuse("erfc_vml_cpu", *COMPLEX))
_sigmoid = _function("Sigmoid", primitives.sigmoid)
_abs = Pointwise(
    "Abs", expr.absolute, arity=1, result=to_real, accepts=refuse("abs_cpu", "bool"), uncast=True
)
_modulus = Pointwise("Abs", expr.absolute, arity=1, result=to_real)  # which fits into more than `_abs` does
_neg = Pointwise("Neg", expr.neg, arity=1, uncast=True)
_sign = Pointwise(
    "Sign",
    scalar.sign,
    accepts=_no_sign,
    uncast=True,
)
_floor = Pointwise(
    "Floor",
    primitives.floor,
    arity=1,
    accepts=no_complex("floor is not supported for complex inputs"),
    uncast=True,
)
_ceil = Pointwise(
    "Ceil",
    primitives.ceil,
    arity=1,
    accepts=no_complex("ceil is not supported for complex inputs"),
    uncast=True,
)
_trunc = Pointwise(
    "Trunc",
    primitives.trunc,
    arity=1,
    accepts=no_complex("trunc is not supported for complex inputs"),
    uncast=True,
)
_round = Pointwise("Round", primitives.rint, arity=1, accepts=refuse("round_vml_cpu", *COMPLEX), uncast=True)
_no_places, _places = (refuse(kernel, *INTEGERS, *COMPLEX) for kernel in ("round_vml_cpu", "round_cpu"))
_round_to = Pointwise("Round", scalar.round_to, uncast=True, keeps_result=False)
_round_to_multiple = Pointwise("Round", scalar.round_to_multiple, uncast=True)
_frac = Pointwise("Frac", scalar.frac, accepts=refuse("frac_cpu", *INTEGERS, *COMPLEX), uncast=True)
_clamp = Pointwise("Clamp", scalar.clamp, accepts=_clamped)
_clamp_min = Pointwise("ClampMin", scalar.clamp_min, accepts=_no_clamp)
_clamp_max = Pointwise("ClampMax", scalar.clamp_max, accepts=_no_clamp)
_clamp_numbers = Pointwise("Clamp", scalar.clamp, accepts=refuse("clamp_scalar_cpu", "bool"), uncast=True)
_clamp_min_number = Pointwise(
    "ClampMin", scalar.clamp_min, accepts=refuse("clamp_min_scalar_cpu", "bool"), uncast=True
)
_clamp_max_number = Pointwise(
    "ClampMax", scalar.clamp_max, accepts=refuse("clamp_max_scalar_cpu", "bool"), uncast=True
)
_nan_to_num = Pointwise("NanToNum", scalar.nan_to_num, weightless=(1, 2, 3))
_deg2rad = _function("Deg2Rad", elementary.deg2rad)
_rad2deg = _function("Rad2Deg", elementary.rad2deg)
_sinc = _function("Sinc", elementary.sinc)
_logit = Pointwise("Logit", elementary.logit, result=to_float, accepts=refuse("logit_cpu", *COMPLEX))
_logit_between = Pointwise(
    "Logit",
    elementary.logit_between,
    result=to_float,
    weightless=(1, 2),
    accepts=refuse("logit_cpu", *COMPLEX),
)
_mantissa = Pointwise("Frexp", scalars.mantissa, arity=1)
_exponent = Pointwise("FrexpExponent", scalars.exponent, arity=1)
_signbit = Pointwise("Signbit", elementary.signbit, result=to_bool)
_negative = Pointwise("Signbit", elementary.negative, result=to_bool)
_isposinf = Pointwise("Isposinf", elementary.isposinf, result=to_bool)
_isneginf = Pointwise("Isneginf", elementary.isneginf, result=to_bool)
_isnan = Pointwise("Isnan", primitives.isnan, result=to_bool)
_isinf = Pointwise("Isinf", scalar.isinf, result=to_bool)
_isfinite = Pointwise("Isfinite", scalar.isfinite, result=to_bool)


def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e to the power of each element.

    >>> torch.exp(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return _exp(input) if out is None else _exp.general((input,), out)


def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2 to the power of each element."""
    return _exp2(input) if out is None else _exp2.general((input,), out)


def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e^x - 1, precise near 0."""
    return _expm1(input) if out is None else _expm1.general((input,), out)


def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The natural logarithm of each element; NaN below 0."""
    return _log(input) if out is None else _log.general((input,), out)


def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 2 of each element."""
    return _log2(input) if out is None else _log2.general((input,), out)


def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 10 of each element."""
    return _log10(input) if out is None else _log10.general((input,), out)


def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(1 + x), precise near 0."""
    return _log1p(input) if out is None else _log1p.general((input,), out)


def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square root of each element; NaN below 0."""
    return _sqrt(input) if out is None else _sqrt.general((input,), out)


def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / √x of each element."""
    return _rsqrt(input) if out is None else _rsqrt.general((input,), out)


def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / x of each element."""
    return _reciprocal(input) if out is None else _reciprocal.general((input,), out)


def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sine of each element, in radians."""
    return _sin(input) if out is None else _sin.general((input,), out)


def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The cosine of each element, in radians."""
    return _cos(input) if out is None else _cos.general((input,), out)


def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The tangent of each element, in radians."""
    return _tan(input) if out is None else _tan.general((input,), out)


def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle, in radians, whose sine is x; NaN outside [-1, 1]."""
    return _asin(input) if out is None else _asin.general((input,), out)


def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle, in radians, whose cosine is x; NaN outside [-1, 1]."""
    return _acos(input) if out is None else _acos.general((input,), out)


def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle, in radians, whose tangent is x."""
    return _atan(input) if out is None else _atan.general((input,), out)


def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """(e^x - e^-x) / 2"""
    return _sinh(input) if out is None else _sinh.general((input,), out)


def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """(e^x + e^-x) / 2"""
    return _cosh(input) if out is None else _cosh.general((input,), out)


def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sinh(x) / cosh(x)"""
    return _tanh(input) if out is None else _tanh.general((input,), out)


def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number whose sinh is x."""
    return _asinh(input) if out is None else _asinh.general((input,), out)


def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number whose cosh is x; NaN below 1."""
    return _acosh(input) if out is None else _acosh.general((input,), out)


def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number whose tanh is x; NaN outside [-1, 1]."""
    return _atanh(input) if out is None else _atanh.general((input,), out)


def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2/√π times the integral of e^(-t²) from 0 to x."""
    return _erf(input) if out is None else _erf.general((input,), out)


def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 - erf(x), precise for large x."""
    return _erfc(input) if out is None else _erfc.general((input,), out)


def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / (1 + e^-x)

    >>> torch.sigmoid(torch.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return _sigmoid(input) if out is None else _sigmoid.general((input,), out)


def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The absolute value of each element; of complex numbers the modulus, which is real."""
    if out is None:
        return _abs(input)
    own, wanted = tensor_kind(input).dtype, tensor_kind(out).dtype
    if own.is_complex and wanted.is_complex and wanted is not own:
        raise RuntimeError(f"Found dtype {type_word(wanted)} but expected {type_word(own)}")
    return (_modulus if own.is_complex else _abs).general((input,), out)


def abs_(self: Tensor) -> Tensor:
    """`abs` in place. Raises RuntimeError for complex tensors, whose moduli are of another dtype."""
    if tensor_kind(self).dtype.is_complex:
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    return abs(self, out=self)


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-x of each element. Raises RuntimeError for bool."""
    try:
        dtype = input.kind.dtype
    except AttributeError as error:
        raise mistaken(error) from None
    if dtype is dt.bool:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a "
            "mask, use the `~` or "
            "`logical_not()` operator instead."
        )
    return _neg(input) if out is None else _neg.general((input,), out)


def positive(input: Tensor) -> Tensor:
    """The input itself. Raises RuntimeError for bool."""
    if tensor_kind(input).dtype is dt.bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1, as each element is negative, zero or positive."""
    return _sign(input) if out is None else _sign.general((input,), out)


def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The largest whole number not above each element."""
    return _rounded(_floor, input, out)


def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smallest whole number not below each element."""
    return _rounded(_ceil, input, out)


def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each element without its fraction."""
    return _rounded(_trunc, input, out)


def round(input: Tensor, *, decimals: int = OMITTED, out: Tensor | None = None) -> Tensor:
    """Each element rounded to the nearest multiple of 10^-decimals (1), halves to even. Raises NotImplementedError for
    decimals of integers."""
    if decimals is OMITTED:
        return _rounded(_round, input, out)
    whole(decimals)
    if decimals == 0:
        _no_places(tensor_kind(input).dtype)
        return _rounded(_round, input, out)
    _places(tensor_kind(input).dtype)
    row = _round_to if decimals > 0 else _round_to_multiple
    return row.general((input, 10.0 ** max(decimals, -decimals)), out)


def _rounded(row: Pointwise, input: Tensor, out: Tensor | None) -> Tensor:
    """Integers are whole already."""
    if not (tensor_kind(input).dtype.is_inexact):
        if input.kind.dtype is dt.bool:
            raise not_implemented(f"{row.name.lower()}_vml_cpu", dt.bool)
        row = _whole
    return row(input) if out is None else row.general((input,), out)


_whole = Pointwise("Round", scalar.identity, uncast=True)
_identity = Pointwise("Clone", scalar.identity)


def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The fraction of each element, with its sign."""
    return _frac(input) if out is None else _frac.general((input,), out)


def clamp(
    input: Tensor,
    min: Tensor | Number | None = None,
    max: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Each element, but at least `min` and at most `max`. Raises RuntimeError if both are None.

    >>> torch.clamp(torch.tensor([-2.0, 0.5, 2.0]), min=-1, max=1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if complex in (min.__class__, max.__class__) and tensor_kind(input).dtype.is_floating_point:
        min, max = [dt.fitting(x, dt.float64) if x.__class__ is complex else x for x in (min, max)]
    if min is None:
        if max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        return clamp_max(input, max, out=out)
    if max is None:
        return clamp_min(input, min, out=out)
    return _by_limits(_clamp, _clamp_numbers, input, (min, max), out)


def _by_limits(
    by_tensors: Pointwise, by_numbers: Pointwise, input: Tensor, limits: tuple, out: Tensor | None
) -> Tensor:
    """One of two rows: numbers are made numbers of the dtype of the result first; -1 is the largest uint8, as in C.
    Raises RuntimeError for those out of range."""
    own = common = tensor_kind(input).dtype
    if not own.is_floating_point or any([x.__class__ not in (float, int) for x in limits]):
        tensors = [isinstance(x, TensorBase) for x in limits]
        if any(tensors):
            if not all(tensors):
                raise unfit("clamp", input, *limits)
            return by_tensors.general((input, *limits), out)
        widest = dt.result_dtype(*[weighed(x) for x in (input, *limits)])
        common = own if own.is_floating_point else widest
        if out is input and common is not own:
            raise RuntimeError(
                f"result type {type_word(common)} can't be cast to the desired output type {c_name(own)}"
            )
        _no_clamp(widest)
    return by_numbers.general((input, *[dt.fitting(x, common) for x in limits]), out)


def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Each element, with NaN replaced by `nan` (0) and infinities by `posinf` and `neginf` (the largest
    finite numbers). Of complex numbers each part for itself."""
    own = tensor_kind(input).dtype
    if out is not None and tensor_kind(out).dtype is not own:
        raise RuntimeError(
            f"nan_to_num: dtype of out: {type_word(out.kind.dtype)} should be same as input: {type_word(own)}"
        )
    if own.is_complex:
        if out is input and input._requires_grad:
            return copy_(out, nan_to_num(clone(input), nan, posinf, neginf))
        result = view_as_complex(nan_to_num(view_as_real(input), nan, posinf, neginf))
        return result if out is None else into(out, result, "nan_to_num")
    if not input.kind.dtype.is_floating_point:
        return _identity.general((input,), out)
    limits = dt.finfo(input.kind.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    return _nan_to_num.general((input, 0.0 if nan is None else nan, high, low), out)


def clamp_min(input: Tensor, min: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Each element, but at least `min`."""
    return _by_limits(_clamp_min, _clamp_min_number, input, (min,), out)


def clamp_max(input: Tensor, max: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Each element, but at most `max`."""
    return _by_limits(_clamp_max, _clamp_max_number, input, (max,), out)


def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees in radians: x π / 180."""
    if tensor_kind(input).dtype.is_complex:
        raise RuntimeError("deg2rad is not supported for complex tensors.")
    return _deg2rad(input) if out is None else _deg2rad.general((input,), out)


def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians in degrees: 180 x / π."""
    if tensor_kind(input).dtype.is_complex:
        raise RuntimeError("rad2deg is not supported for complex tensors.")
    return _rad2deg(input) if out is None else _rad2deg.general((input,), out)


def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(πx) / (πx), and 1 at 0.

    >>> torch.sinc(torch.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return _sinc(input) if out is None else _sinc.general((input,), out)


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """log(x / (1 - x)), the inverse of `sigmoid`; NaN outside [0, 1], unless `eps` is given: then x is first
    clamped to [eps, 1 - eps].

    >>> torch.logit(torch.tensor([0.0, 0.5]), eps=0.1)
    tensor([-2.1972,  0.0000])
    """
    if eps is None:
        return _logit(input) if out is None else _logit.general((input,), out)
    real(eps)
    return _logit_between.general((input, eps, 1 - eps), out)


def frexp(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> return_types.frexp:
    """The mantissa m, 1/2 <= |m| < 1, and the exponent n, an int32, of each x = m 2ⁿ. Raises RuntimeError for
    integers.

    >>> torch.frexp(torch.tensor([12.0, -0.5]))
    torch.return_types.frexp(
    mantissa=tensor([ 0.7500, -0.5000]),
    exponent=tensor([4, 0], dtype=torch.int32))
    """
    if not tensor_kind(input).dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    exponent = _exponent(input.detach()).to(dt.int32)
    if out is None:
        return return_types.frexp(_mantissa(input), exponent)
    check_several(out, "frexp", 2)
    for target, name, wanted in zip(out, ("mantissa", "exponent"), (input.kind.dtype, dt.int32), strict=True):
        if tensor_kind(target).dtype is not wanted:
            raise RuntimeError(
                f"torch.frexp() expects {name} to have dtype {c_name(wanted)} but got {c_name(target.kind.dtype)}"
            )
    mantissa = _mantissa.general((input,), out[0])
    return return_types.frexp(mantissa, into(out[1], exponent, "frexp"))


def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element has a minus: -0.0 has one."""
    if tensor_kind(input).dtype.is_complex:
        raise NotImplementedError("signbit is not implemented for complex tensors.")
    _only_truth("signbit", out)
    row = _signbit if input.kind.dtype.is_floating_point else _negative
    return row.general((input,), out)


def _only_truth(name: str, out: Tensor | None) -> None:
    if out is not None and tensor_kind(out).dtype is not dt.bool:
        raise RuntimeError(f"{name} does not support non-boolean outputs.")


def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is +inf."""
    return _infinite("isposinf", _isposinf, input, out)


def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is -inf."""
    return _infinite("isneginf", _isneginf, input, out)


def _infinite(name: str, row: Pointwise, input: Tensor, out: Tensor | None) -> Tensor:
    if tensor_kind(input).dtype.is_complex:
        raise RuntimeError(f"{name} does not support complex inputs.")
    _only_truth(name, out)
    if not input.kind.dtype.is_floating_point:
        row = _never
    return row.general((input,), out)


_never = Pointwise("Isinf", lambda x: False, arity=1, result=to_bool)
_always = Pointwise("Isreal", lambda x: True, arity=1, result=to_bool)


def isreal(input: Tensor) -> Tensor:
    """Whether the imaginary part of each element is zero."""
    return input.imag == 0 if tensor_kind(input).dtype.is_complex else _always(input)


def isnan(input: Tensor) -> Tensor:
    """Whether each element is NaN."""
    return _isnan(input)


def isinf(input: Tensor) -> Tensor:
    """Whether each element is infinite."""
    return _isinf(input)


def isfinite(input: Tensor) -> Tensor:
    """Whether each element is neither infinite nor NaN."""
    return _isfinite(input)
