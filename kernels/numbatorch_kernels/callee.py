"""Functions that kernels call."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

# fastmath=False is said, because what is unsaid is inherited from whoever has the function compiled first.
SHARED = {"error_model": "numpy", "fastmath": False}


class Callee:
    """A function that kernels call. Numba learns of it when it compiles the first one that does: to prepare all of
    them would be a tenth of the time of `import numbatorch`."""

    def __init__(self, function: Callable, **options: Any):
        self.py_func, self.options = function, options
        self.__name__, self.__doc__, self.__module__ = (
            function.__name__,
            function.__doc__,
            function.__module__,
        )

    @cached_property
    def dispatcher(self) -> Any:
        import numba

        from numbatorch_kernels.part import PartCompiler

        options: dict[str, Any] = {
            "no_cpython_wrapper": True,
            "no_cfunc_wrapper": True,
            **SHARED,
            **self.options,
        }
        return numba.njit(pipeline_class=PartCompiler, **options)(self.py_func)

    @cached_property
    def from_python(self) -> Any:
        """The function with an entry point for Python, which kernels need not have; CUDA kernels compile it anew."""
        import numba

        return numba.njit(**SHARED)(self.py_func)

    @property
    def _numba_type_(self) -> Any:
        """To a kernel that names it, a callee is the function that it stands for."""
        from numbatorch_kernels.part import Part

        return Part(self.dispatcher)

    def __call__(self, *args):
        """For the simulator of CUDA, and for tests."""
        return self.from_python(*args)


def callee(function: Callable | None = None, **options: Any) -> Any:
    """Decorator: a function that kernels call. `options` are more of those that `numba.njit` takes."""
    return partial(Callee, **options) if function is None else Callee(function)
