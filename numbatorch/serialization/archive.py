"""The container of PyTorch's format: a zip file whose records are not compressed and start at multiples of 64 bytes.

What is written is, byte for byte, what PyTorch's writer makes. What is read may come from anywhere: every record lies
inside the file, none overlaps another, all have their checksum, or the file is refused before anything is allocated.

    local header, name, padding     for each record,
    data                            aligned;
    checksum and sizes              "data descriptor"
    directory                       what the records are called and where they are
    end                             where the directory is

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT describes zip files.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import IO, NamedTuple

import numpy as np

from numbatorch.serialization.checksum import Jobs, crc32_for, read_checked
from numbatorch.serialization.files import Damaged, in_large_pages

ALIGNMENT = 64
_LARGE = 0xFFFFFFFF  # sizes and offsets from here on stand in 64 bits elsewhere
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_ENTRY = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_END64 = struct.Struct("<IQHHIIQQQQ")
_END64_PLACE = struct.Struct("<IIQI")
_DESCRIPTOR, _DESCRIPTOR64 = struct.Struct("<IIII"), struct.Struct("<IIQQ")
_DESCRIBED, _UTF8 = 0x0008, 0x0800  # flags
# Bytes from which on malloc gives a buffer pages of its own: usually, and always.
_MAPPED = (1 << 20, 33 << 20)
_AT_ONCE = 1 << 30  # bytes that the operating system gives in one call
_NO_DIRECTORY = "PytorchStreamReader failed reading zip archive: failed finding central directory"


# ---- writing


class ArchiveWriter:
    """Writes records one after another into `file`, under the folder `name`."""

    def __init__(self, file: IO[bytes], name: str):
        self._file, self._folder, self._position = file, name, 0
        self._directory: list[bytes] = []
        self._identity = hashlib.blake2b(digest_size=16)

    def write(self, name: str, data: bytes | memoryview, crc: Callable[[], int] | None = None) -> None:
        """Add a record; `crc` gives its checksum if that is being computed already."""
        path, size, start = f"{self._folder}/{name}".encode(), len(data), self._position
        flags = _UTF8 | (_DESCRIBED if size else 0)
        wide = [size, size] * (size >= _LARGE) + [start] * (start >= _LARGE)
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        padding = -(start + _LOCAL.size + len(path) + len(extra) + 4) % ALIGNMENT
        padded = extra + struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        self._put(_LOCAL.pack(0x04034B50, 0, flags, 0, 0, 0, 0, 0, 0, len(path), len(padded)) + path + padded)
        self._put(data)
        checksum = zlib.crc32(data) if crc is None else crc()
        if size:
            descriptor = _DESCRIPTOR64 if size >= _LARGE or start >= _LARGE else _DESCRIPTOR
            self._put(descriptor.pack(0x08074B50, checksum, size, size))
        short = min(size, _LARGE)
        entry = _ENTRY.pack(
            0x02014B50, 0, 0, flags, 0, 0, 0, checksum, short, short, len(path), len(extra), 0, 0, 0, 0, min(start, _LARGE)
        )  # fmt: skip
        self._directory.append(entry + path + extra)
        self._identity.update(path + struct.pack("<I", checksum))

    def finish(self) -> None:
        """Write what stands at the end."""
        self.write("version", b"3\n")
        identity = str(int.from_bytes(self._identity.digest(), "little")).zfill(40)[:40]
        self.write(".data/serialization_id", identity.encode())
        start, count, directory = self._position, len(self._directory), b"".join(self._directory)
        size, short_count = len(directory), min(count, 0xFFFF)
        self._put(directory)
        end = self._position
        self._put(_END64.pack(0x06064B50, 44, 0x031E, 45, 0, 0, count, count, size, start))
        self._put(_END64_PLACE.pack(0x07064B50, 0, end, 1))
        self._put(
            _END.pack(0x06054B50, 0, 0, short_count, short_count, min(size, _LARGE), min(start, _LARGE), 0)
        )

    def _put(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        before, self._position = self._position, self._position + len(data)
        if type(self._file) is io.BytesIO and any(before < limit <= self._position for limit in _MAPPED):
            in_large_pages(self._file)


# ---- reading


def _descriptor(file: IO[bytes]) -> int | None:
    """The number of a file on a disk that may be read at any position; None for other files."""
    raw = file.raw if isinstance(file, io.BufferedReader) else file
    return raw.fileno() if isinstance(raw, io.FileIO) and hasattr(os, "preadv") else None


class Record(NamedTuple):
    """Where a record's data are."""

    start: int  # in the file, from the archive's first byte
    size: int
    crc: int


class Entry(NamedTuple):
    """What the directory says of a record."""

    header: int  # where its local header is
    size: int
    crc: int
    path: bytes
    flags: int


class Archive:
    """The records of an archive in `file`, from its present position to its end, by their names without the folder.

    Raises Damaged for a file that is not wholly in order.
    """

    def __init__(self, file: IO[bytes]):
        self._file, self._begin = file, file.tell()
        self._lock = threading.Lock()
        self._descriptor = _descriptor(file)
        self.size = file.seek(0, os.SEEK_END) - self._begin
        self.records: dict[str, Record] = {}
        directory, size, count = self._find_directory()
        entries = self._entries(directory, size, count)
        folder = _text(entries[0].path).partition("/")[0] if entries else ""
        end, name, ending = 0, "", b""  # of the record before
        for entry in sorted(entries):
            header = self._next(end, name, ending, entry.header, _LOCAL.size + len(entry.path))
            path = _text(entry.path)
            own_folder, _, name = path.partition("/")
            if own_folder != folder or not name or name in self.records:
                raise Damaged(f"the file is damaged: its directory names '{path}' where it cannot be")
            start = entry.header + _header_size(header, entry)
            self.records[name] = Record(start, entry.size, entry.crc)
            end, ending = start + entry.size, _ending(entry)
        self._next(end, name, ending, directory, 0)

    def _next(self, end: int, name: str, ending: bytes, following: int, size: int) -> bytes:
        """The first `size` bytes of what follows the record `name`, whose data end at `end` and have `ending` after them."""
        if end + len(ending) > following:
            raise Damaged(f"the file is damaged: record '{name}' reaches into what follows it")
        between = self._bytes(end, following + size - end)
        if not between.startswith(ending):
            raise Damaged(f"the file is damaged: record '{name}' does not end as its directory says")
        return between[following - end :]

    def read(self, name: str) -> bytes:
        """The data of a record, which agree with their checksum."""
        record = self.records[name]
        data = self._bytes(record.start, record.size)
        self.check(name, zlib.crc32(data))
        return data

    def check(self, name: str, crc: int) -> None:
        """Raises Damaged if `crc` is not the record's checksum."""
        if crc != self.records[name].crc:
            raise Damaged(
                f"PytorchStreamReader failed reading file {name}: the file is damaged, the record's checksum is "
                f"{crc:08x} and should be {self.records[name].crc:08x}"
            )

    def read_into(self, wanted: Sequence[tuple[str, np.ndarray]], jobs: Jobs) -> None:
        """Read records into arrays of bytes of their sizes. Raises Damaged where one has not its checksum."""
        checksums = None
        if self._descriptor is not None:
            places = [(array, self._begin + self.records[name].start) for name, array in wanted]
            checksums = read_checked(self._descriptor, places)
        if checksums is None:
            waiting = [jobs.crc32(len(array), self._reader(name, array)) for name, array in wanted]
            checksums = [crc() for crc in waiting]
        for (name, _), crc in zip(wanted, checksums):
            self.check(name, crc)

    def _reader(self, name: str, array: np.ndarray) -> Callable[[int, int], int]:
        """For `Jobs.crc32`: reads and checksums parts of a record."""
        record, view = self.records[name], memoryview(array.data)
        crc32 = crc32_for(record.size)

        def piece(start: int, stop: int) -> int:
            crc = 0
            for position in range(start, stop, 1 << 20):  # so much stays in the cache
                part = view[position : min(position + (1 << 20), stop)]
                self._fill(part, record.start + position)
                crc = crc32(part, crc)
            return crc

        return piece

    def _bytes(self, start: int, size: int) -> bytes:
        if start < 0 or start + size > self.size:
            raise Damaged(_NO_DIRECTORY + " (the file is damaged, or not complete)")
        if self._descriptor is not None and size <= _AT_ONCE:
            data = os.pread(self._descriptor, size, self._begin + start)
        else:
            with self._lock:
                self._file.seek(self._begin + start)
                data = self._file.read(size)
        if len(data) < size:
            raise Damaged(f"the file is damaged: it ends after {start + len(data)} of {start + size} bytes")
        return data

    def _fill(self, view: memoryview, start: int) -> None:
        filled = 0
        while filled < len(view):
            count = self._read_some(view[filled:], self._begin + start + filled)
            if not count:
                raise Damaged(f"the file is damaged: it ends after {start + filled} bytes")
            filled += count

    def _read_some(self, view: memoryview, position: int) -> int:
        if self._descriptor is not None:  # threads read at the same time
            return os.preadv(self._descriptor, [view], position)
        with self._lock:
            self._file.seek(position)
            return self._file.readinto(view)  # type: ignore[attr-defined]

    def _find_directory(self) -> tuple[int, int, int]:
        """Where the directory is, its size, and how many entries it has."""
        tail_size = min(self.size, 0x10000 + _END.size + _END64_PLACE.size)
        tail = self._bytes(self.size - tail_size, tail_size)
        place = tail.rfind(b"PK\x05\x06")
        if place < 0 or place + _END.size > len(tail):
            raise Damaged(_NO_DIRECTORY + " (the file is damaged, or not complete)")
        _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(tail, place)
        end = self.size - tail_size + place
        if place + _END.size + comment != len(tail) or disk or first_disk or here != count:
            raise Damaged(_NO_DIRECTORY + " (the file is damaged, or not complete)")
        if place >= _END64_PLACE.size and tail[place - _END64_PLACE.size :][:4] == b"PK\x06\x07":
            _, disk, end64, disks = _END64_PLACE.unpack_from(tail, place - _END64_PLACE.size)
            fields = _END64.unpack(self._bytes(end64, _END64.size))
            short = (
                min(fields[6], 0xFFFF),
                min(fields[7], 0xFFFF),
                min(fields[8], _LARGE),
                min(fields[9], _LARGE),
            )
            if (
                fields[0] != 0x06064B50
                or short != (here, count, size, start)
                or disk
                or disks != 1
                or end64 > end
            ):
                raise Damaged(_NO_DIRECTORY + " (the file is damaged: its two ends contradict each other)")
            count, size, start, end = *fields[7:], end64
        if start + size != end or count * _ENTRY.size > size:
            raise Damaged(_NO_DIRECTORY + " (the file is damaged: the directory is not where it should be)")
        return start, size, count

    def _entries(self, start: int, size: int, count: int) -> list[Entry]:
        """What the directory says, which begins at `start`."""
        data, at, entries = self._bytes(start, size), 0, []
        for _ in range(count):
            if at + _ENTRY.size > size:
                raise Damaged("the file is damaged: its directory ends in an entry")
            (
                mark, _, _, flags, method, _, _, crc, stored, length, name_size, extra_size, comment_size, _, _, _, header,
            ) = _ENTRY.unpack_from(data, at)  # fmt: skip
            at += _ENTRY.size
            path, extra = data[at : at + name_size], data[at + name_size : at + name_size + extra_size]
            at += name_size + extra_size + comment_size
            if mark != 0x02014B50 or at > size:
                raise Damaged("the file is damaged: its directory has no entry where one should be")
            if _LARGE in (length, stored, header):
                length, stored, header = _wide(extra, length, stored, header, path)
            if flags & 0x0041:
                raise Damaged(f"record '{_text(path)}' is encrypted")
            if method or stored != length:
                raise Damaged(
                    f"record '{_text(path)}' is compressed, or damaged: PyTorch writes records as they are"
                )
            if header + _LOCAL.size + length > start:
                raise Damaged(
                    f"the file is damaged: record '{_text(path)}', {length} bytes, is larger than its place"
                )
            entries.append(Entry(header, length, crc, path, flags))
        if at != size:
            raise Damaged("the file is damaged: its directory does not end where it should")
        return entries


def _header_size(header: bytes, entry: Entry) -> int:
    """How many bytes the local header has, which must say what the directory says: `header` begins with it and the name."""
    mark, _, flags, method, _, _, crc, stored, length, name_size, extra_size = _LOCAL.unpack_from(header)
    told, size = (crc, stored, length), min(entry.size, _LARGE)
    if (
        mark != 0x04034B50
        or flags != entry.flags
        or method
        or name_size != len(entry.path)
        or header[_LOCAL.size :] != entry.path
        or not (
            told == (entry.crc, size, size)
            or (flags & _DESCRIBED and told == (0, 0, 0))
            or stored == length == _LARGE
        )
    ):
        raise Damaged(
            f"the file is damaged: record '{_text(entry.path)}' does not begin as its directory says"
        )
    return _LOCAL.size + name_size + extra_size


def _ending(entry: Entry) -> bytes:
    """The data descriptor after the record's data, if there is one."""
    if not entry.flags & _DESCRIBED:
        return b""
    descriptor = _DESCRIPTOR64 if entry.size >= _LARGE or entry.header >= _LARGE else _DESCRIPTOR
    return descriptor.pack(0x08074B50, entry.crc, entry.size, entry.size)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def _wide(extra: bytes, length: int, stored: int, header: int, path: bytes) -> tuple[int, int, int]:
    """Sizes of an entry and place of its header; those that do not fit in 32 bits stand in `extra`."""
    fields = [length, stored, header]
    at = 0
    while at + 4 <= len(extra):
        what, size = struct.unpack_from("<HH", extra, at)
        if what == 1:
            numbers = extra[at + 4 : at + 4 + size]
            for k, field in enumerate(fields):
                if field == _LARGE:
                    if len(numbers) < 8:
                        raise Damaged(f"the file is damaged: the size of record '{_text(path)}' is missing")
                    (fields[k],) = struct.unpack_from("<Q", numbers)
                    numbers = numbers[8:]
        at += 4 + size
    return fields[0], fields[1], fields[2]
