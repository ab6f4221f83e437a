"""Changes in place: what is forbidden, the version counter, and how the tape of a tensor is rewritten."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from numbatorch.autograd import mode
from numbatorch.autograd.mode import state
from numbatorch.autograd.node import Node, edge, refresh, replay
from numbatorch.base import TensorBase

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def check(out: Tensor, tracked: bool, in_place: bool) -> None:
    """Raise RuntimeError where `out` may not be overwritten. `tracked`: an input of the operation requires
    grad."""
    if mode.inference_used and not state.inference:
        _check_inference(out)
    if not in_place:
        if tracked or (out._requires_grad and state.enabled):
            raise RuntimeError(
                "out=... arguments don't support automatic differentiation, but one of the arguments "
                "requires grad."
            )
        return
    if out._requires_grad and state.enabled:
        if out._grad_fn is None:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if out._base is not None and out._base._requires_grad and out._base._grad_fn is None:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place operation."
            )


def _check_inference(out: Tensor) -> None:
    if out.is_inference():
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more "
            "details."
        )
    if out._inference and out._base is not None and out._base._requires_grad:
        raise RuntimeError(
            "A view was created in inference mode and is being modified inplace in normal mode. Given that this "
            "use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the "
            "view and the inplace either both inside the inference_mode block (if you don't want the inplace to "
            "be tracked) or both outside (if you want the inplace to be tracked)."
        )


def changed(out: Tensor) -> None:
    """Count a change of the memory of `out`."""
    storage = out._storage or out.memory
    storage.version += 1


def rebase(out: Tensor, node: Node) -> None:
    """Make `node`, the operation that has just overwritten `out`, its origin; for a view, also part of its
    base's history; and that of the views that were made of the memory when no gradient led through it."""
    base: Any = out._base
    if base is None:
        tracked, out._grad_fn, out._requires_grad = out._requires_grad, node, True
        if not tracked:
            _show(out, 0)
        return
    slices = CopySlices((edge(base), *node.edges))
    slices.node, slices.view = node, out._view and _Replay(out)
    tracked = base._requires_grad
    base._grad_fn, base._requires_grad = slices, True
    out._requires_grad = True
    out._seen = -1  # recording the operation may have looked at the version already
    refresh(out)
    if not tracked:
        _show(base, len(slices.view.steps))


def _show(base: Tensor, views: int) -> None:
    """Put the views of `base` on the tape that were made before it was there itself: besides the known number of `views`,
    which lead to what is changed. Memory does not keep its views, because making one must cost nothing more; it is known
    whether others are alive, and only then are they looked for, among all objects."""
    storage = base.memory
    if sys.getrefcount(storage) > 3 + views:  # the base's, ours and the call's
        for some in gc.get_objects():  # isinstance would ask proxies for the class of what they stand for
            if issubclass(type(some), TensorBase) and some._base is base:
                refresh(some)


class _Replay:
    """How to see a view's part of a tensor that is shaped like its base. Keeps no reference to the view
    itself."""

    def __init__(self, view: Tensor):
        self.steps = []
        while view._base is not None:
            source, row, params = view._view
            self.steps.append((row, params))
            if source is view._base:
                break
            view = source
        self.steps.reverse()

    def __call__(self, base: Tensor) -> Tensor:
        for row, params in self.steps:
            base = row(base, *params)
        return base


class CopySlices(Node):
    """A part of a tensor was overwritten: that part's gradient goes through the operation, the rest straight
    to the old value."""

    __slots__ = ("node", "view")

    node: Node
    view: _Replay

    def backward(self, grad: Tensor) -> tuple:
        rest = grad.clone_contiguous()  # so that a view by strides finds the elements where the base had them
        part = self.view(rest)
        inner = self.node.backward(part.clone())
        part.copy_(inner[0] if inner[0] is not None else part.new_zeros(part.shape))
        return (rest, None, *inner[1:])

    def free(self) -> None:
        self.node.free()


__all__ = ["CopySlices", "changed", "check", "rebase", "replay"]
