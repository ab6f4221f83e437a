"""What convolutions ask of their arguments, and the sizes that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch import casting
from numbatorch.arguments import is_whole, tensor_array, tensor_kind, unfit, words
from numbatorch.dtype import c_name, type_word
from numbatorch.ops.view import native_type_text, unsqueeze

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

Ints = int | Sequence[int]


def as_ints(function: str, dims: int, given: Sequence[Tensor], name: str, value: Ints) -> list[int]:
    """An argument that is an int, for all directions, or several; the `given` tensors came before it."""
    if is_whole(value):
        return [value] * dims  # type: ignore[list-item]
    if isinstance(value, tuple | list) and all(map(is_whole, value)):
        return [int(v) for v in value]
    if "transpose" in function:
        raise TypeError(words(function, name, None, value, "tuple of ints"))
    named: dict[str, Any] = {name: value}
    raise unfit(function, *given, **named)


def each(name: str, values: list[int], dims: int) -> tuple[int, ...]:
    """A number for each direction."""
    if len(values) == 1:
        return (values[0],) * dims
    if len(values) != dims:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {dims} values to match the convolution "
            f"dimensions, but got {name}={values}"
        )
    return tuple(values)


def batched(function: str, input: Tensor, dims: int) -> tuple[Tensor, bool]:
    """`input` with a first dimension of batches, and whether that is new."""
    ndim = tensor_array(input).ndim
    if ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {function}, but got input of "
            f"size: {list(input.array.shape)}"
        )
    return (input, False) if ndim == dims + 2 else (unsqueeze(input, 0), True)


def check(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    output_padding: tuple[int, ...],
    groups: int,
    transposed: bool,
) -> None:
    """Raise RuntimeError where shapes and numbers are no convolution."""
    shape, weight = list(x.array.shape), list(w.array.shape)
    for numbers, least, text in (
        (padding, 0, "negative padding"),
        (output_padding, 0, "negative output_padding"),
        (stride, 1, "non-positive stride"),
        (dilation, 1, "non-positive dilation"),
    ):
        if min(numbers) < least:
            raise RuntimeError(f"{text} is not supported")
    if len(weight) != len(shape):
        raise RuntimeError(
            f"Expected {len(weight)}-dimensional input for {len(weight)}-dimensional weight {weight}, but got "
            f"{len(shape)}-dimensional input of size {shape} instead"
        )
    if 0 in weight[2:]:
        raise RuntimeError(f"kernel size should be greater than zero, but got weight of size {weight}")
    if weight[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of "
            f"size {weight} instead"
        )
    if weight[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight "
            f"of size [{weight}] instead"
        )
    wanted, results = (weight[0], weight[1] * groups)[:: 1 if transposed else -1]
    given = "transposed=1" if transposed else f"groups={groups}"
    if shape[1] != wanted:
        raise RuntimeError(
            f"Given {given}, weight of size {weight}, expected input{shape} to have {wanted} channels, but got "
            f"{shape[1]} channels instead"
        )
    if bias is not None and bias.array.shape != (results,):
        raise RuntimeError(
            f"Given {'transposed=1, ' if transposed else ''}weight of size {weight}, expected bias to be "
            f"1-dimensional with {results} elements, but got bias of size {list(bias.array.shape)} instead"
        )


def check_types(x: Tensor, w: Tensor) -> None:
    if w.kind.flat is x.kind.flat or casting.tolerates(x, w):
        return
    own = x.kind.dtype
    if w.kind.device is x.kind.device and own is not dt.float32 and not own.is_complex:
        raise RuntimeError(f"expected scalar type {type_word(own)} but found {type_word(w.kind.dtype)}")
    more = "" if own.is_complex else " or input should be a MKLDNN tensor and weight is a dense tensor"
    raise RuntimeError(
        f"Input type ({native_type_text(x)}) and weight type ({native_type_text(w)}) should be the same{more}"
    )


def check_bias(x: Tensor, bias: Tensor | None) -> None:
    if (
        bias is not None
        and tensor_kind(bias).dtype is not tensor_kind(x).dtype
        and not casting.tolerates(x, bias)
    ):
        types = f"({c_name(x.kind.dtype)}) and bias type ({c_name(bias.kind.dtype)})"
        raise RuntimeError(f"Input type {types} should be the same")


def check_size(shape: Sequence[int]) -> None:
    if 0 in shape[2:]:
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {list(shape)}"
        )


def extents_of(w: Tensor, dilation: tuple[int, ...]) -> list[int]:
    """How far the kernel reaches in each direction."""
    return [d * (k - 1) + 1 for d, k in zip(dilation, w.array.shape[2:])]
