"""The tape for those who look at it: nodes, edges, and hooks on what it saves and on several gradients.

Hooks on saved tensors cost nothing while there are none: entering the first block of `saved_tensors_hooks`
puts another `save` into class Node, leaving the last one takes it out again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from numbatorch.autograd.mode import no_grad, state
from numbatorch.autograd.node import AccumulateGrad, Handle, Node, SavedResult, Slot, edge
from numbatorch.base import TensorBase, alias

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- edges


class GradientEdge(NamedTuple):
    """Where a gradient goes: a node, and the number of the node's result. `torch.autograd.grad` takes it in
    place of a tensor, so that the tensor itself can be let go of."""

    node: Node
    output_nr: int
    ownership_token: Node | None = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge along which the gradient of `tensor` goes. Raises RuntimeError if it does not require grad."""
    target = edge(tensor)
    if target is None:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    if isinstance(target, Slot):
        return GradientEdge(target.node, target.number)
    return GradientEdge(target if isinstance(target, Node) else AccumulateGrad(target), 0)


def edge_of(target: Tensor | GradientEdge) -> Any:
    """The engine's edge for a tensor or a GradientEdge; None where no gradient is wanted."""
    if not isinstance(target, GradientEdge):
        return edge(target)
    if isinstance(target.node, AccumulateGrad):
        return target.node.variable
    return Slot(target.node, target.output_nr) if target.node.outputs > 1 else target.node


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Tell the tape that the memory of these tensors was changed by other means."""
    for each in (tensor,) if isinstance(tensor, TensorBase) else tensor:
        each.memory.version += 1


# --- hooks on saved tensors


class _Hooks(threading.local):
    def __init__(self) -> None:
        self.stack: list[tuple[Callable, Callable]] = []
        self.disabled: str | None = None


_hooks = _Hooks()
_lock = threading.Lock()
_blocks = 0  # how many blocks of saved_tensors_hooks are open, in all threads
_plain_save = Node.save


class saved_tensors_hooks:
    """Inside, what the tape saves for the backward pass goes through two functions of yours.

    `pack_hook(tensor)` is called when a tensor is saved, and may return anything; `unpack_hook(that)` is
    called when the backward pass needs it, and must give back a tensor of the same values. Of nested blocks
    the innermost counts. What is saved, and how often, is this library's: PyTorch may save other tensors.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), torch.tensor):
    ...     y = x.exp().sum()
    >>> y.backward()
    >>> x.grad
    tensor([2.7183, 7.3891])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        global _blocks
        if _hooks.disabled is not None:
            raise RuntimeError(_hooks.disabled)
        _hooks.stack.append((self.pack_hook, self.unpack_hook))
        with _lock:
            _blocks += 1
            Node.save = _save  # type: ignore[method-assign]  # only while there are hooks

    def __exit__(self, *exception: object) -> None:
        global _blocks
        _hooks.stack.pop()
        with _lock:
            _blocks -= 1
            if not _blocks:
                Node.save = _plain_save  # type: ignore[method-assign]


class save_on_cpu(saved_tensors_hooks):
    """Inside, what the tape saves is kept in CPU memory, and brought back to its device when it is needed."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        super().__init__(lambda tensor: (tensor.device, tensor.cpu()), lambda packed: packed[1].to(packed[0]))


class allow_mutation_on_saved_tensors(saved_tensors_hooks):
    """Inside, tensors that the tape saves may be changed in place before the backward pass: copies are saved.
    (PyTorch copies only what is changed.)

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.exp()
    ...     y.add_(1).sum().backward()
    >>> x.grad
    tensor([2.7183, 2.7183])
    """

    def __init__(self) -> None:
        super().__init__(lambda tensor: tensor.clone(), lambda tensor: tensor)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, entering `saved_tensors_hooks` raises RuntimeError with this text; a context manager and a
    decorator."""
    if _hooks.stack:
        raise RuntimeError(error_message)
    previous, _hooks.disabled = _hooks.disabled, error_message
    try:
        yield
    finally:
        _hooks.disabled = previous


def _save(self: Node, *values: Any) -> None:
    """`Node.save` while there are hooks."""
    if not _hooks.stack:
        _plain_save(self, *values)
        return
    hooks = _hooks.stack[-1]
    self.saved = _Packed([_PackedTensor(v, *hooks) if _is_tensor(v) else v for v in values])
    self.versions = None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, TensorBase | SavedResult)


class _Packed(tuple):
    """What a node saved, by way of hooks."""

    def unpack(self, node: Node) -> tuple:
        return tuple([v.unpack(node) if v.__class__ is _PackedTensor else v for v in self])


class _PackedTensor:
    """What a pack hook made of a tensor, and the tensor's place on the tape: a result of the node itself
    (`number`; an edge to it would be a cycle) or the `edge` of an input."""

    __slots__ = ("edge", "number", "packed", "unpack_hook")

    def __init__(self, value: Any, pack_hook: Callable, unpack_hook: Callable):
        own = value.__class__ is SavedResult
        self.number = value.number if own else None
        self.edge = None if own else edge(value)
        self.unpack_hook = unpack_hook
        tensor = value.tensor() if own else alias(value)
        version = tensor._version
        with no_grad():
            self.packed = pack_hook(tensor)
        if tensor._version != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack "
                "hook cannot be modified by in-place operations as this can lead to unexpected side-effects. "
                "Please open an issue if you need to perform in-place operations on the input to a pack hook."
            )

    def unpack(self, node: Node) -> Tensor:
        value = self.unpack_hook(self.packed)
        if not isinstance(value, TensorBase):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(value).__name__}"
            )
        if self.number is None and self.edge is None:
            return value  # type: ignore[return-value]  # every TensorBase is a Tensor
        origin = self.edge
        if self.number is not None:
            origin = node if node.outputs == 1 else Slot(node, self.number)
        elif isinstance(origin, TensorBase):
            origin = _Leaf((origin,))
        restored = alias(value)
        restored._grad_fn, restored._requires_grad = origin, True
        return restored


class _Leaf(Node):
    """Stands before a leaf whose saved copy was packed: the gradient goes through unchanged."""

    __slots__ = ()

    def backward(self, grad: Tensor) -> tuple:
        return (grad,)


# --- hooks on several gradients


class _Handles:
    """The handle of a hook that stands on several tensors."""

    def __init__(self, handles: Sequence[Handle]):
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Take the hook off all of them."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable, *, mode: str = "all") -> _Handles:
    """Call `fn` once a backward pass: with the list of all the gradients of `tensors` (None for one that the
    pass does not reach) as soon as the last is there (mode "all"), or with the first of them ("any").

    >>> x, y = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    >>> handle = torch.autograd.graph.register_multi_grad_hook((x, y), print)
    >>> (2 * x + 3 * y).backward()
    [tensor([2.]), tensor([3.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "any":
        return _first_of(tensors, fn)
    edges = [edge(tensor) for tensor in tensors]
    calls: dict[int, list] = {}  # by the backward pass: gradients so far, and how many are still to come

    def hook_for(position: int) -> Callable:
        def hook(grad: Tensor) -> None:
            call = calls.get(id(state.running))
            if call is None:
                call = calls[id(state.running)] = [[None] * len(edges), sum(state.running.reaches(edges))]
            call[0][position] = grad
            call[1] -= 1
            if call[1] == 0:
                del calls[id(state.running)]
                fn(call[0])

        return hook

    return _Handles([tensor.register_hook(hook_for(k)) for k, tensor in enumerate(tensors)])


def _first_of(tensors: Sequence[Tensor], fn: Callable) -> _Handles:
    seen: list[Any] = [None]  # the last backward pass that called fn

    def hook(grad: Tensor) -> None:
        if seen[0] is not state.running:
            seen[0] = state.running
            fn(grad)

    return _Handles([tensor.register_hook(hook) for tensor in tensors if tensor.requires_grad])
