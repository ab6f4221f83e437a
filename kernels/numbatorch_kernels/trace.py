"""From a scalar body to its expression."""

from __future__ import annotations

import linecache
import math
import types
from collections.abc import Callable

import numpy

from numbatorch_kernels import primitives
from numbatorch_kernels.expr import BodyError, Expr, constant, symbol


def trace(body: Callable, arity: int) -> tuple[Expr, ...]:
    """The results of `body` as expressions of the symbols 0..arity-1.

    While it is traced, the modules `math` and `numpy` in the body's globals stand for the primitives, so a
    body may say `math.exp(x)` and also run on plain numbers. Anything that is not made of primitives raises
    BodyError, naming the line.
    """
    modules = [name for name, value in body.__globals__.items() if value is math or value is numpy]
    names = body.__globals__ | dict.fromkeys(modules, primitives)
    traced = types.FunctionType(body.__code__, names, body.__name__, body.__defaults__, body.__closure__)
    try:
        result = traced(*map(symbol, range(arity)))
        return tuple(map(constant, result if isinstance(result, tuple) else (result,)))
    except (TypeError, AttributeError, ValueError, NameError, ArithmeticError) as error:
        reason = str(error) if isinstance(error, BodyError) else f"{type(error).__name__}: {error}"
        raise BodyError(
            f"{body.__name__} {reason}\n  {_line_of(error, body)}\nA scalar body may use + - * / // % **, "
            f"comparisons, & | ~, where() and the "
            f"functions {', '.join(primitives.__all__)}."
        ) from None


def _line_of(error: BaseException, body: Callable) -> str:
    """'file:line: source' of the line of `body` that the error came through."""
    code, line = body.__code__, body.__code__.co_firstlineno
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code is code:
            line = frame.tb_lineno
        frame = frame.tb_next
    return f"{code.co_filename}:{line}: {linecache.getline(code.co_filename, line).strip()}"
