"""Arrays in device memory, with NumPy's geometry."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import EllipsisType
from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import byte_bounds

from numbatorch_kernels.cuda.driver import SIMULATED
from numbatorch_kernels.cuda.memory import Buffer, cache
from numbatorch_kernels.cuda.pointer import pointer
from numbatorch_kernels.cuda.stream import current

_Index = int | slice | None | EllipsisType


class _Place:
    """Tells NumPy of memory that it cannot see."""

    def __init__(
        self, address: int, shape: tuple[int, ...], strides: tuple[int, ...] | None, dtype: np.dtype
    ):
        self.__array_interface__ = {
            "version": 3, "data": (address, False), "shape": shape, "strides": strides, "typestr": dtype.str,
        }  # fmt: skip


class DeviceArray:
    """An array in device memory: shape, strides (in bytes), dtype and views are as of `numpy.ndarray`.

    They are in fact those of an ndarray, `layout`, whose data pointer is an address on the device. Views of
    it are views of the device's memory, computed by NumPy; its elements must never be looked at from the
    host.

    The array keeps its `buffer` alive, and so does every view; views see each other's changes.

    >>> x = DeviceArray.from_host(np.arange(6, dtype=np.float32))
    >>> x.reshape((2, 3)).transpose((1, 0))[1].copy_to_host()
    array([1., 4.], dtype=float32)
    """

    __slots__ = ("_pointer", "buffer", "layout")

    def __init__(self, buffer: Buffer, layout: np.ndarray, pointer: Any = None):
        self.buffer, self.layout, self._pointer = buffer, layout, pointer

    @classmethod
    def empty(cls, shape: Sequence[int], dtype: np.dtype | str, device: int = 0) -> DeviceArray:
        """A contiguous array with any content on device number `device`. Raises OutOfMemoryError, or
        RuntimeError where there is no such device."""
        dtype, shape = np.dtype(dtype), tuple(shape)
        return cls.in_memory(cache(device).allocate(prod(shape) * dtype.itemsize), shape, dtype)

    @classmethod
    def in_memory(cls, buffer: Buffer, shape: tuple[int, ...], dtype: np.dtype) -> DeviceArray:
        """A contiguous array from the start of `buffer` on."""
        layout = np.ndarray(shape, dtype, buffer.block.memory)
        return cls(buffer, layout, None if SIMULATED else buffer.address)

    @classmethod
    def from_host(cls, array: np.ndarray, device: int = 0) -> DeviceArray:
        """A contiguous copy of `array` on device number `device`."""
        capture = current(device).capture
        if capture is not None:
            return capture.constant(array)
        result = cls.empty(array.shape, array.dtype, device)
        result.copy_from_host(array)
        return result

    # ---- geometry ----

    @property
    def shape(self) -> tuple[int, ...]:
        return self.layout.shape

    @property
    def strides(self) -> tuple[int, ...]:
        return self.layout.strides

    @property
    def dtype(self) -> np.dtype:
        return self.layout.dtype

    @property
    def ndim(self) -> int:
        return self.layout.ndim

    @property
    def size(self) -> int:
        return self.layout.size

    @property
    def itemsize(self) -> int:
        return self.layout.itemsize

    @property
    def nbytes(self) -> int:
        return self.layout.nbytes

    @property
    def flags(self):
        return self.layout.flags

    @property
    def device(self) -> int:
        """The number of the device."""
        return self.buffer.cache.device

    @property
    def address(self) -> int:
        """The device address of the first element."""
        return self.layout.__array_interface__["data"][0]

    @property
    def offset(self) -> int:
        """Where the first element is in the buffer, in bytes."""
        return self.address - self.buffer.address

    @property
    def pointer(self) -> Any:
        """What a kernel gets: on a GPU the address of the first element, in the simulator a stand-in."""
        if self._pointer is None:
            self._pointer = pointer(self)
        return self._pointer

    def __len__(self) -> int:
        return len(self.layout)

    # ---- views ----

    def __getitem__(self, key: _Index | tuple[_Index, ...]) -> DeviceArray:
        """The view that basic indexing gives; 0-dimensional where NumPy would give a number."""
        key = key if isinstance(key, tuple) else (key,)
        for k in key:
            if isinstance(k, bool | np.ndarray | list):
                raise TypeError(
                    f"a DeviceArray is indexed by integers, slices, None and ..., not by {type(k).__name__}"
                )
        if not any(k is ... for k in key):
            key = (*key, ...)  # with it, NumPy never reads an element
        return DeviceArray(self.buffer, self.layout[key])

    def reshape(self, shape: Sequence[int], *, copy: Literal[False] = False) -> DeviceArray:
        """The same elements in another shape, as a view. ValueError where that needs a copy."""
        return DeviceArray(self.buffer, self.layout.reshape(shape, copy=copy))

    def transpose(self, *axes: Any) -> DeviceArray:
        """The view with its dimensions in another order."""
        return DeviceArray(self.buffer, self.layout.transpose(*axes))

    def swapaxes(self, a: int, b: int) -> DeviceArray:
        """The view with two dimensions exchanged."""
        return DeviceArray(self.buffer, self.layout.swapaxes(a, b))

    def view(self, dtype: np.dtype | str) -> DeviceArray:
        """The same bytes as elements of another dtype."""
        return DeviceArray(self.buffer, self.layout.view(dtype))

    @property
    def real(self) -> DeviceArray:
        """The real parts of complex elements, as a view."""
        return DeviceArray(self.buffer, self.layout.real)

    @property
    def imag(self) -> DeviceArray:
        """The imaginary parts of complex elements, as a view."""
        if self.dtype.kind != "c":
            raise TypeError(f"the imaginary parts of {self.dtype} are nowhere in memory")
        return DeviceArray(self.buffer, self.layout.imag)

    def as_strided(self, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> DeviceArray:
        """The view with this shape and these strides, from `offset` bytes after this array's first element
        on. Nothing is checked."""
        place = _Place(self.address + offset, tuple(shape), tuple(strides), self.dtype)
        return DeviceArray(self.buffer, np.asarray(place))

    # ---- copies ----

    def copy_from_host(self, array: np.ndarray, wait: bool = True) -> None:
        """Fill this array, which must be contiguous, from host memory of the same shape and dtype. Do not `wait` for the
        device only where that memory stays as it is until then."""
        if array.shape != self.shape or array.dtype != self.dtype or not self.flags.c_contiguous:
            raise ValueError(
                f"cannot copy {array.dtype}{array.shape} from the host into {self!r}, strides {self.strides}"
            )
        contiguous = np.ascontiguousarray(array)
        self.buffer.upload(self.offset, _bytes(contiguous), wait or contiguous is not array)

    def copy_from_device(self, array: DeviceArray) -> None:
        """Fill this array from one of the same shape and dtype, on this or another device; both are contiguous."""
        self.buffer.copy(self.offset, array.buffer, array.offset, array.nbytes)

    def copy_to_host(self) -> np.ndarray:
        """A contiguous copy in host memory, once the device has done all that came before."""
        if self.flags.c_contiguous:
            result = np.empty(self.shape, self.dtype)
            self.buffer.download(self.offset, _bytes(result))
            return result
        low, high = byte_bounds(self.layout)
        span = np.empty(high - low, np.uint8)
        self.buffer.download(low - self.buffer.address, span)
        return np.ndarray(self.shape, self.dtype, span, self.address - low, self.strides).copy()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Version 3 of the protocol by which GPU libraries share memory."""
        if SIMULATED:
            raise AttributeError("the simulator's memory is not on a GPU: it has no __cuda_array_interface__")
        strides = None if self.flags.c_contiguous else self.strides
        return {
            "version": 3, "data": (self.address, False), "shape": self.shape, "strides": strides,
            "typestr": self.dtype.str, "stream": 1,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<DeviceArray {self.dtype}{self.shape} on cuda:{self.device}>"


def _bytes(array: np.ndarray) -> np.ndarray:
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8)
