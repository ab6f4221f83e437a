"""Pointwise functions where a row of the table does not reach: edges, errors, converted numbers, in place."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same

INF, NAN = float("inf"), float("nan")
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-45, -1e-40, 3e38, INF, -INF, NAN], np.float32)
CASES = """
L.clamp_min(i([True]), 1) | L.clamp_min(i([1, 2]), 1.5) | L.clamp_max(x, i([2.0])) | L.clamp(i([True, False]), 0, 1)
x.clamp_min(0).clamp_max_(2) | L.clip_(i([-1.5]), 0, 1)
L.float_power(2, i([1, 2.0])) | i([1.0, 2]).float_power_(2) | i([1.0, 2]).double().float_power_(2)
L.rad2deg(i([1j])) | L.deg2rad(i([180.0, 90])) | L.rad2deg(i([True]))
L.fill(i([1, 2]), 2.5) | L.fill(i([1, 2]), i(2.5)) | L.fill(i([1, 2]), i([2.5])) | L.fill(i([True, False]), 2.5)
L.fill(i([1.0, 2]), 1j) | i([1.0, 2]).half().fill_(1j)
L.full((2,), 300, dtype=L.uint8) | L.full((2,), -3, dtype=L.uint8) | L.full((2,), 1e300) | L.full((2,), 2.7, dtype=L.int32)
L.full((2,), 1e6, dtype=L.half) | L.full((2,), NAN, dtype=L.int64) | L.full((2,), -0.0).signbit() | L.full((2,), 2, dtype=L.bfloat16)
i([True, False]).masked_fill_(i([True, False]), 2) | i([True, False]).masked_fill_(i([True, False]), 0.0)
i([True, False]).masked_fill_(i([True, False]), i(2.5)) | i([True, False]).masked_fill_(i([True, False]), 1j)
i([1, 2]).masked_fill_(i([True, False]), 2.5) | i([1, 2]).masked_fill(i([True, False]), i(2.5))
i([1, 2]).byte().masked_fill_(i([True, False]), 300) | i([1, 2]).byte().masked_fill_(i([True, False]), -1)
i([1.0, 2]).masked_fill_(i([True, False]), 1j) | i([1.0, 2]).masked_fill(i([True, False]), i(5, dtype=L.float64))
L.signbit(x) | L.signbit(i([1j])) | L.sgn(x) | L.sgn(i([True, False])) | L.isposinf(x) | L.isneginf(x.half())
L.isposinf(i([1j])) | L.isneginf(i([1, 2]), out=L.empty(2)) | L.isreal(i([1j, 2])) | L.isreal(i([1, 2]))
L.logit(x) | L.logit(x, 0.1) | L.logit(i([0.5]), eps=0.6) | L.logaddexp2(x, i([INF])) | L.logaddexp2(x, i([-INF]))
L.logaddexp2(i([1, 2]), i([3, 4])) | L.logaddexp(i([1, 2]), i([3, 4])) | L.hypot(i([1, 2]), i([3, 4]))
L.heaviside(x, i([0.5])) | L.heaviside(i([-1, 0, 2]), i([0.5])) | L.heaviside(i([True]), i([True])) | L.heaviside(i([1j]), i([1j]))
L.heaviside(i([1.0], requires_grad=True), i([1.0])).sum().backward()
L.ldexp(x, i([1])) | L.ldexp(i([1e-30]), i([200])) | L.ldexp(i([1e-30]), i([200.0])) | L.ldexp(i([1e-40]), i([140]))
L.ldexp(i([1, 2]), i([1, -2])) | L.ldexp(i([1.0]).half(), i([20])) | L.ldexp(i([1.0]), i([True])) | i([1.0, 2]).ldexp_(i([1, -2]))
L.nextafter(x, i([0.0])) | L.nextafter(x, i([INF])) | L.nextafter(x.double(), i([-INF])) | L.nextafter(i([1, 0]), i([2, -1]))
L.nextafter(x.half(), i([INF]).half()) | L.nextafter(x.bfloat16(), i([-1.0]).bfloat16())
L.gcd(i([12, 0, -6, -128]), i([8, 0, 9, 0])) | L.gcd(i([12.0]), i([8.0])) | L.lcm(i([12, 0, -6]), i([8, 0, 9])) | i([12]).lcm_(i([8]))
L.frexp(x) | L.frexp(x.half()) | L.frexp(x.double()) | L.frexp(i([12])) | tuple(L.frexp(x, out=(L.empty(12), L.empty(12, dtype=L.int32))))
L.abs_(i([-1.5])) | L.zero_(i([-1.5])) | L.fill_(i([-1.5]), 2) | L.relu_(i([-1.5])) | L.threshold_(i([-1.5]), 1, 2) | L.selu_(i([1.0]))
i([4]).divide_(2) | i([4.0]).true_divide_(2) | i([4.0]).greater_(2) | i([4]).bitwise_left_shift_(2) | i([4.0]).subtract_(1, alpha=2)
"""


@pytest.mark.parametrize(
    "case", [case.strip() for line in CASES.strip().split("\n") for case in line.split("|")]
)
def test_pointwise(case):
    case = case.replace("NAN", "float('nan')").replace("INF", "float('inf')")
    assert_same(case, rtol=1e-6, atol=1e-7, x=EDGES)
