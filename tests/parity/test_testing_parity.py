"""`testing.assert_close` accepts and refuses what PyTorch's does, in the same words."""

import pytest
from parity.expressions import assert_same

CASES = """
i([1., 2]), i([1., 2.1])
i([1., 2]), i([1., 2 + 1e-6])
i([1., 2]), i([1., 2], dtype=L.float64)
i([1., 2]), i([1., 2], dtype=L.float64), check_dtype=False
i([1., 2]), i([1.])
[1, i(2.)], [1, i(3.)]
1.0, 1.1
1.0, 1.0 + 1e-9
1, 1
1, 2
1, 1.0
1, 1.0, check_dtype=False
{"a": i(1.)}, {"a": i(2.)}
{"a": i(1.)}, {"b": i(2.)}
{"a": {"b": [i(1.), i(2.)]}}, {"a": {"b": [i(1.), i(2.5)]}}
i([1, 2]), i([1, 3])
i([1., float("nan")]), i([1., float("nan")])
i([1., float("nan")]), i([1., float("nan")]), equal_nan=True
i([1., float("inf")]), i([1., float("inf")])
i([1., float("inf")]), i([1., 2.])
i(1.), "a"
[1], [1, 2]
i(1), 1
None, None
i([[1., 2], [3, 4]]), i([[1., 2], [3.5, 5]]), rtol=0.1, atol=0.1
i([1., 2]), i([1., 3]), rtol=0.1
i([1., 2]), i([1., 3]), msg="mine"
i([1., 2]), i([1., 3]), msg=lambda text: "mine: " + text
i([1+2j]), i([1+2.5j])
i([True]), i([False])
L.ones(2, 3).t(), L.ones(3, 2), check_stride=True
np.ones(2), np.ones(2) * 2
i([1.], dtype=L.bfloat16), i([1.01], dtype=L.bfloat16)
""".strip().split("\n")


@pytest.mark.parametrize("case", CASES)
def test_assert_close(case):
    assert_same(f"L.testing.assert_close({case})", whole=True)
