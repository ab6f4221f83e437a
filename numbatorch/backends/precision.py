"""How exact and how reproducible results are: always as much as can be, but for products by cuBLAS. What programs ask for
is remembered."""

from __future__ import annotations

import warnings

from numbatorch_kernels.cuda import products

_precision = "highest"
_deterministic = False
_warn_only = False
_MODES = ("default", "warn", "error")


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
    """Results are the same from run to run in any case, on the CPU and on a GPU: nothing is refused or warned of."""
    global _deterministic, _warn_only
    for name, value, place in (("mode", mode, " (position 1)"), ("warn_only", warn_only, "")):
        if type(value) is not bool:
            raise TypeError(
                f"_set_deterministic_algorithms(): argument '{name}'{place} must be bool, not {type(value).__name__}"
            )
    _deterministic, _warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` has said."""
    return _deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What `use_deterministic_algorithms` has said of `warn_only`."""
    return _warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by a number or a name: 0 or "default", 1 or "warn", 2 or "error"."""
    if not isinstance(debug_mode, int | str):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str) and debug_mode not in _MODES:
        raise RuntimeError(
            f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
        )
    mode = _MODES.index(debug_mode) if isinstance(debug_mode, str) else debug_mode
    if not 0 <= mode < len(_MODES):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """What `use_deterministic_algorithms` has said, as a number: 0, 1 for `warn_only`, 2."""
    if not _deterministic:
        return 0
    return 1 if _warn_only else 2
