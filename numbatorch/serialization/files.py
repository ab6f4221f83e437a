"""Files: new ones that replace the old when they are complete, and what is wrong with damaged ones."""

from __future__ import annotations

import ctypes
import io
import mmap
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import IO, Any

import numpy as np

Path = str | os.PathLike
_PIECE = 4 << 20  # bytes that are sent to the disk at a time
_SYNC_FILE_RANGE_WRITE = 2  # of Linux's fcntl.h: begin, and do not wait


class Damaged(Exception):
    """What is wrong with a file."""


@contextmanager
def damage_in(name: str, what: str) -> Iterator[None]:
    """Says of errors inside that they are the fault of the file `name`, which should be a `what`."""
    try:
        yield
    except Damaged as damage:
        raise RuntimeError(f"{name}: {damage}") from None
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise RuntimeError(f"{name}: not a {what}, or a damaged one ({error!r})") from error
    except MemoryError as error:
        raise RuntimeError(f"{name}: not a {what}, or one for which memory does not suffice") from error


@contextmanager
def replacing(path: Path, size: int = 0) -> Iterator[IO[bytes]]:
    """A new file that takes the place of the one at `path` when all has gone well and is on the disk.

    It will be `size` bytes large at least: where the disk has no room for them, that is said before anything is written.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    temporary = f"{path}.{secrets.token_hex(4)}.tmp"
    try:
        with io.BufferedWriter(_Sent(temporary, "xb")) as file:
            if size > 1 << 16 and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # half the time of letting the file grow
            yield file
            file.flush()
            _leave_memory(path)  # while the disk is what is waited for
            os.fsync(file.fileno())
        _put_in_place(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


class _Sent(io.FileIO):
    """A file whose first bytes are on their way to the disk while the next are written: little is left for `fsync`, which
    else would take as long as the writing."""

    _begun = 0  # how many bytes are on their way

    def write(self, data: Any) -> int:
        count = super().write(memoryview(data)[:_PIECE])  # the buffer above this file comes with the rest
        here = self.tell()
        if here - self._begun >= _PIECE and (sync := _sync_file_range()) is not None:
            sync(self.fileno(), self._begun, here - self._begun, _SYNC_FILE_RANGE_WRITE)
            self._begun = here
        return count


@cache
def _sync_file_range() -> Any:
    """Linux's function, None where there is none."""
    function = getattr(ctypes.CDLL(None), "sync_file_range", None) if sys.platform == "linux" else None
    if function is not None:
        function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return function


def _leave_memory(path: str) -> None:
    """Let go of what the system keeps in memory of a large file that will be replaced: that need not be freed then."""
    old = _opened_if_large(path)
    if old is not None:
        with suppress(AttributeError, OSError):  # macOS has no such function
            os.posix_fadvise(old, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(old)


def _put_in_place(new: str, path: str) -> None:
    """Rename `new` to `path`. To free the blocks of a large old file takes longer than to write the new one, so that is
    left to a thread: the blocks stay as long as somebody has the file open."""
    old = _opened_if_large(path)
    os.replace(new, path)
    if old is not None:
        threading.Thread(target=os.close, args=(old,), name="numbatorch-free-file").start()


def _opened_if_large(path: str) -> int | None:
    if os.name == "posix":
        with suppress(OSError):
            if os.path.getsize(path) > 1 << 22:
                return os.open(path, os.O_RDONLY)
    return None


def in_large_pages(file: io.BytesIO) -> None:
    """Let the memory of a buffer that goes on growing come in large pages: small ones, one after another, take longer than to
    fill them. All that malloc has mapped for the buffer is told so, or it could no longer grow where it is."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return
    with file.getbuffer() as view:
        start = np.frombuffer(view, np.uint8).ctypes.data
    start -= bytes.__basicsize__ - 1  # the bytes object that holds it
    # The object, its buffer and malloc's words.
    size = sys.getsizeof(file) - sys.getsizeof(io.BytesIO()) + 2 * ctypes.sizeof(ctypes.c_size_t)
    first, last = start // mmap.PAGESIZE, -(-(start + size) // mmap.PAGESIZE)
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    advise(first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE, mmap.MADV_HUGEPAGE)
