"""`Function`: an operation of the user's own, with a backward of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numbatorch.autograd.mode import no_grad, state
from numbatorch.autograd.node import Node, SavedResult, Slot, edge, next_sequence
from numbatorch.base import TensorBase, alias, empty

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class FunctionContext(Node):
    """The `ctx` of a Function's `forward` and `backward`: the node that the call leaves on the tape."""

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True
    _non_differentiable: tuple = ()
    _dirty: tuple = ()
    _to_save: tuple = ()
    _shapes: tuple = ()
    function: type[Function]

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `backward`, where they are `ctx.saved_tensors`. Changes made in place meanwhile
        are noticed there."""
        self._to_save = tensors

    save_for_forward = save_for_backward

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Results that carry no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Inputs that `forward` has changed in place."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (True) or None for results that no gradient came back for."""
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple:
        """What `save_for_backward` kept."""
        return self.unpack()

    def backward(self, grad) -> tuple:
        grads = (grad,) if self.outputs == 1 else tuple(grad)
        if self.materialize_grads:
            grads = tuple(
                [_zeros(*like) if g is None else g for g, like in zip(grads, self._shapes, strict=True)]
            )
        results = self.function.backward(self, *grads)
        results = results if isinstance(results, tuple) else (results,)
        expected = len(self.edges)
        if len(results) < expected or any(r is not None for r in results[expected:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, got "
                f"{len(results)})"
            )
        for result in results:
            if result is not None and not isinstance(result, TensorBase):
                raise TypeError(f"expected Variable or None (got {type(result).__name__})")
        keep = (
            state.enabled
        )  # of a gradient that itself requires grad, nothing is recorded unless create_graph asks for it
        return tuple(
            [r if r is None or keep or not r._requires_grad else alias(r) for r in results[:expected]]
        )


def _zeros(shape: tuple[int, ...], kind: Any) -> Tensor:
    return empty(shape, kind).zero_()


class Function:
    """An operation with its own derivative: subclass it, write `forward` and `backward` as static methods,
    call `apply`.

    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         return grad * 2
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> Double.apply(x).backward()
    >>> x.grad
    tensor(2.)

    `forward(ctx, ...)` may be split into `forward(...)` and `setup_context(ctx, inputs, output)`.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result, from ctx and the arguments of `apply`."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        """Save what `backward` needs, where `forward` has no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients for the arguments of `apply`, from those of the results."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use "
            "it with backward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` and record the call."""
        if cls.backward is Function.backward and (vjp := getattr(cls, "vjp", None)) is not None:
            cls.backward = vjp  # type: ignore[method-assign]  # the other name of the same method
        ctx = type(f"{cls.__name__}Backward", (FunctionContext,), {"function": cls})()
        tensors = [a if isinstance(a, TensorBase) else None for a in args]
        ctx.edges = tuple([None if t is None else edge(t) for t in tensors])
        ctx.needs_input_grad = tuple([e is not None for e in ctx.edges])
        recording = state.enabled and any(ctx.needs_input_grad)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args, **kwargs)
            else:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
        for dirty in ctx._dirty:
            dirty.memory.version += 1
        if not recording:
            return output
        outputs = output if isinstance(output, tuple) else (output,)
        results = tuple([_as_result(o, ctx, tensors) for o in outputs])
        _save(ctx, outputs, results)
        ctx.sequence = next_sequence()
        carrying = [
            r
            for r in results
            if isinstance(r, TensorBase) and not any(r is n for n in ctx._non_differentiable)
        ]
        ctx.outputs = len(results)
        ctx._shapes = tuple(
            [(r.array.shape, r.kind) if isinstance(r, TensorBase) else ((), None) for r in results]
        )
        for number, result in enumerate(results):
            if any(result is c for c in carrying) and (
                result.kind.dtype.is_floating_point or result.kind.dtype.is_complex
            ):
                result._grad_fn = ctx if len(results) == 1 else Slot(ctx, number)
                result._requires_grad = True
        return results if isinstance(output, tuple) else results[0]


def _as_result(output: Any, ctx: FunctionContext, inputs: list) -> Any:
    """A result that may be put on the tape: an input or a tensor that has history already is replaced by an
    alias of it."""
    if not isinstance(output, TensorBase) or any(output is d for d in ctx._dirty):
        return output
    if any(output is i for i in inputs) or output._requires_grad:
        return alias(output)
    return output


def _save(ctx: FunctionContext, outputs: tuple, results: tuple) -> None:
    """Keep what `save_for_backward` was given; results without the reference back to the node."""
    places = {id(t): number for group in (outputs, results) for number, t in enumerate(group)}
    ctx.save(*[SavedResult(t, places[id(t)]) if id(t) in places else t for t in ctx._to_save])
    ctx._to_save = ()
