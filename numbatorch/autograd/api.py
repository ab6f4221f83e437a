"""`backward` and `grad`: the two ways to start a backward pass."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numbatorch.autograd import engine
from numbatorch.autograd.graph import GradientEdge, edge_of
from numbatorch.base import TensorBase, empty, fill
from numbatorch.shape import make_size

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add d tensors / d leaf, weighted by `grad_tensors` (ones for scalars), to the `grad` of every leaf, or
    of `inputs` alone.

    retain_graph  keep what the tape saved, for another backward pass (default: `create_graph`)
    create_graph  record the backward pass itself, so that its results can be differentiated
    """
    roots, grads = _roots(tensors, grad_tensors)
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        engine.run(roots, grads, keep, create_graph)
        return
    targets = [inputs] if isinstance(inputs, TensorBase) else list(inputs)
    if not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    if not all(target.requires_grad for target in targets):
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    for target, found in zip(
        targets, engine.run(roots, grads, keep, create_graph, _wanted(targets)), strict=True
    ):
        if found is not None:
            target._grad = found.clone() if target._grad is None else target._grad + found


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """d outputs / d inputs, weighted by `grad_outputs` (ones for scalars), as a tuple; no `grad` is touched, whatever
    `only_inputs`.

    Raises RuntimeError for an input that the outputs do not depend on, unless `allow_unused` (None in its
    place) or `materialize_grads` (zeros in its place). With `is_grads_batched` the `grad_outputs` have one
    more dimension in front, and so have the results: one backward pass for each entry.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> torch.autograd.grad((x * x).sum(), x)
    (tensor([2., 4.]),)
    """
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other "
            "parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    targets = [inputs] if isinstance(inputs, TensorBase | GradientEdge) else list(inputs)
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if allow_unused is False and materialize_grads:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    keep = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        return _batched(
            outputs,
            targets,
            grad_outputs,
            keep,
            create_graph,
            allow_unused=allow_unused,
            materialize_grads=materialize_grads,
        )
    roots, grads = _roots(outputs, grad_outputs)
    found = engine.run(roots, grads, keep, create_graph, _wanted(targets))
    if None in found and not allow_unused and not materialize_grads:
        raise RuntimeError(
            f"The differentiated Tensor at index {found.index(None)} appears to not have been used in the "
            "graph. Set allow_unused=True if this is the desired "
            "behavior."
        )
    if materialize_grads:
        found = [t.new_zeros(t.shape) if g is None else g for g, t in zip(found, targets, strict=True)]
    return tuple(found)


def _batched(
    outputs: Any,
    targets: list,
    grad_outputs: Any,
    keep: bool,
    create_graph: bool,
    **unused: bool | None,
) -> tuple:
    """`grad` for each entry of `grad_outputs`, and the results one above the other."""
    outputs = [outputs] if isinstance(outputs, TensorBase | GradientEdge) else list(outputs)
    weights: Any = [grad_outputs] if isinstance(grad_outputs, TensorBase) else list(grad_outputs)
    for place, (weight, output) in enumerate(zip(weights, outputs)):
        if isinstance(output, TensorBase) and weight.array.shape[1:] != output.array.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the "
                "batch dimension. The sizes of the remaining dimensions are expected to match the shape of "
                f"corresponding output, but a mismatch was detected: grad_output[{place}] has a shape of "
                f"{make_size(weight.array.shape[1:])} and "
                f"output[{place}] has a shape of {output.shape}. If you only want some tensors in "
                "`grad_output` to be considered batched, consider using vmap."
            )
    count = len(weights[0])
    rows = [
        grad(
            outputs,
            targets,
            [w[k] for w in weights],
            keep or k < count - 1,
            create_graph,
            **unused,  # type: ignore[arg-type]
        )
        for k in range(count)
    ]
    return tuple([_stacked(column) for column in zip(*rows)])


def _stacked(column: tuple) -> Tensor | None:
    if column[0] is None:
        return None
    result = column[0].new_empty((len(column), *column[0].shape))
    for k, part in enumerate(column):
        result[k] = part
    return result


def _wanted(targets: Sequence[Tensor]) -> list[Any]:
    edges = [edge_of(t) for t in targets]
    if None in edges:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return edges


_ROOT = (TensorBase, GradientEdge)


def _roots(tensors, grad_tensors) -> tuple[list[Any], list[Tensor]]:
    """The edges to start from, and the gradients to send there."""
    if isinstance(tensors, _ROOT) and grad_tensors is None:
        root, grad = _root(tensors, None, 0)
        return [root], [grad]
    tensors = [tensors] if isinstance(tensors, _ROOT) else list(tensors)
    if grad_tensors is None or isinstance(grad_tensors, TensorBase):
        grad_tensors = (
            [grad_tensors] * len(tensors) if grad_tensors is None or len(tensors) == 1 else [grad_tensors]
        )
    grad_tensors = list(grad_tensors)
    if len(grad_tensors) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(grad_tensors)} gradients")
    pairs = [_root(tensor, grad, k) for k, (tensor, grad) in enumerate(zip(tensors, grad_tensors))]
    return [root for root, _ in pairs], [grad for _, grad in pairs]


def _root(tensor: Any, given: Tensor | None, position: int) -> tuple[Any, Tensor]:
    """The edge of a tensor to start from, the one at `position`, and the gradient to send there: one, if none is given."""
    root = edge_of(tensor)
    if root is None:
        raise RuntimeError(f"element {position} of tensors does not require grad and does not have a grad_fn")
    if isinstance(tensor, GradientEdge):  # nothing is known of the tensor that it stood for
        if given is None:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        return root, given
    if given is None:
        if tensor.array.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if not tensor.kind.dtype.is_floating_point:
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got {tensor.kind.dtype}"
            )
        return root, _ones(tensor)
    if given.array.shape != tensor.array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {given.shape} and "
            f"output[{position}] has a shape of {tensor.shape}."
        )
    if given.kind.dtype.is_complex != tensor.kind.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. "
            f"Mismatch in dtype: grad_output[{position}] has a dtype of {given.dtype} and "
            f"output[{position}] has a dtype of "
            f"{tensor.dtype}."
        )
    return root, given


def _ones(tensor: Tensor) -> Tensor:
    result = empty(tensor.array.shape, tensor.kind)
    if result.kind.cpu and result.kind.element != "bf":
        fill(result.array, 1)
        return result
    return result.fill_(1)
