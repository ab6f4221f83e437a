"""Pictures of the tape, as text: for Mermaid (which notebooks and code hosts draw) and for Graphviz."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numbatorch.autograd.node import AccumulateGrad, edge
from numbatorch.tensor import Tensor


@dataclass
class _Box:
    """A node of the picture. kind: "leaf", "op" or "result"."""

    id: str
    text: str
    kind: str


def mermaid(
    tensors: Tensor | list[Tensor] | tuple[Tensor, ...], params: Mapping[str, Tensor] | None = None
) -> str:
    """How `tensors` were computed, as a Mermaid flow chart: leaves, operations, results.

    `params`, such as `dict(model.named_parameters())`, are the names of leaves.

    >>> w = torch.ones(2, requires_grad=True)
    >>> print(torch.utils.graph.mermaid((w * 3).sum(), {"w": w}))
    flowchart TD
        n0(["w (2)"])
        n1["MulBackward0"]
        n2["SumBackward0"]
        n3[/"result ()"/]
        n0 --> n1
        n1 --> n2
        n2 --> n3
    """
    boxes, arrows = _walk(tensors, params or {})
    shapes = {"leaf": '(["{}"])', "op": '["{}"]', "result": '[/"{}"/]'}
    lines = [f"    {box.id}" + shapes[box.kind].format(box.text.replace('"', "'")) for box in boxes]
    lines += [f"    {source} --> {target}" for source, target in arrows]
    return "\n".join(["flowchart TD", *lines])


def dot(
    tensors: Tensor | list[Tensor] | tuple[Tensor, ...], params: Mapping[str, Tensor] | None = None
) -> str:
    """How `tensors` were computed, in the language of Graphviz; see `mermaid`.

    >>> w = torch.ones(2, requires_grad=True)
    >>> print(torch.utils.graph.dot(w.exp()))
    digraph {
        n0 [label="leaf (2)", shape=ellipse];
        n1 [label="ExpBackward0", shape=box];
        n2 [label="result (2)", shape=parallelogram];
        n0 -> n1;
        n1 -> n2;
    }
    """
    boxes, arrows = _walk(tensors, params or {})
    shapes = {"leaf": "ellipse", "op": "box", "result": "parallelogram"}
    lines = [
        '    {} [label="{}", shape={}];'.format(box.id, box.text.replace('"', '\\"'), shapes[box.kind])
        for box in boxes
    ]
    lines += [f"    {source} -> {target};" for source, target in arrows]
    return "\n".join(["digraph {", *lines, "}"])


def _walk(tensors: Any, params: Mapping[str, Tensor]) -> tuple[list[_Box], list[tuple[str, str]]]:
    """The boxes, each after those that it is computed from, and the arrows between them. RuntimeError for a
    tensor that is not on the tape."""
    results = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    names = {id(tensor): name for name, tensor in params.items()}
    boxes: list[_Box] = []
    arrows: list[tuple[str, str]] = []
    found: dict[int, _Box] = {}

    def add(key: int, text: str, kind: str, sources: list[Any]) -> None:
        found[key] = _Box(f"n{len(boxes)}", text, kind)
        boxes.append(found[key])
        arrows.extend((found[_key(source)].id, found[key].id) for source in sources)

    for result in results:
        if edge(result) is None:
            raise RuntimeError("a tensor that does not require grad was not recorded on the tape")
        root = result.grad_fn or AccumulateGrad(result)
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if _key(node) in found:
                continue
            sources = [source for source, _ in node.next_functions if source is not None]
            if not ready:
                stack += [(node, True), *((source, False) for source in reversed(sources))]
            elif isinstance(node, AccumulateGrad):
                leaf = node.variable
                add(_key(node), _named(names.get(id(leaf), "leaf"), leaf), "leaf", [])
            else:
                add(_key(node), node.name(), "op", sources)
        add(id(result), _named("result", result), "result", [root])
    return boxes, arrows


def _key(node: Any) -> int:
    """The same for the same node: nodes of leaves are made anew each time one asks."""
    return id(node.variable) + 1 if isinstance(node, AccumulateGrad) else id(node)


def _named(name: str, tensor: Tensor) -> str:
    return f"{name} ({', '.join(map(str, tensor.shape))})"
