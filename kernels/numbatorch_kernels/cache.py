"""Where compiled kernels live between processes.

Everything goes to `$NUMBATORCH_CACHE_DIR`, else `$XDG_CACHE_HOME/numbatorch`, else `~/.cache/numbatorch`, in
a folder named by the hash of the source of this package and of the versions of Numba and Python: an edited
kernel, or an edited function that a kernel calls, is never served stale (Numba's own cache looks at the
kernel's file alone). A folder that cannot be written means no disk cache, never an error. Folders of versions
that no process has used for `UNUSED` days are removed when a new version makes its own.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

UNUSED = 30  # days


def root() -> Path:
    """The folder that holds every kernel cache of this user."""
    if folder := os.environ.get("NUMBATORCH_CACHE_DIR"):
        return Path(folder).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numbatorch"


@functools.cache
def fingerprint() -> str:
    """A hash of every source file of this package and of what compiles it."""
    import numba  # clear_cache needs none

    digest = hashlib.blake2b(f"{sys.version}|{numba.__version__}".encode(), digest_size=10)
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@functools.cache
def folder() -> Path | None:
    """This build's own cache folder, made if need be; None where nothing can be written."""
    path = root() / fingerprint()
    try:
        if path.is_dir():
            os.utime(path)  # used today
        else:
            path.mkdir(parents=True, exist_ok=True)
            _forget_unused()
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError:
        return path if path.is_dir() else None


def _versions() -> list[Path]:
    """The folders of all versions; other things that the user may keep beside them are not ours."""
    return [p for p in root().glob("*") if re.fullmatch("[0-9a-f]{20}", p.name) and p.is_dir()]


def _forget_unused() -> None:
    for version in _versions():
        if version.stat().st_mtime < time.time() - UNUSED * 86400:
            shutil.rmtree(version, ignore_errors=True)


def clear_cache() -> None:
    """Remove every compiled and generated kernel from disk. Kernels already loaded in this process go on
    working."""
    for version in _versions():
        shutil.rmtree(version, ignore_errors=True)
    folder.cache_clear()


def write(path: Path, content: str | bytes) -> None:
    """Put `content` at `path` in one step: a parallel reader sees all of it or no file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
