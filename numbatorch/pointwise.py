"""Operations of the user's own, from one scalar function."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any

from numbatorch.base import TensorBase
from numbatorch.elementwise import Pointwise
from numbatorch.rules import promoted, to_bool, to_float
from numbatorch_kernels.expr import Expr, Scalar, inline
from numbatorch_kernels.trace import trace

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_RESULTS = {"float": to_float, "promote": promoted, "bool": to_bool}


class PointwiseOp:
    """What `pointwise` makes: call it on tensors and numbers. `source(device)` is the text of its kernel."""

    def __init__(self, row: Pointwise, body: Callable):
        self.row, self.body = row, body
        self.__name__, self.__doc__, self.__wrapped__ = body.__name__, body.__doc__, body

    def __call__(self, *inputs: Tensor | float, out: Tensor | None = None) -> Tensor:
        arity = self.row.program.arity
        if len(inputs) != arity:
            raise TypeError(
                f"{self.__name__}() takes {arity} positional arguments but {len(inputs)} were given"
            )
        if any(isinstance(x, Expr) for x in inputs):  # inside the body of another op
            return inline(self.row.program.outputs[0], inputs)  # type: ignore[return-value]  # no tensors yet
        if not any(isinstance(x, TensorBase) for x in inputs):
            return self.body(*inputs)
        return self.row(*inputs) if out is None else self.row.general(inputs, out)

    def __get__(self, instance: Tensor | None, owner: type) -> Callable:
        """As a function is, the op is a method where it is put into a class: `Tensor.swish = swish`."""
        return self if instance is None else MethodType(self, instance)

    def source(self, device: str = "cpu", dtype: str = "f4") -> str:
        """The Python text of the kernel for contiguous operands, as it is compiled for "cpu" or "cuda"."""
        return self.row.source(device, dtype)

    def gradient_source(self, device: str = "cpu", dtype: str = "f4") -> str:
        """The text of the kernel of the gradient for all inputs, derived from the body."""
        rule = self.row.gradient((True,) * self.row.program.arity, (True,))
        return "" if rule.row is None else rule.row.source(device, dtype)

    def __repr__(self) -> str:
        return f"<pointwise op {self.__name__}>"


def pointwise(
    function: Callable | None = None, *, derivative: Callable | None = None, result: str = "float"
) -> Any:
    """Decorator: a function of scalars becomes a differentiable operation on tensors of any shape, dtype and
    device.

    The function is called once, with symbols. It may use + - * / // % **, comparisons, & | ~, and the
    functions of `numbatorch.scalar` (or those of `math` with the same names); for a choice write
    `where(condition, a, b)`. From it come a kernel for the CPU and for CUDA, and the kernels of its gradient,
    to any order.

    derivative  derivative(y, *args): the derivative for each argument, from the result y; where the derived
                one is numerically poor
    result      "float": integers give the default dtype; "promote": the operands' common dtype; "bool"

    Raises TypeError for a function that uses anything else; the text names the line.

    >>> @torch.pointwise
    ... def swish(x):
    ...     return x / (1 + math.exp(-x))
    >>> swish(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """
    if function is None:
        return lambda f: pointwise(f, derivative=derivative, result=result)
    if result not in _RESULTS:
        raise ValueError(f"result must be one of {', '.join(_RESULTS)}, not {result!r}")
    arity = function.__code__.co_argcount
    body: Any = function
    if derivative is not None:

        def vjp(g, y, *args):
            slopes = derivative(y, *args)
            return tuple(g * d for d in (slopes if isinstance(slopes, tuple) else (slopes,)))

        body = Scalar(
            function.__name__, function, vjp, body=lambda *args: inline(trace(function, arity)[0], args)
        )
    name = "".join(word.capitalize() for word in function.__name__.split("_"))
    return PointwiseOp(Pointwise(name, body, arity=arity, result=_RESULTS[result]), function)
