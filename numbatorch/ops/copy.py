"""Copies and conversions: between dtypes, layouts and devices."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import arguments
from numbatorch.apply import Op
from numbatorch.arguments import class_name, tensor_kind
from numbatorch.autograd import inplace
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, TensorBase, empty, fill, kind_of, wrap
from numbatorch.device import CPU, current_cuda, get_default_device
from numbatorch.device import device as Device
from numbatorch.dtype import DType, c_name, type_word
from numbatorch.elementwise import Pointwise
from numbatorch.layout import inverse, lies_in_order, preserve_format
from numbatorch.ops.view import expand
from numbatorch.overlap import refuse_shared
from numbatorch.shape import broadcast_pair
from numbatorch.storage import resize_out
from numbatorch_kernels import scalar
from numbatorch_kernels.cuda import array as cuda_array
from numbatorch_kernels.cuda import compat, driver, pinned, stream
from numbatorch_kernels.expr import symbol
from numbatorch_kernels.lift import Program

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor

_clone = Pointwise("Clone", scalar.identity)


@cache
def _cast(dtype: DType) -> Pointwise:
    """The row that converts to `dtype`."""
    return Pointwise("ToCopy", scalar.identity, result=lambda common: dtype)


class _Overwrite(Pointwise):
    """Elements of `dtype` replaced by others: of two operands, the second."""

    copies = True

    def __init__(self, dtype: DType):
        super().__init__("Copy", Program("copy", (symbol(1),), 2), result=lambda common: dtype)


_overwrite = cache(_Overwrite)


def _move_forward(input: Tensor, device: Device, home: Device, non_blocking: bool) -> Tensor:
    kind, array = Kind.of(input.kind.dtype, device), input.array
    if kind.cpu:
        result = empty(array.shape, kind)
        result.array[...] = array.copy_to_host()
    elif not input.kind.cpu:
        result = empty(array.shape, kind)
        result.array.copy_from_device(contiguous(input.detach()).array)
    elif non_blocking and pinned.is_pinned(array) and array.flags.c_contiguous:
        result = empty(array.shape, kind)
        result.array.copy_from_host(array, wait=False)
        pinned.copying(array, stream.current(device.index or 0))
    else:
        result = wrap(cuda_array.DeviceArray.from_host(array, device.index or 0), kind)
    return result


def _move_vjp(node, grad):
    return (grad.to(node.params[1]),)


_move = Op("ToCopy", _move_forward, _move_vjp)


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy, on the tape: gradients flow back to `input`. Its dimensions lie in memory as those of `input`
    do, or in the order of a memory format."""
    if memory_format is None or memory_format is preserve_format:
        return _clone(input)
    return _in_format(input, memory_format)


def _in_format(input: Tensor, format: Any) -> Tensor:
    shape = input.array.shape
    return copy_(empty_in_order(shape, input.kind, format.order(len(shape))), input)


def empty_in_order(shape: tuple[int, ...], kind: Kind, order: tuple[int, ...]) -> Tensor:
    """A new tensor, not initialised, whose dimensions lie in memory in this order."""
    array = empty(tuple([shape[d] for d in order]), kind).array.transpose(inverse(order))
    return wrap(array, kind_of(array, kind))


def clone_contiguous(input: Tensor) -> Tensor:
    """A row-major copy."""
    if tensor_kind(input).contiguous:
        return _clone(input)
    return copy_(empty(input.array.shape, input.kind), input)


def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` itself if its memory is row-major, or in the order of a memory format, else a copy that is."""
    if memory_format is None or memory_format is preserve_format:
        return input if input.kind.contiguous else clone_contiguous(input)
    if lies_in_order(input.array, memory_format.order(input.array.ndim)):
        return input
    return _in_format(input, memory_format)


def check_out(out: Tensor, result: Tensor, name: str) -> None:
    """Raise TypeError where `out`, the argument of the function `name`, is no tensor, and RuntimeError if it or the result
    is on the tape."""
    if not isinstance(out, TensorBase):
        raise TypeError(arguments.words(name, "out", None, out))
    if state.enabled and (result._requires_grad or out._requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of "
            "the arguments requires grad."
        )


def receives(out: Tensor, shape: tuple[int, ...], kind: Kind, *operands: Tensor) -> bool:
    """Whether a result of this shape and kind can be made in the memory of `out`, of which nothing is read meanwhile and
    which is off the tape: `into` then has nothing to copy."""
    if not isinstance(out, TensorBase):
        return False
    if out.array.shape != shape or out.kind is not kind.flat:
        return False
    for t in operands:
        if t is out or (t._storage is not None and t._storage is out._storage):
            return False
    if state.enabled and any([t._requires_grad for t in (out, *operands)]):
        return False
    inplace.check(out, False, False)
    return True


def into(out: Tensor, result: Tensor, name: str, *read: Tensor) -> Tensor:
    """`out`, the argument of the function `name`, resized and overwritten by `result`, unless that was made there. Raises RuntimeError if
    the dtypes differ, one of the two is on the tape, or `out` overlaps with what was `read`."""
    if result is out:
        inplace.changed(out)
        return out
    check_out(out, result, name)
    if out.kind.dtype is not result.kind.dtype:
        raise RuntimeError(_OTHER_DTYPE.get(name, _OTHER_DTYPE[""])(name, result.kind.dtype, out.kind.dtype))
    refuse_shared(out, *read)
    resize_out(out, result.array.shape)
    return copy_(out, result)


def check_several(out: Any, name: str, count: int) -> None:
    """Raise TypeError unless the argument `out` of the function `name` is a tuple or list of so many tensors."""
    if not isinstance(out, tuple | list):
        function = name.replace(".", "_")
        raise TypeError(f"{function}(): argument 'out' must be tuple of Tensors, not {class_name(out)}")
    if len(out) != count:
        raise TypeError(f"expected tuple of {count} elements but got {len(out)}")
    for k, x in enumerate(out):
        if not isinstance(x, TensorBase):
            raise TypeError(f"expected Tensor as element {k} in argument 'out', but got {class_name(x)}")


def all_into(out: Sequence[Tensor] | None, made: Any, name: str, write: Callable[..., Tensor] = into) -> Any:
    """`made`, a named tuple of results of the function `name`, each written into its tensor of the argument `out` by `write`, if
    that is given."""
    if out is None:
        return made
    check_several(out, name, len(made))
    return type(made)(*[write(target, result, name) for target, result in zip(out, made, strict=True)])


_OTHER_DTYPE = {
    "": lambda name, own, other: (
        f"Expected out tensor to have dtype {c_name(own)}, but got {c_name(other)} instead"
    ),
    "index_select": lambda name, own, other: "index_select(): self and result must have the same scalar type",
    "masked_select": lambda name, own, other: (
        "masked_select(): self and result must have the same scalar type"
    ),
    "mv": lambda name, own, other: (
        "addmv input tensors must have the same dtype, but got "
        f"{type_word(other)}, {type_word(own)}, and {type_word(own)}"
    ),
    **dict.fromkeys(
        ("dot", "vdot"),
        lambda name, own, other: (
            f"result dtype {type_word(other)} does not match input dtype {type_word(own)}"
        ),
    ),
    "tensordot": lambda name, own, other: (
        f"tensordot: Expected the output tensor to have dtype {type_word(own)}, but got an output tensor with "
        f"dtype {type_word(other)}"
    ),
    **dict.fromkeys(
        ("amax", "amin"),
        lambda name, own, other: (
            f"Expected the dtype for input and out to match, but got {type_word(own)} for input's dtype and "
            f"{type_word(other)} for out's dtype."
        ),
    ),
    **dict.fromkeys(
        ("histc", "histogram"),
        lambda name, own, other: (
            "torch.histogram: input tensor and hist tensor should have the same dtype, but got input "
            f"{c_name(own)} and hist {c_name(other)}"
        ),
    ),
    "logcumsumexp": lambda name, own, other: (
        f"expected scalar_type {type_word(own)} but found {type_word(other)}"
    ),
    "linalg.solve_triangular": lambda name, own, other: (
        f"expected scalar type {type_word(own)} but found {type_word(other)}"
    ),
    "linalg.vecdot": lambda name, own, other: (
        f"linalg.vecdot: Expected out of dtype{type_word(own)} but found {type_word(other)}"
    ),
    "ormqr": lambda name, own, other: (
        f"torch.ormqr: Expected input and result to have the same dtype, but input has dtype{type_word(own)} and "
        f"result has dtype {type_word(other)}"
    ),
    **dict.fromkeys(
        ("linalg.norm", "linalg.matrix_norm"),
        lambda name, own, other: (
            f"{name} expected out tensor dtype {type_word(own)} but got: {type_word(other)}"
        ),
    ),
    "take": lambda name, own, other: (
        f"take(): self and out expected to have the same dtype, but got self.dtype = {type_word(own)} and "
        f"out.dtype = {type_word(other)}"
    ),
    "nonzero": lambda name, own, other: (
        f"nonzero: Expected out tensor to have scalar type {type_word(own)} but got scalar type{type_word(other)}"
    ),
}


def _discard(own: DType, wanted: DType) -> None:
    """Warn, once in a process as PyTorch does, where complex numbers become real ones."""
    global _warned
    if own.is_complex and not wanted.is_complex and wanted is not dt.bool and not _warned:
        _warned = True
        warnings.warn("Casting complex values to real discards the imaginary part", stacklevel=3)


_warned = False


def cast(input: Tensor, dtype: DType) -> Tensor:
    """`input` in another dtype; itself if it has that dtype already. Warns where complex numbers lose their
    imaginary parts."""
    _discard(input.kind.dtype, dtype)
    return input if input.kind.dtype is dtype else _cast(dtype)(input)


def to_opmath(input: Tensor) -> Tensor:
    """float16 and bfloat16 in float32, in which they are computed; itself if it is of another dtype."""
    return cast(input, input.kind.dtype.opmath)


def copy_(self: Tensor, other: Tensor | Number, non_blocking: bool = False) -> Tensor:
    """Overwrite the elements of `self` by those of `other`, which is broadcast, converted and moved to the
    device as needed; or all by a number."""
    if not isinstance(other, TensorBase):
        if isinstance(other, bool | int | float | complex):
            return fill_(self, other)
        raise TypeError(arguments.words("copy_", "other", 1, other))
    src = other
    if src.kind.device is not self.kind.device:
        src = move(src, self.kind.device, non_blocking)
    if src.array.shape != self.array.shape:
        whole = broadcast_pair(self.array.shape, src.array.shape)
        if whole != self.array.shape:
            raise RuntimeError(
                f"output with shape {list(self.array.shape)} doesn't match the broadcast shape {list(whole)}"
            )
        src = expand(src, whole)
    _discard(src.kind.dtype, self.kind.dtype)
    return _overwrite(self.kind.dtype).general((self, src), self)


def fill_(self: Tensor, value: Number | Tensor) -> Tensor:
    """Set every element to `value`, as a number of this dtype. Raises RuntimeError for one out of range."""
    if isinstance(value, TensorBase):
        if value.array.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.array.ndim} "
                f"dimensions."
            )
        return copy_(self, value)
    return _overwrite(tensor_kind(self).dtype).general((self, dt.fitting(value, self.kind.dtype)), self)


def zero_(self: Tensor) -> Tensor:
    """Set every element to zero."""
    if tensor_kind(self).cpu and self.kind.contiguous and not (state.enabled and self._requires_grad):
        fill(self.array, 0)
        inplace.changed(self)
        return self
    return fill_(self, 0)


def move(input: Tensor, device: Device, non_blocking: bool = False) -> Tensor:
    """`input` on another device; itself if it is there already."""
    return input if input.kind.device is device else _move(input, device, input.kind.device, non_blocking)


def to(
    input: Tensor,
    *args,
    dtype=None,
    device=None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
    other=None,
) -> Tensor:
    """`input` in another dtype or on another device: to(dtype), to(device), to(device, dtype), to(other).
    Itself if nothing changes, unless `copy` is True.

    >>> torch.ones(2).to(torch.float64)
    tensor([1., 1.], dtype=torch.float64)
    """
    flags = [arg for arg in args if isinstance(arg, bool)]
    non_blocking, copy = (*flags, *(non_blocking, copy)[len(flags) :])
    for arg in args:
        if isinstance(arg, bool):
            continue
        if isinstance(arg, DType):
            dtype = arg
        elif isinstance(arg, TensorBase):
            other = arg
        elif isinstance(arg, str | int | Device):
            device = arg
        elif arg is not None:
            signatures = (
                "(torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False)",
                "(torch.dtype dtype, bool non_blocking = False, bool copy = False)",
                "(Tensor tensor, bool non_blocking = False, bool copy = False)",
            )
            raise arguments.unfit("to", *args, signatures=signatures)
    if other is not None:
        dtype, device = other.kind.dtype, other.kind.device
    result = input
    if device is not None:
        result = move(result, resolve(device), non_blocking)
    if dtype is not None:
        result = cast(result, dt.as_dtype(dtype, "to(): argument 'dtype'"))
    if memory_format is not None and memory_format is not preserve_format:
        return (
            contiguous(result, memory_format)
            if result is not input or not copy
            else _in_format(input, memory_format)
        )
    return clone(result) if copy and result is input else result


def resolve(device) -> Device:
    """The exact device that "cuda", 0 or a device object means. Raises RuntimeError where there is no such
    device."""
    if device is None:
        device = get_default_device()
    if device is CPU:
        return CPU
    d = Device(device)
    if d.type == "cpu":
        return CPU
    if d.type != "cuda":
        raise RuntimeError(f"numbatorch has no {d.type} device; it has cpu and cuda")
    index = current_cuda() if d.index is None else d.index
    compat.require(index)
    return Device("cuda", index)


def cpu(input: Tensor) -> Tensor:
    """`input` in the memory of the CPU."""
    return move(input, CPU)


def cuda(input: Tensor, device=None, non_blocking: bool = False) -> Tensor:
    """`input` in the memory of a GPU."""
    return move(input, resolve("cuda" if device is None else device), non_blocking)


def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """A copy of a CPU tensor in memory from which a GPU copies by itself: `x.pin_memory().to("cuda", non_blocking=True)`
    returns at once. The tensor itself if it lies there already. Raises RuntimeError where there is no GPU."""
    if not input.kind.cpu:
        raise RuntimeError(f"cannot pin '{input.type()}' only dense CPU tensors can be pinned")
    if pinned.is_pinned(input.array):
        return input
    if not driver.driver.count():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    result = wrap(pinned.empty(input.array.shape, input.kind.numpy), input.kind.flat)
    return copy_(result, input.detach())


def is_pinned(input: Tensor, device: Any = None) -> bool:
    """Whether a GPU copies from the tensor's memory by itself, see `pin_memory`."""
    return input.kind.cpu and pinned.is_pinned(input.array)


def record_stream(input: Tensor, stream: Any) -> None:
    """Say that `stream`, in which the memory was not allocated, uses it: once freed, it is not given away before the
    work that the stream has been given by then is done."""
    if input.kind.cpu:
        raise RuntimeError("record_stream: only tensors on a CUDA device are used by streams")
    input.array.buffer.used_on(stream.kernels)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` in the dtype and on the device of `other`."""
    tensor_kind(other)  # refuses what is none
    return to(input, other)


def host(input: Tensor) -> np.ndarray:
    """The elements as a NumPy array: the tensor's own memory on the CPU, a copy from a GPU."""
    return input.array if input.kind.cpu else input.array.copy_to_host()


def numbers(input: Tensor) -> np.ndarray:
    """The elements as NumPy numbers: as `host`, with bfloat16 widened to float32."""
    array = host(input)
    if input.kind.dtype is dt.bfloat16:
        return (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return array


def from_numbers(array: np.ndarray, dtype: DType) -> Tensor:
    """A CPU tensor of `dtype` with the values of a NumPy array."""
    own = dt.float32 if dtype is dt.bfloat16 else dtype
    if array.dtype == own.numpy and array.flags.c_contiguous:
        return cast(wrap(array, Kind.of(own)), dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        made = wrap(np.ascontiguousarray(array, own.numpy).reshape(array.shape), Kind.of(own))
    return cast(made, dtype)


def float_(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as float32."""
    return cast(input, dt.float32)


def double(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as float64."""
    return cast(input, dt.float64)


def half(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as float16."""
    return cast(input, dt.float16)


def bfloat16(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as bfloat16."""
    return cast(input, dt.bfloat16)


def long(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as int64."""
    return cast(input, dt.int64)


def int_(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as int32."""
    return cast(input, dt.int32)


def short(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as int16."""
    return cast(input, dt.int16)


def char(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as int8."""
    return cast(input, dt.int8)


def byte(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as uint8."""
    return cast(input, dt.uint8)


def bool_(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as bool: whether each element is nonzero."""
    return cast(input, dt.bool)


def cfloat(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as complex64."""
    return cast(input, dt.complex64)


def cdouble(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` as complex128."""
    return cast(input, dt.complex128)
