"""Whether the tape records: grad mode, inference mode. Each thread has its own."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

from numbatorch import base


class _State(threading.local):
    enabled = True
    inference = False
    running: Any = None  # the backward pass that this thread is in (engine.Pass)


state = _State()


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require grad are recorded, in this thread."""
    return state.enabled


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on, in this thread."""
    return state.inference


class Mode:
    """A context manager that is also a decorator of functions and generator functions."""

    def __call__(self, function: Callable) -> Callable:
        if inspect.isclass(function):
            function.__init__ = self(function.__init__)  # type: ignore[method-assign]  # meant so
            return function
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args, **kwargs):
                # The mode holds while the generator's own code runs, not while its consumer's does.
                iterator = function(*args, **kwargs)
                answer: Any = None
                try:
                    while True:
                        with self._again():
                            item = iterator.send(answer)
                        try:
                            answer = yield item
                        except GeneratorExit:
                            raise
                        except BaseException as error:
                            with self._again():
                                item = iterator.throw(error)
                            answer = yield item
                except StopIteration as stop:
                    return stop.value
                finally:
                    iterator.close()

            return generator

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            with self._again():
                return function(*args, **kwargs)

        return wrapper

    def _again(self) -> Mode:
        """A fresh context manager of the same mode, so that calls may nest."""
        return type(self)()

    def _set(self, enabled: bool) -> None:
        self.previous, state.enabled = state.enabled, enabled

    def __enter__(self):
        raise TypeError(f"{type(self).__name__} must say what it sets")

    def __exit__(self, *exception) -> None:
        state.enabled = self.previous


class no_grad(Mode):
    """Nothing is recorded inside: results do not require grad. A context manager and a decorator.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> with torch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Callable | None = None):
        mode = super().__new__(cls)
        return mode if function is None else mode(function)

    def __enter__(self) -> None:
        self._set(False)


class enable_grad(Mode):
    """Recording is on inside, also within `no_grad`. A context manager and a decorator."""

    def __new__(cls, function: Callable | None = None):
        mode = super().__new__(cls)
        return mode if function is None else mode(function)

    def __enter__(self) -> None:
        self._set(True)


class set_grad_enabled(Mode):
    """Switch recording on or off: at once as a function, or for a block as a context manager."""

    def __init__(self, mode: bool):
        self.mode = mode
        self._set(mode)

    def __call__(self, function: Callable) -> Callable:
        state.enabled = self.previous  # as a decorator it must not act on the surrounding code
        return super().__call__(function)

    def _again(self) -> Mode:
        again = enable_grad() if self.mode else no_grad()
        return again

    def __enter__(self) -> None:
        state.enabled = self.mode


class inference_mode(Mode):
    """`no_grad`, and the tensors made inside can never take part in a recorded operation: RuntimeError where one
    would be saved for backward, or changed in place outside.

    >>> with torch.inference_mode():
    ...     x = torch.ones(2)
    >>> x.is_inference(), x.clone().is_inference()
    (True, False)
    """

    mode: bool

    def __new__(cls, mode: bool | Callable = True):
        self = super().__new__(cls)
        if callable(mode):
            self.mode = True
            return self(mode)
        self.mode = mode
        return self

    def _again(self) -> Mode:
        return inference_mode(self.mode)

    def __enter__(self) -> None:
        self._set(state.enabled and not self.mode)
        self.was_inference, state.inference = state.inference, self.mode
        _count_inference(self.mode)

    def __exit__(self, *exception) -> None:
        super().__exit__(*exception)
        state.inference = self.was_inference
        _count_inference(-self.mode)


def _count_inference(change: int) -> None:
    """New tensors are looked at, and marked, as long as some thread is in inference mode."""
    global _inferring, inference_used
    with _counting:
        _inferring += change
        inference_used = True
        base.make_with(_marked if _inferring else None)


def _marked(cls: type) -> Any:
    tensor: Any = object.__new__(cls)
    if state.inference:
        tensor._inference = True
    return tensor


_counting, _inferring = threading.Lock(), 0
inference_used = False  # whether a tensor may be marked at all


class set_multithreading_enabled(Mode):
    """Accepted: whether the backward pass may use several threads. Here it never does."""

    def __init__(self, mode: bool):
        self.mode = mode

    def _again(self) -> Mode:
        return set_multithreading_enabled(self.mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass
