"""`Function`: an operation of the user's own, with a backward of the user's own."""

from __future__ import annotations

import functools
import inspect
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numbatorch.autograd import anomaly, inplace
from numbatorch.autograd.mode import no_grad, state
from numbatorch.autograd.node import Node, SavedResult, Slot, edges
from numbatorch.base import TensorBase, alias, empty

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class FunctionCtx:
    """The `ctx` of a Function's `forward` and `backward`, in which the one leaves something for the other, under any names."""

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True
    _non_differentiable: tuple = ()
    _dirty: tuple = ()
    _to_save: tuple = ()
    _node: weakref.ref[FunctionNode] | None = None  # which keeps this

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `backward`, where they are `ctx.saved_tensors`. Changes made in place meanwhile
        are noticed there."""
        for place, tensor in enumerate(tensors):
            if not (tensor is None or isinstance(tensor, TensorBase)):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {place} is of type "
                    f"{type(tensor).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Accepted, for a `jvp` that is not called: derivatives from the front are made of `backward`."""

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
        node = None if self._node is None else self._node()
        return () if node is None else node.unpack()


class FunctionNode(Node):
    """A recorded call of a Function: its rule is the Function's `backward`. Has the attributes that the `ctx` has."""

    __slots__ = ("ctx", "input_forms", "result_forms")

    function: type[Function]
    ctx: FunctionCtx
    input_forms: tuple  # (shape, kind) of each tensor that `apply` was given
    result_forms: tuple

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ctx, name)

    @property
    def saved_tensors(self) -> tuple:
        return self.unpack()

    def backward(self, grad) -> tuple:
        grads = (grad,) if self.outputs == 1 else tuple(grad)
        if self.ctx.materialize_grads:
            grads = tuple(
                [
                    _zeros(*like) if g is None and like is not None else g
                    for g, like in zip(grads, self.result_forms, strict=True)
                ]
            )
        results = self.function.backward(self.ctx, *grads)
        results = results if isinstance(results, tuple) else (results,)
        expected = len(self.edges)
        if len(results) < expected or any(r is not None for r in results[expected:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, got "
                f"{len(results)})"
            )
        return tuple([self._checked(place, result) for place, result in enumerate(results[:expected])])

    def _checked(self, place: int, result: Any) -> Any:
        """A gradient as `backward` returned it, in the shape and dtype of the input that it is for."""
        if result is None or self.edges[place] is None:
            return None
        if not isinstance(result, TensorBase):
            raise RuntimeError(f"expected Variable or None (got {type(result).__name__})")
        gradient: Any = result
        shape, kind = self.input_forms[place]
        if gradient.array.shape != shape:
            try:
                gradient = gradient.sum_to_size(shape)
            except RuntimeError:
                raise RuntimeError(
                    f"Function {self.name()} returned an invalid gradient at index {place} - got "
                    f"{list(result.array.shape)} but expected shape compatible with {list(shape)}"
                ) from None
        if gradient.kind.flat is not kind.flat:
            gradient = gradient.to(device=kind.device, dtype=kind.dtype)
        # Of a gradient that itself requires grad, nothing is recorded unless create_graph asks for it.
        return gradient if state.enabled or not gradient._requires_grad else alias(gradient)


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

    generate_vmap_rule = True  # `vmap` calls `apply` for each example: it needs no rule
    _node: type[FunctionNode]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._node = type(f"{cls.__name__}Backward", (FunctionNode,), {"__slots__": (), "function": cls})

    def __init__(self) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you "
            "should invoke them on the class itself. Instantiating an autograd function will raise an error "
            "in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style "
            "autograd function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

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
        if (vjp := getattr(cls, "vjp", None)) is not None and vjp is not cls.backward:
            if cls.backward is not Function.backward:
                raise RuntimeError(
                    "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should "
                    "only implement one of them."
                )
            cls.backward = vjp  # type: ignore[method-assign]  # the other name of the same method
        split = cls.setup_context is not Function.setup_context
        if split:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        ctx = FunctionCtx()
        tensors = [a if isinstance(a, TensorBase) else None for a in args]
        leads, ctx.needs_input_grad = edges(tensors)
        recording = state.enabled and any(ctx.needs_input_grad)
        with no_grad():
            if split:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        for dirty in ctx._dirty:
            dirty.memory.version += 1
        if not recording:
            return output
        for dirty in ctx._dirty:
            if dirty._requires_grad and dirty._grad_fn is None:
                raise RuntimeError(
                    "a leaf Variable that requires grad has been used in an in-place operation."
                )
        outputs = output if isinstance(output, tuple) else (output,)
        results = tuple([_as_result(o, ctx, tensors) for o in outputs])
        node = cls._node(leads)
        node.ctx, ctx._node = ctx, weakref.ref(node)
        node.input_forms, node.result_forms = _forms(tensors), _forms(results)
        _save(node, outputs, results)
        _attach(node, results)
        ctx._to_save = ctx._dirty = (
            ctx._non_differentiable
        ) = ()  # results among them would keep their node, which keeps ctx
        return results if isinstance(output, tuple) else results[0]


def _forms(values: Sequence) -> tuple:
    return tuple([(t.array.shape, t.kind) if isinstance(t, TensorBase) else None for t in values])


def _attach(node: FunctionNode, results: tuple) -> None:
    """Make `node` the origin of the results that carry gradient."""
    if anomaly.enabled:
        anomaly.remember(node)
    node.outputs = len(results)
    for number, result in enumerate(results):
        if (
            not isinstance(result, TensorBase)
            or not (result.kind.dtype.is_inexact)
            or any(result is n for n in node.ctx._non_differentiable)
        ):
            continue
        if len(results) == 1 and any(result is d for d in node.ctx._dirty):
            inplace.rebase(result, node)  # type: ignore[arg-type]  # every TensorBase is a Tensor
        else:
            result._grad_fn = node if len(results) == 1 else Slot(node, number)
            result._requires_grad = True


def _as_result(output: Any, ctx: FunctionCtx, inputs: list) -> Any:
    """A result that may be put on the tape: an input or a tensor that has history already is replaced by an
    alias of it."""
    if not isinstance(output, TensorBase) or any(output is d for d in ctx._dirty):
        return output
    if any(output is i for i in inputs) or output._requires_grad:
        return alias(output)
    return output


def _save(node: FunctionNode, outputs: tuple, results: tuple) -> None:
    """Keep what `save_for_backward` was given; results without the reference back to the node."""
    places = {id(t): number for group in (outputs, results) for number, t in enumerate(group)}
    node.save(*[SavedResult(t, places[id(t)]) if id(t) in places else t for t in node.ctx._to_save])


class InplaceFunction(Function):
    """A Function with the note that it works in place, as old programs have it."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace


def once_differentiable(function: Callable) -> Callable:
    """Decorator of a `backward` that may use operations without derivatives: its results cannot be
    differentiated, and an attempt raises RuntimeError.

    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     @torch.autograd.function.once_differentiable
    ...     def backward(ctx, grad):
    ...         return torch.from_numpy(grad.numpy() * 2)
    """

    @functools.wraps(function)
    def backward(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            results = function(ctx, *grads)
        if not state.enabled or not any(isinstance(g, TensorBase) and g._requires_grad for g in grads):
            return results
        return tuple(map(_guarded, results)) if isinstance(results, tuple) else _guarded(results)

    return backward


class _OnceDifferentiable(Node):
    """The origin of gradients that cannot be differentiated."""

    __slots__ = ()

    def name(self) -> str:
        return "DelayedError"

    def backward(self, grad: Tensor) -> tuple:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def _guarded(result: Tensor | None) -> Tensor | None:
    if result is None:
        return None
    guarded = alias(result)
    guarded._grad_fn, guarded._requires_grad = _OnceDifferentiable(), True
    return guarded
