"""What transforms of functions are made of: new tensors to differentiate by, and derivatives from the
front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numbatorch.autograd.api import grad
from numbatorch.autograd.engine import reachable
from numbatorch.autograd.mode import enable_grad, state
from numbatorch.autograd.node import Node, Slot, edge
from numbatorch.base import TensorBase
from numbatorch.pytree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class Level:
    """The new tensors that one transform differentiates by. Its results keep their history only where they
    also depend on a tensor that requires grad and is not a level's own, or is that of a level around this
    one."""

    def __init__(self) -> None:
        self.recording = state.enabled
        self.running = True

    def enter(self, x: Any) -> Tensor:
        """A new tensor on the memory of `x`."""
        if not isinstance(x, TensorBase):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        tensor: Any = x
        if self.recording and tensor.requires_grad:
            return tensor.view_as(tensor)
        return self.leaf(tensor.detach())

    def leaf(self, tensor: Tensor) -> Tensor:
        """`tensor` as a leaf of this level."""
        tensor._level = self
        return tensor.requires_grad_()

    def seen_from_outside(self, tensors: Sequence[Tensor]) -> bool:
        """Whether one of `tensors` depends on a tensor outside that requires grad."""
        return any(self._lead_out(tensors))

    def leave(self, tree: Any) -> Any:
        """`tree` with the tensors taken off the tape that nobody outside can differentiate."""
        self.running = False
        leaves, spec = tree_flatten(tree)
        tensors = [x for x in leaves if isinstance(x, TensorBase)]
        kept = iter(self._lead_out(tensors))  # type: ignore[arg-type]  # every TensorBase is a Tensor
        return tree_unflatten(
            [_shown(x, next(kept)) if isinstance(x, TensorBase) else x for x in leaves], spec
        )

    def _lead_out(self, tensors: Sequence[Tensor]) -> list[bool]:
        if not self.recording:
            return [False] * len(tensors)
        roots = [edge(x) for x in tensors]
        outward: dict[Node, bool] = {}

        def leads_out(target: Any) -> bool:
            node = target.node if target.__class__ is Slot else target
            return node is not None and (outward[node] if isinstance(node, Node) else self._is_outside(node))

        for node in sorted(reachable(roots), key=lambda node: node.sequence):
            outward[node] = any([leads_out(target) for target in node.edges])
        return [leads_out(root) for root in roots]

    def _is_outside(self, leaf: TensorBase) -> bool:
        level = leaf._level
        return level is None or (level is not self and level.running)


def _shown(tensor: Any, kept: bool) -> Tensor:
    return tensor.detach() if tensor.requires_grad and not kept else tensor


class Linear:
    """The derivative of `outputs` at `inputs` as a linear function of tangents, by the double backward trick:
    J^T u is linear in u, and its gradient with respect to u, weighted by v, is J v."""

    def __init__(self, level: Level, outputs: Sequence[Tensor], inputs: Sequence[Tensor]):
        self.outputs = outputs
        self.dummies = [level.leaf(out.new_zeros(out.shape)) for out in outputs]
        pairs = [(o, u) for o, u in zip(outputs, self.dummies) if o.requires_grad]
        self.slopes: Sequence[Tensor | None] = [None] * len(inputs)
        if pairs:
            with enable_grad():
                self.slopes = grad(
                    [o for o, _ in pairs], inputs, [u for _, u in pairs], create_graph=True, allow_unused=True
                )

    def along(self, place: int, tangent: Tensor, create_graph: bool) -> list[Tensor]:
        """The tangents of the outputs when one of the inputs alone moves."""
        tangents: list[Any] = [None] * len(self.slopes)
        tangents[place] = tangent
        return self(tangents, create_graph, retain_graph=True)

    def __call__(
        self, tangents: Sequence[Tensor | None], create_graph: bool, retain_graph: bool
    ) -> list[Tensor]:
        """The tangents of the outputs; an input without a tangent stays where it is."""
        pairs = [
            (s, v.to(s.dtype))
            for s, v in zip(self.slopes, tangents)
            if s is not None and v is not None and s.requires_grad
        ]
        found: Sequence[Tensor | None] = [None] * len(self.outputs)
        if pairs:
            found = grad(
                [s for s, _ in pairs],
                self.dummies,
                [v for _, v in pairs],
                retain_graph,
                create_graph,
                allow_unused=True,
            )
        return [out.new_zeros(out.shape) if t is None else t for out, t in zip(self.outputs, found)]
