"""The context manager `autocast`, and what asks for its state and sets it."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from numbatorch import cuda
from numbatorch.casting import state, switch
from numbatorch.device import device as Device
from numbatorch.dtype import DType, bfloat16, float16, float64
from numbatorch.tensor import Tensor


def is_autocast_available(device_type: str) -> bool:
    """Whether there is autocast for a type of device."""
    return Device(device_type).type in ("cpu", "cuda")


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is on for a type of device, in this thread."""
    return state.enabled.get(device_type, False)


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Switch autocast on or off for a type of device, in this thread. `autocast` is the way to do it for a while."""
    device, wanted = ("cuda", bool(device_type)) if enabled is None else (str(device_type), enabled)
    if wanted != is_autocast_enabled(device):
        switch(1 if wanted else -1)
        state.enabled = {name: on for name, on in {**state.enabled, device: wanted}.items() if on}


def get_autocast_dtype(device_type: str) -> DType:
    """The narrow type that autocast uses on a type of device: bfloat16 on "cpu", float16 on "cuda" unless set."""
    return state.dtype[Device(device_type).type]


def set_autocast_dtype(device_type: str, dtype: DType) -> None:
    """Set the narrow type for a type of device, in this thread."""
    state.dtype = {**state.dtype, device_type: dtype}


def is_autocast_cache_enabled() -> bool:
    """Whether casts of parameters are kept within a context."""
    return state.cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Keep casts of parameters within a context, or make them anew for each operation."""
    state.cache_enabled = enabled


def clear_autocast_cache() -> None:
    """Forget the casts of parameters."""
    state.casts.clear()


def autocast_increment_nesting() -> int:
    """Count a context that opens; how many are open."""
    state.nesting += 1
    return state.nesting


def autocast_decrement_nesting() -> int:
    """Count a context that closes; how many are open."""
    state.nesting -= 1
    return state.nesting


class autocast:
    """Within it, matrix products and convolutions run in a narrow type, and what needs it in float32.

    device_type     "cpu" or "cuda"
    dtype           bfloat16 or float16; `get_autocast_dtype(device_type)` if None
    enabled         with False, autocast is off within it
    cache_enabled   a parameter is cast once, not once for each use

    A context manager and a decorator; contexts nest. Wrap the forward pass and the loss, not the backward pass.
    P. Micikevicius et al., Mixed Precision Training, arXiv:1710.03740.

    >>> model = torch.nn.Linear(3, 2)
    >>> with torch.autocast("cpu"):
    ...     y = model(torch.ones(1, 3))
    >>> y.dtype, model.weight.dtype
    (torch.bfloat16, torch.float32)
    """

    def __init__(
        self,
        device_type: str,
        dtype: DType | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self.device = device_type
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        if enabled and device_type == "cuda" and not cuda.is_available():
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
            enabled = False
        elif enabled and self.fast_dtype not in (bfloat16, float16):
            name = device_type.upper()
            warnings.warn(
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{name} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled

    def __enter__(self) -> autocast:
        self._before = (
            is_autocast_enabled(self.device), get_autocast_dtype(self.device), is_autocast_cache_enabled()
        )  # fmt: skip
        set_autocast_enabled(self.device, self._enabled)
        set_autocast_dtype(self.device, self.fast_dtype)
        autocast_increment_nesting()
        set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, *exception: Any) -> None:
        if autocast_decrement_nesting() == 0:
            clear_autocast_cache()
        enabled, dtype, cache_enabled = self._before
        set_autocast_enabled(self.device, enabled)
        set_autocast_dtype(self.device, dtype)
        set_autocast_cache_enabled(cache_enabled)

    def __call__(self, func: Callable) -> Callable:
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast as a "
                "context manager? For example:\n    with torch.autocast(device_type=...):\n        output = model(input)"
            )

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with type(self)._again(self):
                return func(*args, **kwargs)

        return decorated

    def _again(self) -> autocast:
        """A context like this one, so that calls may nest."""
        twin = object.__new__(autocast)
        twin.__dict__.update(self.__dict__)
        return twin


# ---- functions of one's own ----


def _cast(value: Any, device_type: str, dtype: DType) -> Any:
    """Floating point tensors in `value`, and in what it holds, as `dtype`; but float64 stays."""
    if isinstance(value, Tensor):
        fits = value.is_floating_point() and value.device.type == device_type and value.dtype is not float64
        return value.to(dtype) if fits else value
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    values = (_cast(v, device_type, dtype) for v in value)
    return type(value)(values) if isinstance(value, list | tuple) else values


def custom_fwd(fwd: Callable | None = None, *, device_type: str, cast_inputs: DType | None = None) -> Any:
    """Decorator of `forward` of an autograd.Function. With `cast_inputs`, its tensors are cast to that type, and autocast
    is off within it; without, it runs as autocast is, and so does `backward`, if `custom_bwd` decorates that."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        context, enabled = args[0], is_autocast_enabled(device_type)
        context._dtype = get_autocast_dtype(device_type)
        context._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(*args, **kwargs)
        with autocast(device_type=device_type, enabled=False):
            return fwd(*_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return decorated


def custom_bwd(bwd: Callable | None = None, *, device_type: str) -> Any:
    """Decorator of `backward` of an autograd.Function whose `forward` `custom_fwd` decorates: it runs as that did."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        context = args[0]
        with autocast(device_type, dtype=context._dtype, enabled=context._fwd_used_autocast):
            return bwd(*args, **kwargs)

    return decorated


def is_autocast_cpu_enabled() -> bool:
    """Whether autocast is on for "cpu"."""
    return is_autocast_enabled("cpu")


def get_autocast_cpu_dtype() -> DType:
    """The narrow type for "cpu"."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> DType:
    """The narrow type for "cuda"."""
    return get_autocast_dtype("cuda")
