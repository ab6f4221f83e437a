"""Dtypes of operands and results: which an operation takes, and which its result has."""

from __future__ import annotations

from collections.abc import Callable

import numbatorch.dtype as dt
from numbatorch.dtype import DType, type_word

# ---- results: from the promoted dtype of the operands to the dtype of the result


def promoted(common: DType) -> DType:
    """The result has the operands' common dtype."""
    return common


def to_float(common: DType) -> DType:
    """The result of a function of real numbers: integers and bool become the default dtype."""
    return common if common.is_inexact else dt.get_default_dtype()


def to_bool(common: DType) -> DType:
    """The result is a truth value."""
    return dt.bool


def to_real(common: DType) -> DType:
    """Complex operands give a real result."""
    return common.to_real()


def to_complex(common: DType) -> DType:
    """Real operands, as parts, give a complex result."""
    return common.to_complex()


# ---- operands: what raises for a common dtype that an operation is not defined for

# Names of dtypes, for `refuse`.
INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
HALF = ("float16", "bfloat16")
COMPLEX = ("complex64", "complex128")


def not_implemented(kernel: str, dtype: DType) -> NotImplementedError:
    """PyTorch's error for a dtype that a kernel of its own does not take."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{type_word(dtype)}'")


def refuse_dtypes(kernel: str, dtype: DType, *names: str) -> None:
    """Raise PyTorch's NotImplementedError for these dtypes."""
    if dtype.name in names:
        raise not_implemented(kernel, dtype)


def refuse(kernel: str, *names: str) -> Callable[[DType], None]:
    """For `Pointwise(accepts=...)`: raise PyTorch's NotImplementedError for operands of these dtypes."""
    return lambda common: refuse_dtypes(kernel, common, *names)


def no_complex(text: str, error: type[Exception] = NotImplementedError) -> Callable[[DType], None]:
    """For `Pointwise(accepts=...)`: raise PyTorch's error for complex operands."""

    def check(common: DType) -> None:
        if common.is_complex:
            raise error(text)

    return check
