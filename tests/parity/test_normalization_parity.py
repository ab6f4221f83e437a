"""Normalisation with statistics, weights and biases, and its errors."""

import numpy as np
import pytest
from parity.expressions import assert_same

_RANDOM = np.random.default_rng(0)
X = _RANDOM.standard_normal((2, 4, 3)).astype(np.float32)
M, V, W, B = (_RANDOM.uniform(0.5, 2, 4).astype(np.float32) for _ in range(4))
W3, B3 = W[:3].copy(), B[:3].copy()

CASES = """
F.layer_norm(x, [3], w3, b3)
F.layer_norm(x, [3], w3)
F.layer_norm(x, [3], bias=b3)
F.layer_norm(x.half(), [3], w3.half(), b3.half())
F.layer_norm(x.bfloat16(), [3], w3, b3)
F.layer_norm(x, [3], w3.double())
F.layer_norm(x, [4])
F.layer_norm(x, [])
F.layer_norm(x, [3], weight=w)
F.layer_norm(x, [3], bias=w)
F.layer_norm(x.long(), [3])
F.layer_norm(L.empty(2, 0), [0])
F.rms_norm(x, [3], w3)
F.rms_norm(x, [3], w3, 0.1)
F.rms_norm(x, [4])
F.rms_norm(x, [3], weight=w)
F.group_norm(x, 2, w, b)
F.group_norm(x, 2, w, b, 0.5)
F.group_norm(x, 3)
F.group_norm(L.ones(2), 2)
F.group_norm(x, 2, weight=w3)
F.batch_norm(x, m, v)
F.batch_norm(x, m, v, w, b)
F.batch_norm(x, m, v, w, b, eps=0.5)
F.batch_norm(x, m, v, w, b, True), m, v
F.batch_norm(x, m, v, w, b, True, 0.3), m, v
F.batch_norm(x, m, v, None, b, True), m
F.batch_norm(x.half(), m, v, w, b)
F.batch_norm(x[:, :, 0], m, v, w, b, True), v
F.batch_norm(x, None, None)
F.batch_norm(x, m, None)
F.batch_norm(x, w3, v)
F.batch_norm(x, m, w3)
F.batch_norm(x, m, v, weight=w3)
F.batch_norm(x, m, v, bias=w3)
F.batch_norm(x, m, v, eps=-1)
F.batch_norm(x, m, v, training=True, eps=0)
F.batch_norm(L.ones(3), m, v)
F.batch_norm(x.long(), m, v)
F.batch_norm(L.ones(1, 4), m, v, training=True)
F.batch_norm(L.empty(0, 4, 3), m, v, training=True), m
F.batch_norm(L.empty(0, 4, 3), m, v, w, b, True), F.batch_norm(L.empty(0, 4, 3), None, None)
F.batch_norm(L.empty(0, dtype=L.long), None, None, training=True), F.batch_norm(L.empty(0), m, v)
F.batch_norm(L.empty(3, 0, dtype=L.long), w3, None, w, b), F.batch_norm(L.empty(0, 3) > 0, None, None)
F.batch_norm(L.empty(3, 0), m, v, w[:0])
F.batch_norm(L.ones(3), m[:0], v[:0])
F.batch_norm(L.ones(3), m[:0], v[:0], training=True)
F.batch_norm(L.ones(3), m, v, training=True)
F.batch_norm(L.ones(()), None, None, training=True)
F.batch_norm(L.ones(()), m, v)
F.instance_norm(x, m, v, w, b), m, v
F.instance_norm(x, m, v, w, b, False)
F.instance_norm(L.ones(2, 3))
F.instance_norm(x, use_input_stats=False)
""".strip().split("\n")


@pytest.mark.parametrize("case", CASES)
def test_normalization(case):
    assert_same(
        case,
        rtol=2e-3 if "half" in case or "bfloat" in case else 2e-5,
        atol=2e-6,
        x=X,
        m=M,
        v=V,
        w=W,
        b=B,
        w3=W3,
        b3=B3,
    )
