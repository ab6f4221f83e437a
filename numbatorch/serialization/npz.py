"""NumPy's .npz: arrays by name."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from numbatorch import ops
from numbatorch.dtype import bfloat16
from numbatorch.serialization.files import Damaged, damage_in
from numbatorch.serialization.locations import MapLocation
from numbatorch.tensor import Tensor

_ROOM = 1 << 26  # bytes that any file may grow to when it is unpacked; beyond, a hundred times its size


def write(obj: Any, file: IO[bytes]) -> None:
    """Write a dict of tensors, arrays and numbers by their names. Raises TypeError for everything else."""
    if not isinstance(obj, Mapping) or not all(isinstance(name, str) for name in obj):
        raise TypeError(
            "an .npz file holds a dict of tensors by their names; save to .pt or .safetensors for anything else"
        )
    arrays = {}
    for name, value in obj.items():
        if isinstance(value, Tensor):
            if value.dtype is bfloat16:
                raise TypeError(
                    f"'{name}' is of bfloat16, which NumPy lacks: save x.float(), or to .pt or .safetensors"
                )
            value = ops.host(value.detach())
        if not isinstance(value, np.ndarray | np.generic | bool | int | float | complex):
            raise TypeError(f"an .npz file holds tensors, and '{name}' is of type {type(value).__name__}")
        arrays[name] = value
    np.savez(file, allow_pickle=False, **arrays)


def read(file: IO[bytes], name: str, map_location: MapLocation) -> dict[str, Tensor]:
    """The tensors in an open file, which errors call `name`."""
    begin = file.tell()
    size = file.seek(0, 2) - begin
    file.seek(begin)
    with damage_in(name, ".npz file"):
        try:
            with zipfile.ZipFile(file) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
                if unpacked > max(_ROOM, 100 * size):
                    raise Damaged(
                        f"it claims to be {unpacked} bytes when unpacked, {unpacked // size} times its size"
                    )
                for entry in archive.infolist():
                    _check_header(archive, entry)
            file.seek(begin)
            with np.load(file, allow_pickle=False) as arrays:
                found = {key: ops.tensor(arrays[key]) for key in arrays.files}
        except Damaged:
            raise
        except Exception as error:  # readers of zip files and of NumPy's headers raise a dozen kinds
            raise Damaged(f"the file is damaged: {error!r}") from None
    if map_location is None or callable(map_location):
        return found
    where = map_location.get("cpu", "cpu") if isinstance(map_location, Mapping) else map_location
    return {key: tensor.to(where) for key, tensor in found.items()}


def _check_header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Raises Damaged for an array that is not of the size of its record: NumPy would allocate what it claims."""
    with archive.open(entry) as record:
        version = np.lib.format.read_magic(record)
        header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(record)
        if dtype.hasobject:
            raise Damaged(f"the array '{entry.filename}' holds Python objects, which are not read")
        if math.prod(shape) * dtype.itemsize != entry.file_size - record.tell():
            raise Damaged(f"the array '{entry.filename}' is not of the size of its record")
