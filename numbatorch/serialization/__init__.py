"""`save` and `load`: PyTorch's own files, safetensors and NumPy's .npz.

Nothing that a file says is ever executed, whoever made it: `load` knows what checkpoints are made of, and refuses
everything else.
"""

from __future__ import annotations

import io
import os
import struct
from types import ModuleType
from typing import IO, Any

from numbatorch.serialization import checkpoint, npz, tensorfile
from numbatorch.serialization.files import Path, replacing
from numbatorch.serialization.locations import MapLocation as MapLocation
from numbatorch.serialization.trusted import add_safe_globals as add_safe_globals
from numbatorch.serialization.trusted import clear_safe_globals as clear_safe_globals
from numbatorch.serialization.trusted import get_safe_globals as get_safe_globals
from numbatorch.serialization.trusted import safe_globals as safe_globals

_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how PyTorch's files began until version 1.6
_OLD = (
    "this is PyTorch's format from before version 1.6, which only PyTorch reads: torch.save(torch.load(path), path) "
    "with PyTorch makes a file of today's"
)


def save(
    obj: Any,
    f: Path | IO[bytes],
    pickle_module: ModuleType | None = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write `obj` to a path or into an open file: tensors, numbers, strings, lists, dicts ... in any nesting, as
    state dicts of modules and optimizers are.

    The name decides on the format: `.safetensors` and `.npz` (a dict of tensors) are these, everything else is
    PyTorch's own, which PyTorch reads. At a path, the new file takes the place of an old one only when it is complete and on
    the disk. Tensors that share memory are written once, and share it again when loaded; views take all the memory that
    they are a part of with them. `pickle_module` and `pickle_protocol` make no difference.

    Of a module, save the `state_dict()`. A whole module is written as PyTorch writes it, with the names of its classes: it can be
    read only where they are found under the same names.

    Raises TypeError for what cannot be written.

    >>> save({"model": net.state_dict(), "epoch": 3}, path)
    >>> load(path)["epoch"]
    3
    """
    path = os.fspath(f) if isinstance(f, str | os.PathLike) else None
    if path is None and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    if not _use_new_zipfile_serialization:
        raise ValueError(f"_use_new_zipfile_serialization=False: {_OLD}")
    ending = os.path.splitext(path or str(getattr(f, "name", "")))[1]
    write = {".safetensors": tensorfile.write, ".npz": npz.write}.get(ending)
    if write is None:
        checkpoint.write(obj, f)
    elif path is not None:
        with replacing(path) as file:
            write(obj, file)
    else:
        write(obj, f)  # type: ignore[arg-type]


def load(
    f: Path | IO[bytes],
    map_location: MapLocation = None,
    pickle_module: ModuleType | None = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save` or PyTorch's `torch.save` has written, or a dict of tensors from safetensors and .npz files.

    map_location    where tensors go: a device, a dict from their former device to another, or a function of
                    the storage (on the CPU) and its former device, such as `lambda storage, location: storage`;
                    None puts them back where they were
    weights_only    False admits whole modules: of their classes, and of dataclasses, those that the program has imported.
                    Nothing that a file names is ever run in any case, and nothing imported. Other classes that a file of
                    your own needs are admitted by `torch.serialization.add_safe_globals`
    mmap            map the file into memory instead of reading it, which takes no time: its pages come when they are
                    used, and are not checked for damage

    Raises UnpicklingError for files that name what checkpoints are not made of, RuntimeError for damaged ones and those
    of other formats. `pickle_module` and its arguments make no difference.
    """
    whole = weights_only is False
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            return _load(file, os.fspath(f), map_location, bool(mmap), whole)
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument")
    try:
        f.seek(f.tell())
    except (io.UnsupportedOperation, AttributeError) as error:
        raise type(error)(
            f"{error}. You can only torch.load from a file that is seekable."
            " Please pre-load the data into a buffer like io.BytesIO and"
            " try to load from it instead."
        ) from None
    return _load(f, str(getattr(f, "name", "the file")), map_location, False, whole)


def _load(file: IO[bytes], name: str, map_location: MapLocation, mmap: bool, whole: bool) -> Any:
    begin = file.tell()
    start = file.read(512)
    file.seek(begin)
    if start[:2] == b"PK":
        if _first_record(start).endswith(b".npy"):
            return npz.read(file, name, map_location)
        return checkpoint.read(file, name, map_location, mmap, whole)
    if start.startswith(_LEGACY) or start[257:262] == b"ustar":
        raise RuntimeError(f"{name}: {_OLD}")
    if start[:1] == b"\x80" and start[1:2] <= b"\x05" and start[4:8] != bytes(4):
        raise RuntimeError(
            f"{name}: this is a bare pickle, and no checkpoint; it may hold a program, and is not read"
        )
    return tensorfile.read(file, name, map_location)


def _first_record(start: bytes) -> bytes:
    if len(start) < 30:
        return b""
    (size,) = struct.unpack_from("<H", start, 26)
    return start[30 : 30 + size]
