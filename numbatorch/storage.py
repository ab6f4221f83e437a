"""The memory behind tensors: as PyTorch shows it (`x.untyped_storage()`, bytes, and `x.storage()`, elements),
and tensors that move to other memory (`resize_`, `set_`, `out=`)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch import base
from numbatorch.base import Kind, kind_of
from numbatorch.device import CPU
from numbatorch.device import device as Device
from numbatorch.dtype import DType, type_word, uint8
from numbatorch.shape import contiguous_strides
from numbatorch_kernels.memory import strided

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class UntypedStorage:
    """The bytes that a tensor, and every tensor that shares memory with it, is made of."""

    def __init__(self, storage: base.Storage, device: Device):
        self._storage, self.device = storage, device

    def bytes(self) -> Any:
        """The memory as an array of bytes."""
        array = self._storage.array
        if array.ndim != 1 or not array.flags.c_contiguous:
            reach = sum([(n - 1) * s for n, s in zip(array.shape, array.strides)]) + array.itemsize
            array = strided(array, (reach // array.itemsize if array.size else 0,), (array.itemsize,))
        return array.view(np.uint8)

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self.bytes().size

    size = __len__ = nbytes

    def data_ptr(self) -> int:
        """The address of the first byte."""
        array = self._storage.array
        return array.ctypes.data if isinstance(array, np.ndarray) else array.address

    def element_size(self) -> int:
        """One: the elements are bytes."""
        return 1

    def type(self) -> str:
        """The name of the class in PyTorch."""
        return f"torch.{'cuda' if self.is_cuda else 'storage'}.UntypedStorage"

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is on a GPU."""
        return self.device.type == "cuda"

    def tolist(self) -> list[int]:
        """The bytes."""
        array = self.bytes()
        return (array if isinstance(array, np.ndarray) else array.copy_to_host()).tolist()

    def __getitem__(self, index: int) -> int:
        return self.tolist()[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def cpu(self) -> UntypedStorage:
        """These bytes in the CPU's memory: itself if they are there, or a copy."""
        return UntypedStorage(base.Storage(self.bytes().copy_to_host()), CPU) if self.is_cuda else self

    def cuda(self, device: int | None = None) -> UntypedStorage:
        """These bytes on a GPU: itself if they are there, or a copy."""
        place = Device("cuda", device or 0)
        if self.device == place:
            return self
        copy = base.empty((self.nbytes(),), Kind.of(uint8, place)).array
        if self.nbytes():
            _copy_bytes(copy, self.cpu().bytes())
        return UntypedStorage(base.Storage(copy), place)

    def is_pinned(self) -> bool:
        """Whether the memory is locked for transfers to a GPU: never."""
        return False

    def is_shared(self) -> bool:
        """Whether other processes see the memory: never."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._storage is other._storage

    def __hash__(self) -> int:
        return hash(self._storage)

    def __repr__(self) -> str:
        rows = "".join(f" {byte}\n" for byte in self.tolist())
        return f"{rows}[torch.storage.UntypedStorage(device={self.device}) of size {len(self)}]"


class TypedStorage:
    """The elements that a tensor, and every tensor that shares memory with it, is made of."""

    def __init__(self, storage: base.Storage, kind: Kind):
        warnings.warn(_TYPED, UserWarning, stacklevel=3)
        self._untyped = UntypedStorage(storage, kind.device)
        self.dtype: DType = kind.dtype

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return self._untyped

    @property
    def device(self) -> Device:
        """Where the memory is."""
        return self._untyped.device

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._untyped.nbytes()

    def size(self) -> int:
        """How many elements there are."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._untyped.data_ptr()

    def element_size(self) -> int:
        """Bytes an element takes."""
        return self.dtype.itemsize

    def type(self) -> str:
        """The name of the class in PyTorch: "torch.FloatStorage" for float32."""
        return f"torch.{'cuda.' if self._untyped.is_cuda else ''}{type_word(self.dtype)}Storage"

    def tolist(self) -> list:
        """The elements as Python numbers."""
        array = self._untyped.bytes().view(self.dtype.numpy)
        return (array if isinstance(array, np.ndarray) else array.copy_to_host()).tolist()

    def __getitem__(self, index: int) -> Any:
        return self.tolist()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        rows = "".join(f" {number}\n" for number in self.tolist())
        return f"{rows}[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {len(self)}]"


_TYPED = (
    "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
    "class. This should only matter to you if you are using storages directly.  To access UntypedStorage "
    "directly, use tensor.untyped_storage() instead of tensor.storage()"
)


# --- other memory


def span(size: tuple[int, ...], stride: tuple[int, ...]) -> int:
    """How many elements there are from the first one to the last, both included."""
    return sum([(n - 1) * s for n, s in zip(size, stride, strict=True)]) + 1 if 0 not in size else 0


def offset_in_memory(tensor: base.TensorBase) -> int:
    """How many elements lie before the first one of `tensor` in the memory that it shares."""
    return (base.address(tensor.array) - base.address(tensor.memory.array)) // tensor.array.itemsize


def reseat(
    tensor: Tensor, storage: base.Storage, size: tuple[int, ...], stride: tuple[int, ...], offset: int
) -> Tensor:
    """Make `tensor` one of this geometry, in elements, on this memory, or on a larger copy of it where that is too small."""
    kind, itemsize = tensor.kind, tensor.kind.numpy.itemsize
    needed = (offset + span(size, stride)) * itemsize
    memory = UntypedStorage(storage, kind.device).bytes()
    if needed > memory.size:
        grown = base.empty((needed,), Kind.of(uint8, kind.device)).array
        if memory.size:
            _copy_bytes(grown[: memory.size], memory)
        memory = grown
        storage = base.Storage(grown)  # a new one: views of the old memory know their place in that
    start = memory[: memory.size // itemsize * itemsize].view(kind.numpy)
    array = strided(start, size, tuple([s * itemsize for s in stride]), offset * itemsize)
    tensor.array, tensor.kind, tensor._storage = array, kind_of(array, kind), storage
    tensor._base = tensor._view = None
    storage.version += 1
    return tensor


def _copy_bytes(target: Any, source: Any) -> None:
    if isinstance(target, np.ndarray):
        target[...] = source
    else:
        target.copy_from_host(source if isinstance(source, np.ndarray) else source.copy_to_host())


def resize_out(out: Tensor, shape: tuple[int, ...], warn: bool = True) -> None:
    """Give the argument `out` of an operation the shape of the result; a warning if it had elements."""
    if out.array.shape == shape:
        return
    if warn and out.array.size:
        warnings.warn(
            f"An output with one or more elements was resized since it had shape {list(out.array.shape)}, "
            f"which does not match the required output shape {list(shape)}. This behavior is deprecated, and in "
            "a future PyTorch release outputs will not be resized unless they have zero elements. You can "
            "explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
            UserWarning,
            stacklevel=5,
        )
    reseat(out, out.memory, shape, contiguous_strides(shape), offset_in_memory(out))
