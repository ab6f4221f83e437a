"""Names for type hints: `torch.types.Device`, `Number`, `FileLike` ..."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO

from numbatorch.device import device as _device
from numbatorch.dtype import DType as _dtype
from numbatorch.layout import layout as _layout
from numbatorch.nn.parameter import Parameter as Parameter
from numbatorch.shape import Size as Size
from numbatorch.storage import TypedStorage, UntypedStorage
from numbatorch.tensor import Tensor as Tensor

_int, _float, _bool, _complex, _str, _bytes = (
    builtins.int, builtins.float, builtins.bool, builtins.complex, builtins.str, builtins.bytes,
)  # fmt: skip
_size = Size | list[builtins.int] | tuple[builtins.int, ...]

Number = builtins.int | builtins.float | builtins.bool
Device = _device | str | builtins.int | None
FileLike = str | os.PathLike[str] | IO[bytes]
Storage = TypedStorage | UntypedStorage
IntLikeType = builtins.int
FloatLikeType = builtins.float
BoolLikeType = builtins.bool
_TensorOrTensors = Tensor | Sequence[Tensor]

__all__ = [
    "Device",
    "FileLike",
    "Number",
    "Size",
    "Storage",
    "Tensor",
    "_device",
    "_dtype",
    "_layout",
    "_size",
]
