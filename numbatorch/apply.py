"""The one door: every operation on tensors goes through `Op.__call__` or, from one scalar body, `Pointwise.__call__`
(elementwise.py).

An op is a row: its name, how to compute it, how to differentiate it. What depends on the row alone is decided
when it is made; what depends on dtypes, shapes and strides, once per combination (a dictionary look-up finds
the ready kernel). What is left for a call is: look up, allocate, run, record.

    exp  = Pointwise("Exp", primitives.exp, result=to_float)   # the rest is derived from the scalar body
    mm   = Op("Mm", forward=_mm, vjp=_mm_vjp)                  # the rest is written down beside it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numbatorch.arguments import mistaken
from numbatorch.autograd import anomaly, inplace
from numbatorch.autograd.mode import state
from numbatorch.autograd.node import Node, SavedResult, Slot, edges
from numbatorch.base import Kind, TensorBase, wrap
from numbatorch.dtype import DType

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class Row:
    """An operation: its name, and the class, derived from `node`, that its nodes on the tape are shown as. `overload` is the number
    at the end of that class's name: PyTorch counts the forms of an op."""

    made: dict[str, list[Row]] = {}  # all rows, by name

    def __init__(self, name: str, node: type[RowNode], overload: int = 0):
        Row.made.setdefault(name, []).append(self)
        self.name = name
        self.shown_as = type(
            f"{name}Backward{overload}", (node,), {"__slots__": (), "__module__": "numbatorch.autograd"}
        )

    def __repr__(self) -> str:
        return f"<op {self.name}>"


class RowNode(Node):
    """A recorded call of a row. As long as nobody looks, the nodes of all rows are of one class, which is what the interpreter
    is quick with; after that a node has the class that is named after its row."""

    __slots__ = ("row",)

    row: Any

    def name(self) -> str:
        return self.row.shown_as.__name__

    def shown(self) -> Node:
        self.__class__ = self.row.shown_as
        return self


class OpNode(RowNode):
    """A recorded `Op`: its rule is the row's vjp."""

    __slots__ = ("needs", "params")

    params: tuple
    needs: tuple[bool, ...]  # which inputs want a gradient

    def backward(self, grad):
        return self.row.vjp(self, grad)

    def backward_along(self, leads, grad):
        needs, self.needs = self.needs, leads
        try:
            return self.row.vjp(self, grad)
        finally:
            self.needs = needs


class Op(Row):
    """An operation written by hand.

    forward(*tensors, *params)  makes the result, or a tuple of results; checks, allocates, calls a kernel;
                                knows nothing of the tape
    vjp(node, grad)             the gradients for the tensors, made with public ops, so that they can be
                                differentiated again. The node has `unpack()` (what was saved), `params` and
                                `needs`
    saves                       what the vjp needs: positions of inputs, -1 for the (first) result, -2 for the
                                second ...; as a dict of inputs, with the one or two for whose gradients it does:
                                where none of these is wanted, None is saved
    tensors                     how many of the leading arguments are tensors (None where one may be missing)
    differentiable              how many of the results carry gradient
    """

    def __init__(
        self,
        name: str,
        forward: Callable,
        vjp: Callable | None = None,
        *,
        saves: Sequence[int] | Mapping[int, Sequence[int]] = (),
        tensors: int = 1,
        differentiable: int = 1,
        overload: int = 0,
    ):
        super().__init__(name, OpNode, overload)
        self.forward = forward
        self.vjp: Any = vjp  # where it is None, no node is left that would call it
        self.saves, self.tensors, self.differentiable = tuple(saves), tensors, differentiable
        served = saves.items() if isinstance(saves, Mapping) else ()
        self.served = tuple([(k, inputs[0], inputs[-1]) for k, inputs in served])

    def __call__(self, *args):
        try:
            result = self.forward(*args)
            if state.enabled and self.vjp is not None:
                for tensor in args[: self.tensors]:
                    if tensor is not None and tensor._requires_grad:
                        self.record(result, args)
                        break
        except AttributeError as error:
            raise mistaken(error) from None
        return result

    def record(self, result, args: tuple) -> None:
        """Put the call on the tape."""
        results = result if isinstance(result, tuple) else (result,)
        if not results[0].kind.inexact:
            return
        node = self.node_for(args)
        if self.saves:
            self.keep(node, args, results)
        attach(node, result[: self.differentiable] if isinstance(result, tuple) else result)

    def keep(self, node: OpNode, args: tuple, results: tuple) -> None:
        """Save what the vjp will need."""
        if self.served:
            needs = node.needs
            node.save(*[args[k] if needs[a] or needs[b] else None for k, a, b in self.served])
        else:
            node.save(*[args[k] if k >= 0 else self._own(results, ~k) for k in self.saves])

    def _own(self, results: tuple, number: int):
        """A result as the node keeps it: one without gradient has no way back to the node."""
        return SavedResult(results[number], number) if number < self.differentiable else results[number]

    def node_for(self, args: tuple) -> OpNode:
        """A node of this row with its edges and parameters."""
        leads, needs = edges(args[: self.tensors])
        node = OpNode(leads)
        node.row, node.needs = self, needs
        node.params = args[self.tensors :]
        return node


def attach(node: Node, result) -> None:
    """Make `node` the origin of its result or results."""
    if isinstance(result, TensorBase):
        result._grad_fn, result._requires_grad = node, True
    else:
        node.outputs = len(result)
        for number, tensor in enumerate(result):
            tensor._grad_fn, tensor._requires_grad = node if len(result) == 1 else Slot(node, number), True
    if anomaly.enabled:
        anomaly.remember(node)


class InPlaceOp(Op):
    """An operation that changes its first tensor and returns it. `forward` checks everything before it
    writes; its result is not used."""

    def __call__(self, *args):
        target = args[0]
        try:
            tracked = state.enabled and self.vjp is not None and target.kind.inexact
            tracked = tracked and any(t is not None and t._requires_grad for t in args[: self.tensors])
            inplace.check(target, tracked, True)
            self.forward(*args)
        except AttributeError as error:
            raise mistaken(error) from None
        if tracked:
            node = self.node_for(args)
            self.keep(node, args, ())
            inplace.changed(target)
            inplace.rebase(target, node)
        else:
            inplace.changed(target)
        return target


class ViewOp(Op):
    """An operation whose result shares the memory of its input. `forward(tensor, *params)` returns the array
    of the view; `dtype` is the rule for its dtype, where that is another."""

    def __init__(
        self,
        name: str,
        forward: Callable,
        vjp: Callable,
        *,
        dtype: Callable[[DType], DType] | None = None,
        overload: int = 0,
    ):
        super().__init__(name, forward, vjp, overload=overload)
        self.dtype = dtype

    def __call__(self, tensor: Tensor, *params) -> Tensor:
        try:
            array = self.forward(tensor, *params)
            kind = tensor.kind
        except AttributeError as error:
            raise mistaken(error) from None
        if self.dtype is not None:
            kind = Kind.of(self.dtype(kind.dtype), kind.device)
        view = wrap(array, kind.flat if array.flags.c_contiguous else kind.strided)
        view._storage = tensor._storage or tensor.memory
        base, tracked = tensor._base, tensor._requires_grad
        view._base = tensor if base is None or (tracked and tensor._grad_fn is None) else base
        view._view = (tensor, self, params)
        if tracked and state.enabled:
            view._seen = view._storage.version
            self.record(view, (tensor, *params))
        return view
