"""The twelve element types, and PyTorch's rules for mixing them.

`DType` objects are singletons: compare them with `is`. The rules are pure functions of dtypes, and the tables
behind them are computed once, on import.

As in PyTorch's namespace, `bool`, `int` and `float` are dtypes here; Python's are `builtins.bool` and so on.
"""

from __future__ import annotations

import builtins
import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from numbatorch.arguments import misfit

# --- the types


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class DType:
    """An element type, such as `numbatorch.float32`. There are twelve, and no others can be made.

    * `name`: `"float32"`.
    * `numpy`: the NumPy dtype of the storage. bfloat16, which NumPy lacks, is stored as uint16 bit patterns.
    * `itemsize`: bytes an element takes.
    * `is_floating_point`, `is_complex`, `is_signed`: as in PyTorch; complex types are not "floating point".
    * `is_inexact`: floating point or complex, as tensors with gradients are.
    * `is_half`: float16 or bfloat16, which are stored narrow and computed in `opmath`, float32.
    """

    name: str
    numpy: np.dtype[Any]
    itemsize: builtins.int
    is_floating_point: builtins.bool
    is_complex: builtins.bool
    is_signed: builtins.bool

    @property
    def is_inexact(self) -> builtins.bool:
        return self.is_floating_point or self.is_complex

    @property
    def is_half(self) -> builtins.bool:
        """Whether it is float16 or bfloat16."""
        return self is float16 or self is bfloat16

    @property
    def opmath(self) -> DType:
        """The type that kernels compute in: float32 for float16 and bfloat16, for every other type itself."""
        return float32 if self.is_half else self

    def to_real(self) -> DType:
        """The type of the real part: `complex64.to_real()` is `float32`; real types return themselves."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> DType:
        """The complex type with parts of this type; complex64 for float16 too, as there is no complex32.

        Raises RuntimeError for integer types and bool.
        """
        if self.is_complex:
            return self
        if not self.is_floating_point:
            raise RuntimeError(f"Unknown Complex ScalarType for {_WORDS[self.name]}")
        return complex128 if self is float64 else complex64

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        # To pickle and copy a string means "the module's global of that name": a copy is the object itself.
        return self.name


def _dtype(name: str, storage: str | None = None) -> DType:
    numpy = np.dtype(storage or name)
    is_float = name.startswith(("float", "bfloat"))
    return DType(
        name=name,
        numpy=numpy,
        itemsize=numpy.itemsize,
        is_floating_point=is_float,
        is_complex=numpy.kind == "c",
        is_signed=is_float or numpy.kind in "ic",
    )


bool = _dtype("bool")
uint8 = _dtype("uint8")
int8 = _dtype("int8")
int16 = short = _dtype("int16")
int32 = int = _dtype("int32")
int64 = long = _dtype("int64")
float16 = half = _dtype("float16")
bfloat16 = _dtype("bfloat16", storage="uint16")
float32 = float = _dtype("float32")
float64 = double = _dtype("float64")
complex64 = cfloat = _dtype("complex64")
complex128 = cdouble = _dtype("complex128")

ALL_DTYPES: tuple[DType, ...] = (
    bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip


# --- the default type of floating-point numbers

_default: DType = float32


def get_default_dtype() -> DType:
    """The type of `tensor(1.5)` and of creation functions without `dtype=`."""
    return _default


def set_default_dtype(d: DType) -> None:
    """Make `d`, a floating-point type, the default. Raises TypeError for any other."""
    global _default
    if not isinstance(d, DType):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def get_default_complex_dtype() -> DType:
    """The type of `tensor(1j)`: the complex type that belongs to the default type."""
    return _default.to_complex()


# --- promotion


def _promote(a: DType, b: DType) -> DType:
    """The rule behind the table: of the classes bool < integer < floating point < complex the higher wins,
    within a class the smallest type that holds both."""
    if a is b:
        return a
    if a.is_complex or b.is_complex:
        wide = float64 in (a.to_real(), b.to_real())
        return complex128 if wide else complex64
    if a.is_floating_point and b.is_floating_point:
        if a.itemsize == b.itemsize:  # float16 with bfloat16: neither holds the other
            return float32
        return max(a, b, key=lambda d: d.itemsize)
    if a.is_floating_point or b.is_floating_point:
        return a if a.is_floating_point else b
    if a is bool or b is bool:
        return b if a is bool else a
    if a.itemsize == b.itemsize:  # uint8 with int8
        return int16
    return max(a, b, key=lambda d: d.itemsize)


def _combine(higher: DType, lower: DType) -> DType:
    """What operands of type `higher` become when ones of a lower category join them: the class may change,
    the width does not. An int8 tensor + an int64 number is int8, a float64 tensor + 1j is complex128."""
    if higher.is_complex:
        return higher
    if higher.is_floating_point:
        return higher.to_complex() if lower.is_complex else higher
    if higher is bool or lower.is_inexact:
        return _promote(higher, lower)
    return higher


def _casts(from_: DType, to: DType) -> builtins.bool:
    if from_.is_complex:
        return to.is_complex
    if from_.is_floating_point:
        return to.is_inexact
    return from_ is bool or to is not bool


_PROMOTED = {(a, b): _promote(a, b) for a, b in product(ALL_DTYPES, repeat=2)}
_COMBINED = {(a, b): _combine(a, b) for a, b in product(ALL_DTYPES, repeat=2)}
_CASTS = {(a, b): _casts(a, b) for a, b in product(ALL_DTYPES, repeat=2)}

# Categories of operands, by weight.
NUMBER, ZERO_DIM, DIMENSIONED = 0, 1, 2


def promote_types(type1: DType, type2: DType) -> DType:
    """The smallest type of the higher class that holds both: `promote_types(int32, float16)` is `float16`."""
    try:
        return _PROMOTED[type1, type2]
    except KeyError:
        type1 = as_dtype(type1, "promote_types(): argument 'type1' (position 1)")
        return _PROMOTED[type1, as_dtype(type2, "promote_types(): argument 'type2' (position 2)")]


def result_dtype(*operands: tuple[DType, builtins.int]) -> DType:
    """The type of an operation on `(dtype, category)` operands: PyTorch's `result_type` rule.

    The categories: `NUMBER` (of Python, with its `number_dtype`), `ZERO_DIM` (a tensor of no dimensions) and
    `DIMENSIONED`. Types of one category promote; a lower category changes only the class of a higher one.

    >>> result_dtype((int8, DIMENSIONED), (int64, ZERO_DIM))
    torch.int8
    """
    by_category: list[DType | None] = [None, None, None]
    for dtype, category in operands:
        seen = by_category[category]
        by_category[category] = dtype if seen is None else _PROMOTED[seen, dtype]
    result: DType | None = None
    for dtype_or_none in by_category:
        if dtype_or_none is not None:
            result = dtype_or_none if result is None else _COMBINED[dtype_or_none, result]
    if result is None:
        raise ValueError("result_dtype needs at least one operand")
    return result


def can_cast(from_: DType, to: DType) -> builtins.bool:
    """Whether a result may be stored so (in place, or in `out=`): within its class, or in a higher one."""
    from_ = as_dtype(from_, "can_cast(): argument 'from_' (position 1)")
    to = as_dtype(to, "can_cast(): argument 'to' (position 2)")
    return _CASTS[from_, to]


# --- from Python's and NumPy's types

_FROM_PYTHON = {builtins.bool: bool, builtins.int: int64, builtins.float: float64, complex: complex128}
_FROM_NUMPY = {d.numpy: d for d in ALL_DTYPES if d is not bfloat16}


def as_dtype(value: object, argument: str = "argument 'dtype'") -> DType:
    """A dtype from what users pass as one: a `DType`, or Python's `bool`, `int`, `float`, `complex`.

    Raises TypeError for anything else; `argument` is how its text names the culprit.
    """
    if isinstance(value, DType):
        return value
    dtype = _FROM_PYTHON.get(value) if isinstance(value, type) else None
    if dtype is None:
        raise TypeError(f"{argument} must be torch.dtype, not {type(value).__name__}")
    return dtype


def number_dtype(value: object) -> DType:
    """The dtype a Python or NumPy number brings to promotion: bool, int64, or the default (complex) type.

    Raises TypeError for what is no number.
    """
    kind = type(value)
    if kind is builtins.float:
        return _default
    if kind is builtins.int:
        return int64
    if isinstance(value, (builtins.bool, np.bool_)):
        return bool
    if isinstance(value, (builtins.int, np.integer)):
        return int64
    if isinstance(value, (builtins.float, np.floating)):
        return _default
    if isinstance(value, (complex, np.complexfloating)):
        return _default.to_complex()
    raise misfit(value, "Tensor", "Number")


def from_numpy_dtype(dtype: np.dtype[Any]) -> DType:
    """The element type of a NumPy array with elements of type `dtype`.

    Raises TypeError for element types that tensors do not have, ValueError for foreign byte order.
    """
    found = _FROM_NUMPY.get(dtype)
    if found is not None:
        return found
    if _FROM_NUMPY.get(dtype.newbyteorder("=")) is not None:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. "
            "Conversion between byte orders is currently not supported."
        )
    raise TypeError(
        f"can't convert np.ndarray of type numpy.{dtype.type.__name__}. The only supported types are: "
        "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint8, and bool."
    )


# --- limits

# bits of the fraction, exponent of the smallest normal number, decimal digits
_FLOAT_FORMATS = {
    float16: (10, -14, 3),
    bfloat16: (7, -126, 2),
    float32: (23, -126, 6),
    float64: (52, -1022, 15),
}


class finfo:
    """Limits of a floating-point type: `bits`, `eps`, `max`, `min`, `tiny`, `smallest_normal`, `resolution`.

    A complex type has the limits of its real part; no argument means the default type.

    >>> finfo(float32).eps
    1.1920928955078125e-07
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, type: DType | None = None) -> None:
        given = _default if type is None else as_dtype(type, "finfo(): argument 'type' (position 1)")
        real = given.to_real()
        if not real.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        fraction, exponent, digits = _FLOAT_FORMATS[real]
        self.dtype = real.name
        self.bits = real.itemsize * 8
        self.eps = 2.0**-fraction
        self.max = (2.0 - self.eps) * 2.0 ** (1 - exponent)
        self.min = -self.max
        self.smallest_normal = self.tiny = 2.0**exponent
        self.resolution = builtins.float(f"1e-{digits}")

    def __eq__(self, other: object) -> builtins.bool:
        return self.dtype == other.dtype if isinstance(other, finfo) else NotImplemented

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer type: `bits`, `max`, `min`, `dtype`.

    >>> iinfo(int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    __slots__ = ("bits", "dtype", "max", "min")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, type: DType) -> None:
        type = as_dtype(type, "iinfo(): argument 'type' (position 1)")
        if type.is_inexact:
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'"
            )
        if type is bool:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        self.dtype = type.name
        self.bits = type.itemsize * 8
        self.min = -(1 << self.bits - 1) if type.is_signed else 0
        self.max = (1 << self.bits - type.is_signed) - 1

    def __eq__(self, other: object) -> builtins.bool:
        return self.dtype == other.dtype if isinstance(other, iinfo) else NotImplemented

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


# --- numbers as elements


def check_word(value: builtins.int) -> None:
    """Raises OverflowError for an integer that takes more than 64 bits."""
    if value < -(1 << 63):
        raise OverflowError("can't convert negative int to unsigned")
    if value >= 1 << 64:
        raise OverflowError("int too big to convert")


def fitting(value: Any, to: DType) -> Any:
    """The number `value` as an element of type `to`: without its fraction in an integer type, as True or
    False in bool. Raises RuntimeError where it is out of range; -1, but not -1.0, is a uint8, as in C; TypeError
    for what is no number."""
    if value.__class__ in (builtins.float, builtins.int) and to.is_inexact and -65504 <= value <= 65504:
        return value  # fits the narrowest of them: the usual case
    if value.__class__ is builtins.int and to is int64 and -(1 << 63) <= value < 1 << 63:
        return value
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, complex | builtins.float | builtins.int):
        raise misfit(value, "Number")
    if value.__class__ is builtins.int:
        check_word(value)
    if to is bool:
        return builtins.bool(value)
    fits = True
    if isinstance(value, complex) and not to.is_complex:
        fits, value = value.imag == 0, value.real
    if to.is_inexact:
        parts = (value.real, value.imag)
        fits = fits and not any([finfo(to).max < abs(part) < math.inf for part in parts])
    elif fits := fits and (isinstance(value, builtins.int) or math.isfinite(value)):
        limits = iinfo(to)
        wraps = not to.is_signed and isinstance(value, builtins.int)
        fits = (-limits.max if wraps else limits.min) <= value <= limits.max
        value = builtins.int(value) & limits.max if wraps else builtins.int(value)
    if not fits:
        raise RuntimeError(f"value cannot be converted to type {_SIZED_NAMES[to.name]} without overflow")
    return value


_SIZED_NAMES = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


# --- in error texts


def type_word(d: DType) -> str:
    """PyTorch's word for a dtype in error texts: "Float", "Long"."""
    return _WORDS[d.name]


_WORDS = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip


def c_name(d: DType) -> str:
    """PyTorch's word for a dtype where it shows the type in C: "float", "long int"."""
    return _C_NAMES[d.name]


_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float",
    "float64": "double", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip
