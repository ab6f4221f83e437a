"""How exact and how reproducible results are: always as much as can be, but for products by cuBLAS. What programs ask for
is remembered."""

from __future__ import annotations

import warnings

from numbatorch_kernels.cuda import products

_precision = "highest"
_deterministic = False
_warn_only = False


def set_float32_matmul_precision(precision: str) -> None:
    """ "highest", "high" or "medium": whether cuBLAS, where it is installed, may use TF32. All other products of float32
    are computed in float32 in any case."""
    global _precision
    if not isinstance(precision, str):
        raise RuntimeError(f"set_float32_matmul_precision expects a str, but got {type(precision).__name__}")
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the currentsetFloat32MatmulPrecision call has no effect.",
            UserWarning,
            stacklevel=2,
        )
        return
    _precision = precision
    products.allow_tf32 = precision != "highest"


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` has said."""
    return _precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """On the CPU results are the same from run to run in any case."""
    global _deterministic, _warn_only
    _deterministic, _warn_only = bool(mode), warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` has said."""
    return _deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What `use_deterministic_algorithms` has said of `warn_only`."""
    return _warn_only
