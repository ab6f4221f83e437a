"""The checksum of zip files by a kernel: it is zlib's."""

import zlib

import numpy as np
import pytest

from numbatorch.serialization import checksum
from numbatorch_kernels import crc

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
