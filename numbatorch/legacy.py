"""PyTorch's old type names: `FloatTensor(2, 3)`, `torch.cuda.LongTensor`, `x.type("torch.DoubleTensor")`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import ops
from numbatorch.autograd.node import type_name
from numbatorch.base import Kind, TensorBase
from numbatorch.device import CPU, set_default_device
from numbatorch.device import device as Device
from numbatorch.dtype import DType

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


class TensorType:
    """A tensor type by dtype and device: called, it makes tensors; `isinstance(x, torch.FloatTensor)` asks
    for them."""

    def __init__(self, dtype: DType, device: str):
        self.dtype, self.device = dtype, device
        self.__name__ = type_name(Kind.of(dtype, CPU if device == "cpu" else Device("cuda", 0))).rpartition(
            "."
        )[2]
        self.is_cuda = device == "cuda"

    def __call__(self, *args: Any) -> Tensor:
        if not args:
            return ops.empty(0, dtype=self.dtype, device=self.device)
        if all(isinstance(a, int) for a in args):
            return ops.empty(*args, dtype=self.dtype, device=self.device)
        if len(args) == 1 and isinstance(args[0], tuple) and type(args[0]) is not tuple:
            return ops.empty(args[0], dtype=self.dtype, device=self.device)
        if (
            len(args) == 1
            and isinstance(args[0], TensorBase | np.ndarray)
            and args[0].dtype not in (self.dtype, self.dtype.numpy)
        ):
            raise TypeError(f"expected {self} (got {args[0].dtype})")
        return ops.tensor(*args, dtype=self.dtype, device=self.device)

    def __instancecheck__(self, instance: Any) -> bool:
        return (
            isinstance(instance, TensorBase)
            and instance.dtype is self.dtype
            and instance.device.type == self.device
        )

    def __repr__(self) -> str:
        return f"torch.{'cuda.' if self.is_cuda else ''}{self.__name__}"


(
    FloatTensor,
    DoubleTensor,
    HalfTensor,
    BFloat16Tensor,
    LongTensor,
    IntTensor,
    ShortTensor,
    CharTensor,
    ByteTensor,
    BoolTensor,
) = (
    TensorType(d, "cpu")
    for d in (
        dt.float32,
        dt.float64,
        dt.float16,
        dt.bfloat16,
        dt.int64,
        dt.int32,
        dt.int16,
        dt.int8,
        dt.uint8,
        dt.bool,
    )
)

CUDA_TYPES = {
    t.__name__: TensorType(t.dtype, "cuda")
    for t in (
        FloatTensor,
        DoubleTensor,
        HalfTensor,
        BFloat16Tensor,
        LongTensor,
        IntTensor,
        ShortTensor,
        CharTensor,
        ByteTensor,
        BoolTensor,
    )
}


def parse_type(name: Any) -> dict[str, Any]:
    """The arguments of `to` that a dtype, a tensor type or the name of one means. Raises ValueError for an
    unknown name."""
    if isinstance(name, TensorType):
        return {"dtype": name.dtype, "device": name.device}
    if not isinstance(name, str):
        return {"dtype": dt.as_dtype(name)}
    module, _, short = name.rpartition(".")
    if short not in CUDA_TYPES or module not in ("torch", "torch.cuda", "numbatorch", "numbatorch.cuda"):
        raise ValueError(f"invalid type: '{name}'")
    return {"dtype": CUDA_TYPES[short].dtype, "device": "cuda" if module.endswith("cuda") else "cpu"}


def set_default_tensor_type(t: Any) -> None:
    """Make the dtype and the device of a tensor type the default. Deprecated, as in PyTorch: use
    `set_default_dtype` and `set_default_device`. Raises TypeError for types of integers."""
    where = parse_type(t) if isinstance(t, str | TensorType) else {}
    if "dtype" not in where or not where["dtype"].is_floating_point:
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    warnings.warn(_DEFAULT_TYPE, UserWarning, stacklevel=2)
    dt.set_default_dtype(where["dtype"])
    set_default_device(where.get("device", "cpu"))


_DEFAULT_TYPE = (
    "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
    "torch.set_default_device() as alternatives."
)
