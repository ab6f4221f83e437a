"""The nodes of the tape: what an operation leaves behind so that its gradient can be computed.

A node knows where gradients go (`edges`) and what its rule needs (`saved`). Edges lead to the nodes that made
the inputs, or to a leaf tensor itself, or to None; never to intermediate tensors, so their memory is free as
soon as nobody needs it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numbatorch.autograd import mode
from numbatorch.base import TensorBase, wrap

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_next_sequence = itertools.count().__next__

FREED = ("freed",)  # stands in `saved` after a backward pass has used it up

FREED_TEXT = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have "
    "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
    "autograd.grad(). Specify retain_graph=True if you need to "
    "backward through the graph a second time or if you need to access saved tensors after calling backward."
)


class Node:
    """One recorded operation.

    sequence   creation number: a node is newer than everything that it leads to
    edges      for each input: the Node or Slot that made it, a leaf Tensor, or None where no gradient is
               wanted
    saved      tensors and numbers that the rule needs; `versions` are the tensors' versions at that time
    outputs    how many results the operation has that can carry gradient
    extras     hooks and notes, of the few nodes that have any
    """

    __slots__ = ("__weakref__", "edges", "extras", "outputs", "saved", "sequence", "versions")

    def __init__(self, edges: tuple = ()):
        self.edges, self.sequence = edges, _next_sequence()
        self.saved: tuple = ()
        self.versions: tuple | None = None
        self.outputs = 1
        self.extras: Extras | None = None

    def backward(self, grad: Tensor) -> tuple:
        """The gradient for each edge, from the gradient of the result (a tuple of them if there are several
        results)."""
        raise NotImplementedError

    def backward_along(self, leads: tuple[bool, ...], grad: Tensor) -> tuple:
        """`backward`, of which only the gradients for edges that lead somewhere are used: a rule that can leave out
        the others does."""
        return self.backward(grad)

    def save(self, *values: Any) -> None:
        """Keep these for the rule: tensors are checked later for changes made in place meanwhile."""
        if mode.inference_used:
            _check_inference(values)
        self.saved = values
        self.versions = tuple([_version(v) for v in values])

    def unpack(self) -> tuple:
        """What was saved. Raises RuntimeError if it is used up, or was changed in place."""
        saved: Any = self.saved
        versions = self.versions
        if saved is FREED:
            raise RuntimeError(FREED_TEXT)
        if versions is None:
            return saved if saved.__class__ is tuple else saved.unpack(self)  # by hooks: see graph.py
        results = False
        for value, version in zip(saved, versions):
            if version >= 0:
                storage = value._storage
                if version != (0 if storage is None else storage.version):
                    position = next(k for k, v in enumerate(saved) if v is value)
                    raise RuntimeError(_modified(self, value, position, version))
                results = results or value.__class__ is SavedResult
        return (
            tuple([v.restore(self) if v.__class__ is SavedResult else v for v in saved]) if results else saved
        )

    def free(self) -> None:
        """Forget what was saved; a second backward pass through this node is then an error."""
        if self.saved:
            self.saved = FREED

    def name(self) -> str:
        """The class name, as PyTorch's nodes have: "AddBackward0"."""
        return type(self).__name__

    def shown(self) -> Node:
        """The node as a user sees it: of a class of this name."""
        return self

    @property
    def next_functions(self) -> tuple:
        """For each input: the node that made it and which of its results it was; an AccumulateGrad for a
        leaf."""
        return tuple([_public_edge(edge) for edge in self.edges])

    def more(self) -> Extras:
        """The node's `extras`, made when they are first needed."""
        if self.extras is None:
            self.extras = Extras()
        return self.extras

    @property
    def metadata(self) -> dict:
        """A dictionary for the user's notes."""
        return self.more().metadata

    @property
    def saved_tensors(self) -> tuple:
        """The saved tensors."""
        return tuple(v for v in self.unpack() if isinstance(v, TensorBase))

    def register_hook(self, hook: Callable) -> Handle:
        """Call `hook(grad_inputs, grad_outputs)` after this node's rule; what it returns replaces the
        gradients."""
        return Handle(self.more().hooks, hook)

    def register_prehook(self, hook: Callable) -> Handle:
        """Call `hook(grad_outputs)` before this node's rule; what it returns replaces them."""
        return Handle(self.more().prehooks, hook)

    def capture(self, number: int, hook: Callable) -> Handle:
        """Call `hook(grad)` with the complete gradient of result `number`."""
        return Handle(self.more().captures.setdefault(number, {}), hook)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class Extras:
    """What stands on few nodes.

    hooks      hook(grad_inputs, grad_outputs), after the rule
    prehooks   hook(grad_outputs), before it
    captures   by result number: tensor hooks and retain_grad, before both
    trace      under detect_anomaly: where the operation was called
    metadata   the user's notes
    """

    __slots__ = ("captures", "hooks", "metadata", "prehooks", "trace")

    def __init__(self) -> None:
        self.hooks: dict[int, Callable] = {}
        self.prehooks: dict[int, Callable] = {}
        self.captures: dict[int, dict] = {}
        self.trace: str | None = None
        self.metadata: dict = {}


class Slot:
    """One of the results of a node that has several."""

    __slots__ = ("node", "number")

    def __init__(self, node: Node, number: int):
        self.node, self.number = node, number


class AccumulateGrad(Node):
    """What `next_functions` shows for a leaf: gradients that reach it are added to `variable.grad`. Made when
    somebody looks; its hooks are kept with the leaf."""

    def __init__(self, variable: Tensor):
        super().__init__()
        self.variable = variable

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def register_hook(self, hook: Callable) -> Handle:
        return Handle(leaf_hooks(self.variable).setdefault("after", {}), hook)

    def register_prehook(self, hook: Callable) -> Handle:
        return Handle(leaf_hooks(self.variable).setdefault("before", {}), hook)

    def __eq__(self, other):
        return isinstance(other, AccumulateGrad) and self.variable is other.variable

    def __hash__(self):
        return id(self.variable)


class Handle:
    """Returned by every register_*hook: `remove()` takes the hook off again. Also a context manager."""

    _ids = itertools.count()

    def __init__(self, hooks: dict, hook: Callable):
        self.id = next(Handle._ids)
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook off."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception) -> None:
        self.remove()


def leaf_hooks(leaf: TensorBase) -> dict:
    """The hooks of a leaf: tensor hooks by number, and dictionaries of those around the accumulation:
    "before", "accumulated", "after"."""
    if leaf._hooks is None:
        leaf._hooks = {}
    return leaf._hooks


def edge(tensor: TensorBase):
    """Where the gradient for `tensor` goes: its node or slot, the tensor itself if it is a leaf, None if it
    wants none."""
    if tensor._base is not None:
        refresh(tensor)
    if not tensor._requires_grad:
        return None
    return tensor._grad_fn or tensor


def edges(inputs: Sequence) -> tuple[tuple, tuple[bool, ...]]:
    """Where the gradients for all inputs of an operation go, and for which there is such a place; numbers and None have none."""
    if len(inputs) == 2 and isinstance(inputs[0], TensorBase) and isinstance(inputs[1], TensorBase):
        one, other = edge(inputs[0]), edge(inputs[1])  # mostly: and without loops, which cost more
        return (one, other), (one is not None, other is not None)
    found = tuple([edge(x) if isinstance(x, TensorBase) else None for x in inputs])
    return found, tuple([e is not None for e in found])


def refresh(view: TensorBase) -> None:
    """Bring the tape of a view up to date after its base, or another view of it, was changed in place."""
    base: Any = view._base
    if view._seen != view._version and base._requires_grad and base._grad_fn is not None:
        shown = replay(view, base)
        view._grad_fn, view._requires_grad, view._seen = shown._grad_fn, True, view._version


def replay(view: TensorBase, base: Tensor) -> Tensor:
    """The view ops that led from `view._base` to `view`, done again on `base`."""
    source, row, params = view._view
    shown = base if source is view._base else replay(source, base)
    return row(shown, *params)


class SavedResult:
    """A result of a node as the node itself keeps it: without the reference back to the node, which would be
    a cycle."""

    __slots__ = ("_storage", "array", "kind", "number")

    def __init__(self, result: TensorBase, number: int = 0):
        self.array, self.kind, self.number = result.array, result.kind, number
        self._storage = result.memory

    def tensor(self) -> Tensor:
        """The result as a tensor again, off the tape."""
        tensor = wrap(self.array, self.kind)
        tensor._storage = self._storage
        return tensor

    def restore(self, node: Node) -> Tensor:
        """The result as a tensor again, on the tape if the backward pass is recorded."""
        tensor = self.tensor()
        tensor._grad_fn, tensor._requires_grad = node if node.outputs == 1 else Slot(node, self.number), True
        return tensor


def _version(value: Any) -> int:
    """The version of a saved tensor's memory; -1 for other values, which cannot change."""
    try:
        storage = value._storage
    except AttributeError:
        return -1
    return 0 if storage is None else storage.version


def _check_inference(values: tuple) -> None:
    if any([isinstance(v, TensorBase) and v.is_inference() for v in values]):
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
            "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and "
            "use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
        )


def _public_edge(target) -> tuple:
    if target is None:
        return (None, 0)
    if isinstance(target, Slot):
        return (target.node.shown(), target.number)
    return (target.shown(), 0) if isinstance(target, Node) else (AccumulateGrad(target), 0)


def _modified(node: Node, value: Any, position: int, version: int) -> str:
    origin = node if value.__class__ is SavedResult else value._grad_fn
    made_by = (
        ""
        if origin is None
        else f", which is output 0 of {_public_edge(origin)[0].name().split('Backward')[0]},"
    )
    return (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{type_name(value.kind)} {list(value.array.shape)}]{made_by} is at version {_version(value)}; "
        f"expected version {version} instead. "
        "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False).\n"
        f"(It was saved by {node.name()}, as value {position}.)"
    )


_TYPE_NAMES = {
    "float16": "HalfTensor", "bfloat16": "BFloat16Tensor", "float32": "FloatTensor", "float64":
    "DoubleTensor",
    "int8": "CharTensor", "int16": "ShortTensor", "int32": "IntTensor", "int64": "LongTensor",
    "uint8": "ByteTensor", "bool": "BoolTensor",
    "complex64": "ComplexFloatTensor", "complex128": "ComplexDoubleTensor",
}  # fmt: skip


def type_name(kind) -> str:
    """PyTorch's old name of a tensor type: "torch.FloatTensor", "torch.cuda.LongTensor"."""
    return f"torch.{'' if kind.cpu else 'cuda.'}{_TYPE_NAMES[kind.dtype.name]}"
