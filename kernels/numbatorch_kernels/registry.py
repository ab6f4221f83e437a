"""The kernel registry: a name, and one implementation for each device."""

from __future__ import annotations

from collections.abc import Callable


class Kernel:
    """A named operation on arrays, with one launcher a device type.

    A launcher fills `out` and returns None. It gets arrays and plain numbers; it checks nothing, because the
    op has. A new device is a decorator away:

        @softmax.on("rocm")
        def _(out, x): ...
    """

    def __init__(self, name: str):
        self.name = name
        self.launchers: dict[str, Callable] = {}

    def on(self, device: str) -> Callable[[Callable], Callable]:
        """Register the decorated function as this kernel's launcher on a device type."""

        def register(launcher: Callable) -> Callable:
            if device in self.launchers:
                raise ValueError(f"kernel '{self.name}' already has a {device} implementation")
            self.launchers[device] = launcher
            return launcher

        return register

    def __call__(self, device: str, *args) -> None:
        try:
            launcher = self.launchers[device]
        except KeyError:
            has = ", ".join(self.launchers) or "none"
            raise NotImplementedError(
                f"kernel '{self.name}' has no {device} implementation (has: {has})"
            ) from None
        launcher(*args)

    def __repr__(self) -> str:
        return f"<Kernel {self.name}: {', '.join(self.launchers)}>"
