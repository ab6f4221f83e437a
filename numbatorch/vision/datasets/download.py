"""Getting files from the network, and knowing that they are the right ones."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urljoin
from urllib.request import urlopen

TIMEOUT = 60.0  # seconds without an answer
BLOCK = 1 << 20


def checksum(path: Path) -> str:
    """The MD5 of a file, by which data sets name theirs: against damage, not against forgery."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def is_intact(path: Path, md5: str | None) -> bool:
    """Whether the file is there, with this checksum."""
    return path.is_file() and (md5 is None or checksum(path) == md5)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when all is written: a crash half-way leaves nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            yield file
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def download(name: str, path: Path, md5: str | None, mirrors: Sequence[str]) -> None:
    """Get the file `name` from the first of the mirrors that has it, with the right checksum.

    RuntimeError where none has; its text says what each of them answered.
    """
    if is_intact(path, md5):
        return
    reasons = []
    for mirror in mirrors:
        url = urljoin(mirror if mirror.endswith("/") else f"{mirror}/", name)
        try:
            _fetch(url, path, md5)
        except (OSError, ValueError) as error:
            reasons.append(f"{url}: {error}")
        else:
            return
    raise RuntimeError("\n".join([f"Error downloading {name}", *reasons]))


def _fetch(url: str, path: Path, md5: str | None) -> None:
    from tqdm.auto import tqdm  # which warns, in a notebook that cannot draw it

    digest = hashlib.md5(usedforsecurity=False)
    with urlopen(url, timeout=TIMEOUT) as source, replacing(path) as file:
        total = int(source.headers.get("Content-Length") or 0) or None
        with tqdm(total=total, unit="B", unit_scale=True, desc=path.name, leave=False) as bar:
            while block := source.read(BLOCK):
                file.write(block)
                digest.update(block)
                bar.update(len(block))
        if md5 is not None and digest.hexdigest() != md5:
            raise ValueError(f"the checksum is {digest.hexdigest()}, not {md5}")


def unzip(path: Path) -> None:
    """Unpack x.gz to x."""
    with gzip.open(path, "rb") as source, replacing(path.with_suffix("")) as file:
        shutil.copyfileobj(source, file, BLOCK)


def untar(path: Path) -> None:
    """Unpack an archive where it lies; nothing goes outside of that folder."""
    with tarfile.open(path) as archive:
        archive.extractall(path.parent, filter="data")
