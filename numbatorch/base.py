"""What a tensor is made of: an array, its kind, a version counter shared by views, and the slots of the tape.

The class `Tensor` that users see (tensor.py) adds the operations. Everything between this file and that one
makes tensors through `wrap`, and knows only `TensorBase`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch.device import CPU
from numbatorch.device import device as Device
from numbatorch.dtype import DIMENSIONED, NUMBER, ZERO_DIM, DType, number_dtype
from numbatorch.shape import make_size
from numbatorch_kernels import fill as filling
from numbatorch_kernels import memory
from numbatorch_kernels.cuda import array as cuda_array

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


Number = bool | int | float | complex


class Kind:
    """What a kernel must know of an operand besides its shape: dtype, device, and whether its memory is
    contiguous.

    Kinds are interned, so a pair of them is a dictionary key that costs nothing to make; `element` is the
    kernels' name of the dtype.
    """

    __slots__ = (
        "contiguous",
        "cpu",
        "device",
        "dtype",
        "element",
        "flat",
        "inexact",
        "numpy",
        "strided",
        "wide",
    )
    _made: dict[tuple, Kind] = {}

    dtype: DType
    device: Device
    contiguous: bool
    numpy: np.dtype  # of the memory
    element: str
    cpu: bool
    inexact: bool  # as the dtype: whether there can be gradients
    flat: Kind  # the same, contiguous
    strided: Kind  # the same, not contiguous
    wide: Kind  # contiguous, of the dtype that kernels compute in

    @staticmethod
    def of(dtype: DType, device: Device = CPU) -> Kind:
        """The kind of contiguous tensors of this dtype and device."""
        kind = Kind._made.get((dtype, device))
        if kind is None:
            kind, strided = Kind(), Kind()
            for k in (kind, strided):
                k.dtype, k.device, k.numpy, k.cpu = dtype, device, dtype.numpy, device.type == "cpu"
                k.inexact = dtype.is_inexact
                k.element = "bf" if dtype.name == "bfloat16" else dtype.numpy.str[1:]
                k.contiguous, k.flat, k.strided = k is kind, kind, strided
            kind.wide = strided.wide = Kind.of(dtype.opmath, device) if dtype.is_half else kind
            kind = Kind._made.setdefault((dtype, device), kind)
        return kind

    def __repr__(self) -> str:
        return f"<{self.dtype} on {self.device}, {'contiguous' if self.contiguous else 'strided'}>"


class Storage:
    """Memory that several tensors share: an array that starts where it does, and a count of the changes made
    in place."""

    __slots__ = ("array", "version")

    def __init__(self, array: Any):
        self.array, self.version = array, 0


class TensorBase:
    """The state of a tensor. The class attributes are what most tensors have; only what differs is set on the
    instance."""

    array: Any  # np.ndarray on the CPU, DeviceArray on CUDA
    kind: Kind

    _requires_grad = False
    _grad_fn: Any = None  # the node that made this tensor, or the Slot of one of its results; None for a leaf
    _grad: Tensor | None = None
    _storage: Storage | None = (
        None  # None as long as no other tensor shares the memory and nothing has changed it
    )
    _base: Tensor | None = None  # of a view: the tensor that it shows a part of ...
    _view: Any = None  # ... and how to see that part again: (the tensor it was made from, row, parameters)
    _seen = 0  # of a view: the storage's version when _grad_fn was right
    _hooks: dict | None = None
    _inference = False  # whether this tensor, or the view's base, was made in inference mode
    _level: Any = None  # of a leaf that a transform of functions made: the transform (autograd/levels.py)

    @property
    def memory(self) -> Storage:
        """What this tensor shares with others, made when it is first needed. (PyTorch's `storage()` is in
        ops/geometry.py.)"""
        storage = self._storage
        if storage is None:
            storage = self._storage = Storage(self.array)
        return storage

    @property
    def _version(self) -> int:
        return 0 if self._storage is None else self._storage.version

    def is_inference(self) -> bool:
        """Whether this tensor was made in inference mode, and is no view of one that was not."""
        return self._inference if self._base is None else self._base._inference

    @property
    def shape(self):
        """The sizes of the dimensions, a `Size`."""
        return make_size(self.array.shape)

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.kind.dtype

    @property
    def device(self) -> Device:
        """Where the memory is."""
        return self.kind.device


_class: type = TensorBase
_new: Callable[[type], Any] = object.__new__


def register(cls: type) -> type:
    """Class decorator: `wrap` makes tensors of this class from now on."""
    global _class
    _class = cls
    return cls


def make_with(make: Callable[[type], Any] | None) -> None:
    """Let `wrap` make tensors by this function, or plainly again: how inference mode marks them, at no cost to
    other modes."""
    global _new
    _new = make or object.__new__


def wrap(array: Any, kind: Kind) -> Tensor:
    """A new tensor on `array`, which no other tensor uses."""
    tensor: Any = _new(_class)
    tensor.array, tensor.kind = array, kind
    return tensor


def empty(shape: tuple[int, ...], kind: Kind) -> Tensor:
    """A new contiguous tensor, not initialised, of this dtype and on this device."""
    return wrap(empty_array(shape, kind), kind.flat)


def empty_array(shape: tuple[int, ...], kind: Kind) -> Any:
    """The memory of such a tensor."""
    if kind.cpu:
        return memory.empty(shape, kind.numpy)
    return cuda_array.DeviceArray.empty(shape, kind.numpy, kind.device.index or 0)


def fill(array: np.ndarray, value: Number) -> None:
    """Set all elements of a contiguous array on the CPU, a large one on all threads."""
    if array.nbytes >= memory.LARGE:
        filling.fill(array, value)
    else:
        array.fill(value)


def alias(source: TensorBase, array: Any = None) -> Tensor:
    """A tensor on the memory of `source` that is not on the tape; changes in place count for both."""
    if array is None:
        array, kind = source.array, source.kind
    else:
        kind = kind_of(array, source.kind)
    tensor = wrap(array, kind)
    tensor._storage = source.memory
    if tensor._inference or source._inference:
        tensor._inference = source.is_inference()
    return tensor


def weighed(operand: TensorBase | Number) -> tuple[DType, int]:
    """The dtype of an operand, and what it counts for in `dtype.result_dtype`."""
    if isinstance(operand, TensorBase):
        return operand.kind.dtype, DIMENSIONED if operand.array.ndim else ZERO_DIM
    return number_dtype(operand), NUMBER


def kind_of(array: Any, like: Kind) -> Kind:
    """The kind of a view `array` of memory of kind `like`."""
    return like.flat if array.flags.c_contiguous else like.strided


def address(array: Any) -> int:
    """Where the first element is."""
    return array.__array_interface__["data"][0] if isinstance(array, np.ndarray) else array.address
