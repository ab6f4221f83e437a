"""What the operations of linear algebra have in common: checks of arguments, and the ways to the kernels where the matrices are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import arguments
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, TensorBase, kind_of, wrap
from numbatorch.device import device as Device
from numbatorch.dtype import type_word
from numbatorch.ops.copy import cast, contiguous
from numbatorch.ops.elements import check_range, report
from numbatorch.ops.view import expand
from numbatorch.rules import not_implemented
from numbatorch.shape import broadcast_pair
from numbatorch_kernels.cuda import decompositions as cuda_decompositions
from numbatorch_kernels.cuda import indefinite as cuda_indefinite
from numbatorch_kernels.cuda import linalg as cuda_linalg
from numbatorch_kernels.linalg import decompositions as decomposition_kernels
from numbatorch_kernels.linalg import indefinite as indefinite_kernels
from numbatorch_kernels.linalg import lapack as lapack_kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class _LinAlgError(RuntimeError):
    """A matrix is singular, not positive definite, or has no decomposition: `torch.linalg.LinAlgError`."""


LinAlgError = _LinAlgError


# --- checks


def tensor(value: Any, function: str, argument: str = "A") -> None:
    """Raise TypeError where the first argument of a function is not a tensor."""
    if not isinstance(value, TensorBase):
        raise TypeError(arguments.words(function.replace(".", "_"), argument, 1, value))


def matrix(input: Tensor, function: str, argument: str = "A", name: str = "A") -> None:
    """Raise where `input` is not a stack of matrices. `argument` is its name in the signature, `name` that in
    the text."""
    tensor(input, function, argument)
    if input.array.ndim < 2:
        raise RuntimeError(f"{function}: The input tensor {name} must have at least 2 dimensions.")


def square(input: Tensor, function: str, argument: str = "A") -> None:
    """Raise where `input` is not a stack of square matrices."""
    matrix(input, function, argument)
    rows, columns = input.array.shape[-2:]
    if rows != columns:
        raise RuntimeError(
            f"{function}: A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )


def floating(input: Tensor, function: str, kernel: str | None = None, integers: bool = True) -> None:
    """Raise for dtypes that LAPACK does not have. PyTorch refuses halves, and where not `integers` these too,
    by the name of a kernel, if it has one."""
    own = input.kind.dtype
    if integers and not (own.is_inexact):
        raise RuntimeError(
            f"{function}: Expected a floating point or complex tensor as input. Got {type_word(own)}"
        )
    if own not in (dt.float32, dt.float64, dt.complex64, dt.complex128):
        if kernel is None:
            raise RuntimeError(f"{function}: Low precision dtypes not supported. Got {type_word(own)}")
        raise not_implemented(kernel, own)


def failed(info: np.ndarray) -> tuple[str, int]:
    """Of LAPACK's codes, of which at least one is not 0: "(Batch element k): " of the first, and itself."""
    first = int(info.reshape(-1).nonzero()[0][0])
    return f"(Batch element {first}): " if info.ndim else "", int(info.reshape(-1)[first])


def of_one_stack(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The operands, expanded to a stack of one shape."""
    own, other = a.array.shape[:-2], b.array.shape[:-2]
    if own == other:
        return a, b
    stack = broadcast_pair(own, other)
    return expand(a, *stack, *a.array.shape[-2:]), expand(b, *stack, *b.array.shape[-2:])


def recorded(*inputs: Tensor) -> bool:
    """Whether an operation on these tensors goes on the tape."""
    return state.enabled and any(x._requires_grad for x in inputs)


def check_pivots(pivots: Tensor, rows: int, function: str, below: str, above: str) -> None:
    """Raise RuntimeError where a pivot is no row, counted from 1: with the text `below` if one is less. On CUDA nobody waits for
    that: a pivot that is no row exchanges none, and who waits next is told the name of the `function`."""
    array = pivots.array
    if not pivots.kind.cpu:
        check_range(cast(pivots, dt.int64) - 1, rows, False, report(function, pivots.kind))
    elif array.size and (array.min() < 1 or array.max() > rows):
        raise RuntimeError(below if array.min() < 1 else above)


# --- the ways to kernels


_ON_CUDA = {
    decomposition_kernels: cuda_decompositions,
    indefinite_kernels: cuda_indefinite,
    lapack_kernels: cuda_linalg,
}


def kernels_for(x: Tensor, module: Any = lapack_kernels) -> Any:
    """This module of kernels, or where `x` is on CUDA the one there with functions of the same names."""
    return module if x.kind.cpu else _ON_CUDA[module]


def computed(function: Callable, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`function`, of one of these modules, of the elements as arrays, on CUDA contiguous ones; its results as tensors."""
    kind = inputs[0].kind
    if kind.cpu:
        arrays = [x.array for x in inputs]
    else:
        arrays = [contiguous(wrap(x.array, x.kind)).array for x in inputs]
    return tuple(
        [
            wrap(r, kind_of(r, kind if r.dtype is kind.numpy else _kind(r.dtype, kind.device)))
            for r in function(*arrays)
        ]
    )


@cache
def _kind(dtype: np.dtype, device: Device) -> Kind:
    return Kind.of(dt.from_numpy_dtype(dtype), device)
