"""PyTorch's own format, .pt and .pth: an archive of one pickle and of the memory that its tensors lie in.

data.pkl                what there is, in a pickle whose tensors say: 3 x 4 elements of "data/0", from the sixth on
data/0, data/1 ...      memory, each once however many tensors share it
byteorder, version      of the writer's machine, of the format
"""

from __future__ import annotations

import mmap as memory_map
import os
import sys
from functools import partial
from typing import IO, Any

import numpy as np

from numbatorch.base import Storage
from numbatorch.device import CPU
from numbatorch.dtype import uint8
from numbatorch.serialization.archive import ALIGNMENT, Archive, ArchiveWriter
from numbatorch.serialization.checksum import Jobs, crc32_of
from numbatorch.serialization.files import Damaged, Path, damage_in, replacing
from numbatorch.serialization.locations import MapLocation, Misplaced, misplaced, placer, stays
from numbatorch.serialization.pickling import Pickler
from numbatorch.serialization.trusted import LoadedStorage, StorageType, give_state, lookup
from numbatorch.serialization.unpickling import Unpickler, UnpicklingError
from numbatorch.storage import UntypedStorage
from numbatorch_kernels import memory

_BYTE = np.dtype(np.uint8)
_NEVER_RUN = (
    "numbatorch never runs code that a file brings, with weights_only=False neither: that admits whole modules and dataclasses "
    "which the program has imported. Any class that you trust is admitted by torch.serialization.add_safe_globals."
)


def write(obj: Any, target: Path | IO[bytes]) -> None:
    """Write `obj` to a path or into an open file."""
    pickler = Pickler(obj)
    if isinstance(target, str | os.PathLike):
        stem = os.path.splitext(os.path.basename(os.fspath(target)))[0]
        with replacing(target, sum(storage.nbytes() for storage in pickler.memories)) as file:
            _write(pickler, file, stem or "archive")
    else:
        _write(pickler, target, "archive")
        if hasattr(target, "flush"):
            target.flush()


def _write(pickler: Pickler, file: IO[bytes], folder: str) -> None:
    records = [memoryview(storage.cpu().bytes()) for storage in pickler.memories]
    with Jobs() as jobs:
        checksums = [jobs.crc32(len(record), crc32_of(record)) for record in records]
        archive = ArchiveWriter(file, folder)
        archive.write("data.pkl", pickler.data)
        archive.write(".format_version", b"1")
        archive.write(".storage_alignment", str(ALIGNMENT).encode())
        archive.write("byteorder", sys.byteorder.encode())
        for number, (record, crc) in enumerate(zip(records, checksums)):
            archive.write(f"data/{number}", record, crc)
        archive.finish()


def read(file: IO[bytes], name: str, map_location: MapLocation, mmap: bool, whole: bool) -> Any:
    """The object in an open file, which errors call `name`; with `whole`, modules may be in it. Raises UnpicklingError for what is not to be trusted,
    RuntimeError for damage."""
    placer(map_location)  # an error of its type is none of the file
    try:
        with damage_in(name, "checkpoint"), Jobs() as jobs:
            archive = Archive(file)
            _check(archive)
            unread = _Unread(archive, jobs)
            memories = _Memories(archive, unread, map_location, file if mmap else None)
            obj = Unpickler(
                archive.read("data.pkl"), partial(lookup, whole=whole), memories.load_id, give_state
            ).load()
            unread.read()
    except UnpicklingError as error:
        raise UnpicklingError(f"Weights only load failed. {name}: {error}\n{_NEVER_RUN}") from error.__cause__
    except Misplaced as error:
        raise error.error from None
    file.seek(0, os.SEEK_END)
    return obj


def _check(archive: Archive) -> None:
    """Raises Damaged for an archive that is no checkpoint."""
    if "constants.pkl" in archive.records:
        raise Damaged(
            "a TorchScript archive holds a program: save the module's state_dict() with PyTorch instead"
        )
    for record in ("data.pkl", "version"):
        if record not in archive.records:
            raise Damaged(f"PytorchStreamReader failed locating file {record}: file not found")
    for record in archive.records:
        if not record.startswith("data/"):
            archive.read(record)
    version = archive.read("version").strip()
    if not version.isdigit() or not 1 <= int(version[:4]) <= 10:
        raise Damaged(f"the archive is of version {version!r:.50}, and those up to 10 are known here")


class _Unread:
    """Records that are to be read together, and into what. It does not refer to the storages that refer to it: in a cycle the
    memory of what was loaded would stay until Python looks for those."""

    def __init__(self, archive: Archive, jobs: Jobs):
        self._archive, self._jobs = archive, jobs
        self._records: list[tuple[str, np.ndarray]] = []

    def add(self, record: str, array: np.ndarray) -> None:
        self._records.append((record, array))

    def read(self) -> None:
        """Read all of them. Raises Damaged where a checksum is not right."""
        self._archive.read_into(self._records, self._jobs)
        self._records.clear()


class _Memories:
    """The memory of an archive's tensors, each record read once when it is first asked for, or later with others."""

    def __init__(
        self,
        archive: Archive,
        unread: _Unread,
        map_location: MapLocation,
        mapped: IO[bytes] | None,
    ):
        self._archive, self._unread = archive, unread
        self._place, self._stays = placer(map_location), partial(stays, map_location)
        self._loaded: dict[str, LoadedStorage] = {}
        self._map = None
        if mapped is not None:
            self._map = np.frombuffer(
                memory_map.mmap(mapped.fileno(), 0, access=memory_map.ACCESS_COPY), np.uint8
            )
        order = archive.read("byteorder") if "byteorder" in archive.records else b"little"
        if order not in (b"little", b"big"):
            raise ValueError(f"Unknown endianness type: {order.decode()}")
        self._swapped = order.decode() != sys.byteorder

    def load_id(self, identity: Any) -> LoadedStorage:
        """The memory that a pickle calls ("storage", type, record, location, number of elements)."""
        if type(identity) is not tuple or len(identity) != 5 or identity[0] != "storage":
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {identity!r:.100}")
        _, kind, key, location, count = identity
        if (
            not isinstance(kind, StorageType)
            or type(key) is not str
            or type(location) is not str
            or type(count) is not int
        ):
            raise UnpicklingError(f"a storage is called {identity!r:.200}")
        dtype = kind.dtype or uint8
        size, found = count * dtype.itemsize, self._loaded.get(key)
        if found is None:
            found = self._loaded[key] = self._read(f"data/{key}", location, size, dtype)
        elif found.whole.size != size:
            raise UnpicklingError(
                f"the storage {key} has {found.whole.size} bytes, and a tensor says {count} elements of {dtype}"
            )
        if found.dtype is dtype:
            return found
        return LoadedStorage(found._storage, found.device, dtype, self._unread.read)

    def _read(self, record: str, location: str, size: int, dtype: Any) -> LoadedStorage:
        entry = self._archive.records.get(record)
        if entry is None:
            raise Damaged(f"PytorchStreamReader failed locating file {record}: file not found")
        if entry.size != size:
            raise Damaged(
                f"the record {record} has {entry.size} bytes, and the pickle says that it has {size}"
            )
        if self._map is not None and entry.start % dtype.itemsize == 0:
            array = self._map[entry.start : entry.start + size]
        else:
            array = memory.empty((size,), _BYTE)
            self._unread.add(record, array)
        if self._swapped and dtype.itemsize > 1:
            self._unread.read()
            part = dtype.to_real().numpy if dtype.is_complex else dtype.numpy
            array = array.view(part).byteswap().view(np.uint8)
        if self._stays(location):
            return LoadedStorage(Storage(array), CPU, dtype, self._unread.read)
        self._unread.read()  # it may be about to be moved
        with misplaced():
            placed = self._place(UntypedStorage(Storage(array), CPU), location)
        return LoadedStorage(placed._storage, placed.device, dtype, self._unread.read)
