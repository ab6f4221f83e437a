"""Every core name that has a row in the table of samples takes the dtypes that PyTorch's takes, gives results of the same
dtype and refuses the others; and narrow dtypes are narrow at every step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from parity.expressions import assert_same
from parity.test_samples_parity import outcome
from samples import SAMPLES, Sample, tensors
from samples.sample import COMPLEX, REAL

import numbatorch

NAMES = (Path(__file__).parent / "core_names.txt").read_text(encoding="utf-8").split()
ROWS = {sample.name.removeprefix("Tensor."): sample for sample in reversed(SAMPLES) if not sample.complex}


def untried(name: str) -> list[str]:
    """The dtypes that no row of this name tries: test_samples_parity holds the others."""
    tried = {dtype for s in SAMPLES if s.name.removeprefix("Tensor.") == name for dtype in s.dtypes}
    return [dtype for dtype in (*REAL, *COMPLEX) if dtype not in tried]


def dtypes_of(library, sample: Sample, dtype: str) -> str:
    """The dtypes of the results for operands of this one, or the error's class."""
    arrays = sample.arrays(sample.shapes[0], dtype)
    results = outcome(sample, library, tensors(library, arrays, (dtype,) * len(arrays)))
    if isinstance(results, Exception):
        return type(results).__name__
    return " ".join(str(getattr(x, "dtype", type(x).__name__)) for x in results)


@pytest.mark.parametrize("name", [name for name in NAMES if name in ROWS and untried(name)])
def test_a_core_name_takes_the_dtypes_that_pytorch_takes(name):
    for dtype in untried(name):
        assert dtypes_of(numbatorch, ROWS[name], dtype) == dtypes_of(torch, ROWS[name], dtype), dtype


@pytest.mark.parametrize(
    "case",
    [
        # a 0-d operand is made as narrow as the others
        "L.eq(i([255], dtype=L.uint8), i(-1))",
        "L.maximum(i([7], dtype=L.int8), i(258))",
        "L.clamp(i([200], dtype=L.uint8), i(-3), i(300))",
        "L.div(i([200], dtype=L.uint8), i(300), rounding_mode='floor')",
        "L.logical_or(i([0, 2], dtype=L.uint8), i(256))",
        # so are whole numbers beside halves, and in most ops numbers
        "i([1.0]).half() + i([2049])",
        "i([3.0, 5.0]).half() * i([2049, 2049]) - i(2049)",
        "i([3.0, 5.0]).half() * 2049 + 2049",
        "i([3.0, 5.0]).bfloat16() / i([257, 257]) / i([257])",
        "i([257]) / i([3.0, 5.0]).bfloat16()",
        "i([7.0]).half() * i(3001) + i([3001]) * i([7.0, 2.0]).half()",
        "L.nextafter(i(3001.4), i([7.0, 9.0]).half())",
        "L.addcmul(i([3001]), i([7.0, 9.0]).half(), i([7.0, 9.0]).half())",
        "i([0.1, -3.0, 1e-5]).half().bfloat16().half()",
        "i([0.1, 2048]).half().eq(0.1) | i([0.1, 2048]).half().ge(2049)",
        "L.logical_and(i([1.0, 2.0]).half(), i(1e-9))",
        "L.fmod(i([7.0]).half(), 2.001) + L.remainder(i([7.0]).half(), 2.001)",
        "L.einsum('ij,j->i', L.ones(3, 1), L.ones(1, dtype=L.int64))",
        "L.zeros(0, dtype=L.bool).median()",
        "L.arange(2**63)",
        # -0.0 is zero
        "L.logical_not(i([-0.0, 0.0, 1.0]).half())",
        "L.logical_and(i([-0.0, 0.0, 1.0]).bfloat16(), L.ones(3))",
        # results are rounded before they go into a wider `out`, and some go into their own dtype alone
        "L.exp(i([1.0]).half(), out=L.ones(1, dtype=L.float64))",
        "L.tanh(i([0.1, -0.5]).double(), out=L.ones(2).half())",
        "L.copysign(i([0.1, float('nan')]).double(), i([-1.0]).double(), out=L.ones(2).half())",
        # shifts by less than nothing and by more than all bits
        "[i([-9, 100], dtype=L.int8)[:, None] >> i([1, 7, 8, 64, 127, -1, -128], dtype=L.int8)]",
        "[i([-9, 100])[:, None] << i([1, 63, 64, 1 << 40, -1]), i([-9, 100])[:, None] >> i([1, 63, 64, 1 << 40, -1])]",
        "L.add(i([200], dtype=L.uint8), i([100], dtype=L.uint8), out=i([0]))",
        "L.abs(i([1.0]), out=L.ones(1, dtype=L.float64))",
        "L.floor(i([1.0]), out=i([1]))",
        "L.round(i([1, 2]), decimals=2)",
        "L.round(i([1, 2]), decimals=0)",
    ],
)
def test_narrow(case):
    assert_same(case)
