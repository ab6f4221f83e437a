"""Tensors, and the lists, dicts and numbers around them, in one safetensors file.

The file is what every reader of safetensors understands: tensors by name. What the names cannot say (nesting,
numbers, types of keys, which tensors are parameters) is JSON text in the header's metadata, under
"numbatorch". Reading it executes nothing, whoever made the file.

    8 bytes     length of the header, little-endian
    header      JSON: {"fc.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
                       "__metadata__": {...}}
    data        the tensors, contiguous and row-major, in the header's order

https://huggingface.co/docs/safetensors describes the format.
"""

from __future__ import annotations

import json
import math
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np

from numbatorch import base, ops
from numbatorch.base import Kind
from numbatorch.device import device
from numbatorch.dtype import ALL_DTYPES, DType, complex128
from numbatorch.nn.parameter import Parameter
from numbatorch.serialization.files import Damaged, damage_in
from numbatorch.serialization.locations import MapLocation, placer
from numbatorch.serialization.trusted import LoadedStorage, rebuild_tensor
from numbatorch.shape import Size
from numbatorch.storage import UntypedStorage
from numbatorch.tensor import Tensor

_CODES = {  # the format's names of the dtypes, by ours; it has none for complex128
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
    "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64", "complex64": "C64",
}  # fmt: skip
_BY_NAME = {dtype.name: dtype for dtype in ALL_DTYPES}
_BY_CODE = {code: _BY_NAME[name] for name, code in _CODES.items()}
_LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


def write(obj: Any, file: IO[bytes]) -> None:
    """Write `obj` into an open file. Raises TypeError for objects that it cannot hold."""
    writer = _Writer()
    notes = {"structure": writer.encode(obj, ()), "devices": writer.devices, "complex128": writer.complex128}
    _write(file, writer.arrays, {"format": "pt", "numbatorch": json.dumps(notes)})


# ---- the file ----


def _write(file: IO[bytes], arrays: dict[str, tuple[str, np.ndarray]], metadata: dict[str, str]) -> None:
    header: dict[str, Any] = {"__metadata__": metadata}
    ordered = sorted(arrays.items(), key=lambda item: -item[1][1].itemsize)  # so that every array is aligned
    end = 0
    for name, (code, array) in ordered:
        header[name] = {"dtype": code, "shape": array.shape, "data_offsets": (end, end + array.nbytes)}
        end += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for _, (_, array) in ordered:
        file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def read(file: IO[bytes], name: str, map_location: MapLocation) -> Any:
    """The object in an open file, which errors call `name`."""
    with damage_in(name, "safetensors file"):
        header = _read_header(file)
        metadata = header.pop("__metadata__", {})
        tensors = _read_tensors(file, header)
        notes = json.loads(metadata.get("numbatorch", "{}"))
        for key in notes.get("complex128", ()):
            pairs = tensors[key].array
            tensors[key] = base.wrap(pairs.view(np.complex128).reshape(pairs.shape[:-1]), Kind.of(complex128))
        devices = dict(notes.get("devices", {}))
    where = placer(map_location)
    tensors = {key: _place(tensor, devices.get(key, "cpu"), where) for key, tensor in tensors.items()}
    if "structure" not in notes:
        return {key: tensors[key] for key in header}
    with damage_in(name, "safetensors file"):
        return _decode(notes["structure"], tensors)


def _place(tensor: Tensor, location: str, where: Callable[[UntypedStorage, str], UntypedStorage]) -> Tensor:
    """The tensor, which was at `location` when it was saved, where `map_location` wants it."""
    storage = where(tensor.untyped_storage(), location)
    loaded = LoadedStorage(storage._storage, storage.device, tensor.dtype)
    return rebuild_tensor(loaded, 0, tensor.shape, tensor.stride())


def _read_header(file: IO[bytes]) -> dict[str, Any]:
    start = file.read(8)
    if len(start) < 8:
        raise Damaged("the file is damaged: it ends in the first 8 bytes" if start else "the file is empty")
    (length,) = struct.unpack("<Q", start)
    if length > _LONGEST_HEADER:
        raise Damaged(
            "not a safetensors file, or a damaged one: its first 8 bytes are not the length of a header"
        )
    text = file.read(length)
    if len(text) < length:
        raise Damaged(f"the file is damaged: it ends in the header, after {len(text)} of {length} bytes")
    return json.loads(text)


def _read_tensors(file: IO[bytes], header: dict[str, Any]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        kind, shape, (start, end) = (
            Kind.of(_dtype(entry["dtype"])),
            tuple(entry["shape"]),
            entry["data_offsets"],
        )
        if (
            start != position
            or end - start != math.prod(shape) * kind.numpy.itemsize
            or min(shape, default=0) < 0
        ):
            raise Damaged(
                f"the file is damaged: tensor '{name}', {entry['dtype']}{shape}, cannot be at bytes {start} "
                f"to {end}"
            )
        data = file.read(end - start)
        if len(data) < end - start:
            raise Damaged(
                f"the file is damaged: it ends in tensor '{name}', after {len(data)} of {end - start} bytes"
            )
        tensors[name] = base.empty(shape, kind)
        tensors[name].array[...] = np.frombuffer(data, kind.numpy).reshape(shape)
        position = end
    return tensors


def _dtype(code: str) -> DType:
    if code not in _BY_CODE:
        raise Damaged(f"tensors of type {code} are not supported")
    return _BY_CODE[code]


# ---- the structure ----
# JSON says null, true, numbers, strings and lists itself. Everything else is an object whose first key says
# what it is, such as
# {"dict": [[key, value], ...]} or {"tensor": "fc.weight", "parameter": true}.


class _Writer:
    """Turns an object into JSON's types, and collects the tensors in it by name."""

    def __init__(self) -> None:
        self.arrays: dict[str, tuple[str, np.ndarray]] = {}  # by name: the format's type, the data
        self.devices: dict[str, str] = {}  # by name, unless it is the CPU
        self.complex128: list[str] = []  # names of those that are written as pairs of float64
        self.names: dict[int, str] = {}  # by the identity of the memory
        self.memory: list[Any] = []  # so that identities stay true

    def encode(self, obj: Any, path: tuple[str, ...]) -> Any:
        """`obj`, which stands at `path`, in JSON's types."""
        if obj is None or isinstance(obj, bool | str):
            return obj
        if isinstance(obj, Tensor):
            flags = {"parameter": isinstance(obj, Parameter), "requires_grad": obj.requires_grad}
            return {"tensor": self.name(obj, path), **{flag: True for flag, value in flags.items() if value}}
        if isinstance(obj, int | np.integer):
            return int(obj)
        if isinstance(obj, float | np.floating):
            return float(obj) if math.isfinite(obj) else {"float": repr(float(obj))}
        if isinstance(obj, np.bool_):
            return bool(obj)
        if isinstance(obj, complex):
            return {"complex": repr(obj)}
        if isinstance(obj, DType):
            return {"dtype": obj.name}
        if isinstance(obj, device):
            return {"device": str(obj)}
        if isinstance(obj, Mapping):
            items = [
                [self.encode(key, path), self.encode(value, (*path, str(key)))] for key, value in obj.items()
            ]
            encoded = {"ordered" if isinstance(obj, OrderedDict) else "dict": items}
            if hasattr(obj, "_metadata"):  # the versions of modules in a state dict
                encoded["metadata"] = self.encode(obj._metadata, path)
            return encoded
        if isinstance(obj, list | tuple):
            items = [self.encode(item, (*path, str(place))) for place, item in enumerate(obj)]
            return items if isinstance(obj, list) else {"size" if isinstance(obj, Size) else "tuple": items}
        where = f" at '{'.'.join(path)}'" if path else ""
        advice = "; save its state_dict()" if hasattr(obj, "state_dict") else ""
        raise TypeError(
            f"save() cannot write an object of type {type(obj).__name__}{where}: it writes tensors, numbers, "
            f"strings, None, and dicts, lists and tuples of them{advice}"
        )

    def name(self, tensor: Tensor, path: tuple[str, ...]) -> str:
        """The name under which the tensor's memory is written."""
        memory = tensor.array
        if id(memory) in self.names:
            return self.names[id(memory)]
        name = wanted = ".".join(path) or "tensor"
        count = 1
        while name in self.arrays or name == "__metadata__":
            count += 1
            name = f"{wanted}#{count}"
        array, code = ops.host(tensor.detach()), _CODES.get(tensor.dtype.name)
        if code is None:  # complex128, which the format lacks
            array, code = np.ascontiguousarray(array).reshape(array.shape)[..., None].view(np.float64), "F64"
            self.complex128.append(name)
        if tensor.is_cuda:
            self.devices[name] = str(tensor.device)
        self.arrays[name] = code, array
        self.names[id(memory)] = name
        self.memory.append(memory)
        return name


def _decode(node: Any, tensors: dict[str, Tensor]) -> Any:
    """The object that `node` describes."""
    if isinstance(node, list):
        return [_decode(item, tensors) for item in node]
    if not isinstance(node, dict):
        return node
    what, content = next(iter(node.items()))
    match what:
        case "tensor":
            tensor, requires_grad = tensors[content].detach(), "requires_grad" in node
            if "parameter" in node:
                return Parameter(tensor, requires_grad)
            return tensor.requires_grad_(requires_grad)
        case "dict" | "ordered":
            items = [(_decode(key, tensors), _decode(value, tensors)) for key, value in content]
            made: Any = OrderedDict(items) if what == "ordered" else dict(items)
            if "metadata" in node:
                made._metadata = _decode(node["metadata"], tensors)
            return made
        case "tuple" | "size":
            return (tuple if what == "tuple" else Size)(_decode(item, tensors) for item in content)
        case "float":
            return float(content)
        case "complex":
            return complex(content)
        case "dtype":
            return _BY_NAME[content]
        case "device":
            return device(content)
    raise Damaged(f"the file is damaged, or of a later version of numbatorch: it holds a '{what}'")
