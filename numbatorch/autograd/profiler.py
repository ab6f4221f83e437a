"""`torch.autograd.profiler`: the profiler as it was before `torch.profiler`."""

from __future__ import annotations

from typing import Any

from numbatorch.profiler.averages import EventList
from numbatorch.profiler.profile import profile as _profile
from numbatorch.profiler.record import record_function as record_function


class profile(_profile):
    """Records the operations of a block; see `torch.profiler.profile`.

    >>> with torch.autograd.profiler.profile() as prof:
    ...     y = torch.ones(2).exp()
    >>> [e.key for e in prof.key_averages() if "exp" in e.key]
    ['aten::exp']
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        **others: Any,
    ):
        super().__init__(record_shapes=record_shapes, profile_memory=profile_memory, with_stack=with_stack)
        self.enabled = enabled

    def start(self) -> None:
        if self.enabled:
            super().start()

    def stop(self) -> None:
        if self.enabled:
            super().stop()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """The table of all averages."""
        return self.key_averages().table(sort_by, row_limit, **options)

    def total_average(self) -> Any:
        """The sum over all names."""
        return self.key_averages().total_average()

    @property
    def function_events(self) -> list:
        """The recorded calls."""
        return self.events()


class emit_nvtx:
    """Accepted: a block whose operations PyTorch marks for NVIDIA's own profilers. Here nothing is marked."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False):
        self.enabled = enabled

    def __enter__(self) -> emit_nvtx:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class emit_itt(emit_nvtx):
    """Accepted: a block whose operations PyTorch marks for Intel's profilers. Here nothing is marked."""


__all__ = ["EventList", "emit_itt", "emit_nvtx", "profile", "record_function"]
