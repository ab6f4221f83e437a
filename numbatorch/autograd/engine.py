"""The backward pass: visit the recorded nodes from the newest to the oldest, and add up what arrives.

A node is newer than everything that it leads to, so a heap ordered by creation number visits each node once,
after all of its gradients have arrived. No recursion, no counting of dependencies, and always the same order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from numbatorch.autograd import anomaly
from numbatorch.autograd.mode import state
from numbatorch.autograd.node import Extras, Node, Slot, type_name
from numbatorch.base import TensorBase
from numbatorch_kernels.memory import MEDIUM

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def run(
    roots: Sequence[Any],
    grads: Sequence[Tensor],
    retain_graph: bool,
    create_graph: bool,
    wanted: Sequence[Any] | None = None,
) -> list:
    """Send `grads` into the edges `roots`, and on to the leaves.

    Without `wanted`, every leaf adds what arrives to its `grad`. With it (a list of edges), nothing is added
    anywhere: the gradients that arrive at those edges are returned, None where nothing does, and nodes that
    do not lead to them are not visited.
    """
    found: dict = {} if wanted is None else dict.fromkeys(map(_key, wanted))
    useful = None if wanted is None else _leading_to(found, roots)
    outer, state.running = state.running, Pass(roots, useful)
    leaves: dict[int, list] = {}
    pending: dict[Node, Any] = {}
    heap: list[tuple[int, Node]] = []
    edges: Sequence[Any] = roots  # along which gradients are being sent, and
    waiting: list[Any] = [*reversed(grads)]  # those gradients, the first one last: let go of one by one
    del grads
    previous, state.enabled = state.enabled, create_graph
    try:
        while True:
            for edge in edges[: len(waiting)]:
                grad = waiting.pop()
                if edge is None or grad is None:
                    continue
                if type(edge) is Slot:
                    node, number = edge.node, edge.number
                elif isinstance(edge, Node):
                    node, number = edge, 0
                else:
                    arrived = leaves.get(id(edge))
                    if arrived is None:
                        leaves[id(edge)] = [edge, grad]
                    else:
                        _add_to(arrived, 1, grad)
                    continue
                if useful is not None and node not in useful:
                    continue
                if node.outputs == 1:
                    if node in pending:
                        _add_to(pending, node, grad)
                        continue
                    pending[node] = grad
                elif node in pending:
                    places = pending[node]
                    if places[number] is None:
                        places[number] = grad
                    else:
                        _add_to(places, number, grad)
                    continue
                else:
                    pending[node] = places = [None] * node.outputs
                    places[number] = grad
                heappush(heap, (-node.sequence, node))
            edge = grad = places = None
            if not heap:
                break
            node = heappop(heap)[1]
            grad = pending.pop(node)
            extras = node.extras
            if extras is not None:
                grad = _before(extras, node.outputs, grad)
            if found:
                for number in range(node.outputs):
                    if (node, number) in found:
                        found[node, number] = grad if node.outputs == 1 else grad[number]
            leads = None if useful is None else useful[node]
            if leads is not None and True not in leads:
                edges = ()
                continue
            results = node.backward(grad) if leads is None else node.backward_along(leads, grad)
            if anomaly.enabled:
                anomaly.check(node, results)
            if extras is not None and extras.hooks:
                if leads is not None:
                    results = tuple([r if lead else None for r, lead in zip(results, leads)])
                results = _run_hooks(extras.hooks, node.outputs, results, grad)
            if not retain_graph:
                node.free()
            edges = node.edges
            if leads is not None:
                edges = tuple([e if lead else None for e, lead in zip(edges, leads)])
            waiting = [*reversed(results)]
            del grad, results
        for arrived in leaves.values():
            leaf, arrived[0] = arrived[0], None
            grad = arrived.pop()
            if leaf._hooks is not None:
                grad = run_tensor_hooks(leaf._hooks, grad)
            if wanted is not None:
                if id(leaf) in found:
                    found[id(leaf)] = grad
            elif leaf._hooks is None:
                _accumulate(leaf, grad, create_graph)
            else:
                _accumulate_with_hooks(leaf, grad, create_graph)
    finally:
        state.enabled, state.running = previous, outer
    return [] if wanted is None else [found[_key(edge)] for edge in wanted]


class Pass:
    """A backward pass that is under way: where it started, and which nodes it visits and which of their edges it
    follows (None: all)."""

    __slots__ = ("roots", "useful")

    def __init__(self, roots: Sequence[Any], useful: dict[Node, tuple[bool, ...]] | None):
        self.roots, self.useful = roots, useful

    def reaches(self, edges: Sequence[Any]) -> list[bool]:
        """For each edge, whether a gradient is sent along it."""
        if self.useful is not None:
            visited: Any = self.useful
            below = [e for node, leads in self.useful.items() for e, lead in zip(node.edges, leads) if lead]
        else:
            visited = reachable(self.roots)
            below = [e for node in visited for e in node.edges]
        leaves = {id(e) for e in (*self.roots, *below) if isinstance(e, TensorBase)}
        nodes = [edge.node if edge.__class__ is Slot else edge for edge in edges]
        return [n in visited if isinstance(n, Node) else id(n) in leaves for n in nodes]


def _key(edge) -> Any:
    """What identifies an edge in a dictionary."""
    if edge.__class__ is Slot:
        return (edge.node, edge.number)
    return (edge, 0) if isinstance(edge, Node) else id(edge)


def reachable(roots: Sequence[Any]) -> dict[Node, None]:
    """The nodes that gradients sent into `roots` may come to."""
    reached: dict[Node, None] = {}
    stack: list[Any] = [edge.node if edge.__class__ is Slot else edge for edge in roots]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node not in reached:
            reached[node] = None
            stack.extend([edge.node if edge.__class__ is Slot else edge for edge in node.edges])
    return reached


def _leading_to(found: dict, roots: Sequence[Any]) -> dict[Node, tuple[bool, ...]]:
    """The nodes under `roots` that are wanted or lead to what is, and which of their edges do: if none does, their
    rule need not run."""
    useful: dict[Node, tuple[bool, ...]] = {}

    def leads(edge) -> bool:
        key = None if edge is None else _key(edge)
        return key in found or (key.__class__ is tuple and key[0] in useful)

    for node in sorted(reachable(roots), key=lambda n: n.sequence):
        led = tuple([leads(edge) for edge in node.edges])
        if True in led or any([(node, number) in found for number in range(node.outputs)]):
            useful[node] = led
    return useful


def _add_to(place: Any, key: Any, grad: Tensor) -> None:
    """place[key] += grad. A large sum takes the memory of the first summand if nobody else can see it."""
    total = place[key]
    array = total.array
    if (
        total.kind.cpu
        and array.nbytes > MEDIUM
        and total.kind is grad.kind
        and total.kind.contiguous
        and not state.enabled
        and _unshared(total)
        and sys.getrefcount(total) <= 3  # the place's, this frame's, getrefcount's
        and sys.getrefcount(array) <= 3 + (total._storage is not None)  # the tensor's, the other two
        and (array.base is None or sys.getrefcount(array.base) <= 2)  # the array's, getrefcount's
    ):
        total.add_(grad)
        total._storage = None  # as before: nobody has seen the old version
    else:
        place[key] = total + grad


def _unshared(tensor: Tensor) -> bool:
    """Whether no other tensor is known to share the memory: views that there were are gone."""
    storage = tensor._storage
    return storage is None or (storage.array is tensor.array and sys.getrefcount(storage) <= 3)


def _accumulate(leaf: Tensor, grad: Tensor, create_graph: bool) -> None:
    """leaf.grad += grad. The first gradient is taken as it is if nobody else can see its memory."""
    if leaf._grad is None:
        owned = sys.getrefcount(grad) <= 3  # ours, this frame's, getrefcount's
        if owned and grad.kind.contiguous and _unshared(grad):
            grad._storage = None
        else:
            grad = grad.clone()
        leaf._grad = grad
    elif create_graph:
        leaf._grad = leaf._grad + grad
    else:
        leaf._grad.add_(grad)


def _accumulate_with_hooks(leaf: Tensor, grad: Tensor, create_graph: bool) -> None:
    hooks: dict[Any, dict] = leaf._hooks or {}
    before, after = hooks.get("before"), hooks.get("after")
    if before:
        grad = _run_prehooks(before, 1, grad)
    _accumulate(leaf, grad, create_graph)
    for hook in list(hooks.get("accumulated", {}).values()):
        hook(leaf)
    if after:
        _run_hooks(after, 1, (), grad)


def run_tensor_hooks(hooks: dict, grad: Tensor) -> Tensor:
    """The gradient after the tensor hooks of a leaf or of one result of a node; what only looks on
    (`retain_grad`) comes last, under the key "retained"."""
    for key, hook in list(hooks.items()):
        if key.__class__ is int:
            replaced = hook(grad)
            if replaced is not None:
                grad = _checked(grad, replaced, hook)
    retain = hooks.get("retained")
    if retain is not None:
        retain(grad)
    return grad


def _checked(grad: Tensor, replaced: Any, hook: Callable) -> Tensor:
    """What a tensor hook returned. Raises unless it can stand for `grad`."""
    if not isinstance(replaced, TensorBase):
        raise TypeError(f"expected Variable, but hook returned '{type(replaced).__name__}'")
    if replaced.array.shape != grad.array.shape:
        raise RuntimeError(f"hook '{_name(hook)}' has changed the size of value")
    if replaced.kind.dtype is not grad.kind.dtype:
        raise RuntimeError(
            f"hook '{_name(hook)}' has changed the type of value (was {type_name(grad.kind)} got "
            f"{type_name(replaced.kind)})"
        )
    return replaced  # type: ignore[return-value]  # every TensorBase is a Tensor


def _name(hook: Callable) -> str:
    return getattr(hook, "__name__", "<unknown>")


def _before(extras: Extras, outputs: int, grad: Any) -> Any:
    """What arrived at a node after the hooks that come before its rule."""
    captures = extras.captures
    if captures and outputs == 1:
        grad = run_tensor_hooks(captures[0], grad)
    elif captures:
        grad = [
            run_tensor_hooks(captures[k], g) if g is not None and k in captures else g
            for k, g in enumerate(grad)
        ]
    return _run_prehooks(extras.prehooks, outputs, grad) if extras.prehooks else grad


def _run_prehooks(hooks: dict[int, Callable], outputs: int, grad):
    grads = (grad,) if outputs == 1 else tuple(grad)
    for hook in list(hooks.values()):
        replaced = hook(grads)
        if replaced is not None:
            grads = replaced if isinstance(replaced, tuple) else (replaced,)
    return grads[0] if outputs == 1 else list(grads)


def _run_hooks(hooks: dict[int, Callable], outputs: int, results: tuple, grad) -> tuple:
    grads = (grad,) if outputs == 1 else tuple(grad)
    results = tuple(results)
    for hook in list(hooks.values()):
        replaced = hook(results, grads)
        if replaced is not None:
            results = replaced if isinstance(replaced, tuple) else (replaced,)
    return results
