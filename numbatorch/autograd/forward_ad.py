"""Derivatives from the front: tensors that carry a tangent along.

Inside `dual_level`, `make_dual(x, t)` gives a tensor like x that the tape follows. Nothing is computed with
the tangent t until `unpack_dual(y)` asks for that of y: then two backward passes from y to the dual tensors
compute J t (the gradient J^T u is linear in u, and its own gradient is J t). So operations cost what they
cost anyway, but what the tape does not record (inside `no_grad`) has no tangent, and dual tensors and what is
made of them require grad, which PyTorch's do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from numbatorch.autograd.levels import Level, Linear
from numbatorch.autograd.mode import Mode, state

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` returns: the tensor, and its tangent, or None if it has none."""

    primal: Tensor
    tangent: Tensor | None


class _DualLevel(Level):
    """The dual tensors made since it was entered, and their tangents."""

    def __init__(self) -> None:
        super().__init__()
        self.duals: list[Tensor] = []
        self.tangents: list[Tensor] = []


_levels: list[_DualLevel] = []


def enter_dual_level() -> int:
    """Start a level, in which dual tensors can be made. Levels do not nest."""
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append(_DualLevel())
    state.enabled = True
    return len(_levels) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: its tensors lose their tangents."""
    if not _levels:
        raise RuntimeError("Dual level must be a positive number.")
    if level not in (None, len(_levels) - 1):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not "
            "supported."
        )
    state.enabled = _levels.pop().recording


class dual_level(Mode):
    """A block, or a decorated function, in which dual tensors can be made.

    >>> import numbatorch.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     y = torch.sin(fwAD.make_dual(torch.tensor(0.0), torch.tensor(2.0)))
    ...     print(fwAD.unpack_dual(y).tangent)
    tensor(2.)
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor on the memory of `tensor` with this tangent, of the same shape and dtype. Raises RuntimeError
    outside of `dual_level`."""
    if not _levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    for what, x in (("primal", tensor), ("tangent", tangent)):
        if not (x.is_floating_point() or x.is_complex()):
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {x.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, "
            f"this is not supported. Tensor is of size {list(tensor.shape)} while the given forward gradient "
            f"is of size {list(tangent.shape)}."
        )
    current = _levels[-1]
    dual = current.enter(tensor)
    current.duals.append(dual)
    current.tangents.append(tangent)
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor without its tangent, and the tangent; None for one that depends on no dual tensor."""
    if not _levels:
        return UnpackedDualTensor(tensor, None)
    current = _levels[-1]
    primal = current.leave(tensor)
    for dual, tangent in zip(current.duals, current.tangents):
        if dual is tensor:
            return UnpackedDualTensor(primal, tangent)
    linear = Linear(current, [tensor], current.duals)
    if all(slope is None for slope in linear.slopes):
        return UnpackedDualTensor(primal, None)
    (found,) = linear(current.tangents, create_graph=True, retain_graph=True)
    return UnpackedDualTensor(primal, current.leave(found))
