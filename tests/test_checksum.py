"""The checksum of zip files by a kernel: it is zlib's."""

import zlib

import numpy as np
import pytest

from numbatorch.serialization import checksum
from numbatorch_kernels import crc
from numbatorch_kernels.stream import LINE

pytestmark = pytest.mark.skipif(not crc.available(), reason="this machine has no carry-less multiplication")


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 257, 383, 384, 1000, 4096, 100_001])
def test_it_is_zlibs(size):
    data = np.random.default_rng(size).integers(0, 256, size + 3).astype(np.uint8)
    assert crc.crc32(data) == zlib.crc32(data)
    assert crc.crc32(data[3:], 12345) == zlib.crc32(data[3:], 12345), "continued, and at an odd address"
    assert crc.crc32(data * 0) == zlib.crc32(data * 0)


def test_records_large_and_small():
    data = np.random.default_rng(0).integers(0, 256, (17 << 20) + 5).astype(np.uint8)
    for size in (10, 1 << 20, len(data)):
        with checksum.Jobs() as jobs:
            assert jobs.crc32(size, checksum.crc32_of(memoryview(data[:size])))() == zlib.crc32(data[:size])


@pytest.mark.parametrize("shift", [0, 3])
def test_a_file_is_read_and_checksummed(tmp_path, shift):
    """Pieces go past the caches where a room begins with a line of them."""
    data = np.random.default_rng(0).integers(0, 256, 5 * crc.PIECE + 1000).astype(np.uint8)
    (tmp_path / "data").write_bytes(data)
    whole = np.zeros(len(data) + LINE, np.uint8)
    room = whole[-whole.ctypes.data % LINE + shift :]
    with open(tmp_path / "data", "rb") as file:
        for size in (
            0,
            1,
            127,
            128,
            200,
            *(k * crc.PIECE + n for k in (1, 2, 3, 4) for n in (-1, 0, 1, 500)),
        ):
            for start in (0, 7):
                whole[:] = 0
                parts = [(room[:size], start), (room[size : 2 * size][: len(data) // 2], 11)]
                assert crc.read(file.fileno(), parts) == [
                    zlib.crc32(data[begin : begin + len(part)]) for part, begin in parts
                ]
                for part, begin in parts:
                    assert (part == data[begin : begin + len(part)]).all()
        assert crc.read(file.fileno(), [(room[: 2 * crc.PIECE], len(data) - 5)]) is None, (
            "the file ends before"
        )
