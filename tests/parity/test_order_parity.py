"""Order statistics, scans, histograms and differences against PyTorch, beyond the table of samples: forms,
dtypes, special values, out=, errors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same

import numbatorch

nan, inf = np.nan, np.inf
X = np.array([[1.0, 4, 2], [3, nan, 0]], "float32")
I = np.array([[3, 1, 2], [3, 1, 2], [0, 1, 1]])
SPECIAL = np.array([1, -inf, nan, 0.0, -0.0, inf, -1, nan, 2, -2, 2], "float32")


def cases(text: str) -> list[str]:
    """The lines of a text that are expressions."""
    return [line.strip() for line in text.strip().splitlines()]


def same(case: str, rtol: float = 2e-6) -> None:
    assert_same(case, rtol=rtol, atol=1e-6, x=X, j=I, s=SPECIAL)


@pytest.mark.parametrize(
    "case",
    cases("""
    L.median(x)
    L.median(x, 1)
    x.median(1, True)
    L.median(i([]))
    L.median(i([]), 0)
    L.median(L.zeros(0, 3), 0)
    L.median(L.zeros(3, 0), 0)
    L.median(i(3.0), 0)
    L.median(i([True]))
    L.median(i([True]), 0)
    L.median(i([1j]))
    L.median(i([1, 2, 3]), 5)
    L.median(i([5, 1, 4], dtype=L.uint8))
    L.median(i([5, 1, 4, -3], dtype=L.int16), 0)
    L.median(s.half()), L.median(s.bfloat16()), L.median(s.double())
    L.nanmedian(x)
    L.nanmedian(x, 1)
    L.nanmedian(s), L.nanmedian(s.half()), L.nanmedian(s.bfloat16(), 0)
    L.nanmedian(i([nan, nan])), L.nanmedian(i([nan, nan]), 0)
    L.nanmedian(i([1, 2, 3]))
    L.median(x, 1, out=(L.empty(0), L.empty(0, dtype=L.int64)))
    L.mode(i([1, 2, 2, 3, 3]))
    L.mode(i([[1, 2, 2, 3, 3]]), 0)
    L.mode(i([]))
    L.mode(L.zeros(3, 0))
    L.mode(L.zeros(0, 3))
    L.mode(i(3.0))
    L.mode(i([1j, 1j]))
    L.mode(i([True, False]))
    L.mode(x, 1)
    L.mode(j, 0), L.mode(j, 1, True)
    L.mode(i([1.0, 2.0, 2.0]).half())
    L.quantile(x, 0.5), L.quantile(x[0], 0.5), L.quantile(x, 1)
    L.quantile(x[0], i([0.1, 0.6]))
    L.quantile(x, i([0.1, 0.6]), dim=0)
    L.quantile(x, i([0.1, 0.6]), dim=1, keepdim=True)
    L.quantile(x, i([0.1, 0.6]), keepdim=True), L.quantile(x, 0.3, keepdim=True)
    L.quantile(x, 1.5)
    L.quantile(x, i([1.5]))
    L.quantile(x, i([0.5], dtype=L.float64))
    L.quantile(x, i([[0.5]]))
    L.quantile(x.half(), 0.5)
    L.quantile(j, 0.5)
    L.quantile(x, 0.5, interpolation='foo')
    L.quantile(i([]), 0.5)
    L.quantile(L.zeros(0, 3), 0.5, dim=0)
    L.quantile(i(3.0), 0.5, dim=0), L.quantile(i(3.0), 0.5)
    L.quantile(x, i([]))
    L.quantile(x, 'a')
    L.nanquantile(x, 0.5)
    L.nanquantile(x, 0.5, dim=1)
    L.nanquantile(x, i([0.5, 0.2]), dim=1, interpolation='lower')
    L.nanquantile(i([nan]), 0.5)
    L.nanquantile(x.half(), 0.5)
    L.quantile(x, 0.5, out=L.empty(2))
    L.quantile(x, 0.5, out=L.empty(0, dtype=L.float64))
    L.quantile(x, 0.5, dim=4)
    [L.quantile(x[0].double(), i([0.0, 0.2, 0.5, 0.75, 1.0]).double(), interpolation=h) for h in ('linear', 'lower', 'higher', 'midpoint', 'nearest')]
    [L.nanquantile(s[:5], i([0.0, 0.2, 0.5, 0.75, 1.0]), interpolation=h) for h in ('lower', 'higher', 'nearest')]
    L.kthvalue(x, 2)
    L.kthvalue(x, 0)
    L.kthvalue(x, 4)
    L.kthvalue(x, 2, dim=3)
    L.kthvalue(i(3.0), 1)
    L.kthvalue(i(3.0), 2)
    L.kthvalue(L.zeros(3, 0), 1)
    L.kthvalue(L.zeros(0, 3), 1)
    L.kthvalue(i([True]), 1)
    L.kthvalue(i([1j]), 1)
    [L.kthvalue(s, k).values for k in range(1, 12)]
    L.kthvalue(x, 2, 0, True)
    L.kthvalue(x, 2, out=(L.empty(0), L.empty(0, dtype=L.int64)))
    """),
)
def test_order_statistics(case):
    same(case.replace("nan]", "float('nan')]").replace("nan,", "float('nan'),"))


@pytest.mark.parametrize(
    "case",
    cases("""
    L.sort(j, stable=True)
    L.sort(j, 0, True)
    L.sort(i([1j]))
    L.sort(j, 5)
    L.sort(i([True, False]))
    L.sort(i(3.0), 0)
    L.sort(i(3.0), 1)
    L.sort(s, stable=True), L.sort(s, stable=True, descending=True)
    L.sort(s.half(), stable=True), L.sort(s.bfloat16(), stable=True, descending=True)
    L.sort(j, stable=True, out=(L.empty(0, dtype=L.int64), L.empty(0, dtype=L.int64)))
    L.sort(j, out=(L.empty(0), L.empty(0, dtype=L.int64)))
    L.sort(j, out=(L.empty(0, dtype=L.int64), L.empty(0, dtype=L.int32)))
    L.argsort(j, stable=True)
    L.argsort(j, 0, True)
    L.argsort(j, stable=True, dim=0, descending=True)
    L.msort(j), L.msort(i(3.0))
    L.topk(x, 2), L.topk(x, 0), L.topk(x, 3, sorted=True)
    L.topk(x, 2, largest=False)
    L.topk(x, 4)
    L.topk(x, -1)
    L.topk(i(3.0), 1)
    L.topk(i(3.0), 2)
    L.topk(i([True]), 1)
    L.topk(i([1j]), 1)
    L.topk(x, 2, 0, False, True)
    L.topk(x, 2, 5)
    L.topk(L.arange(100.0).sin(), 30)
    L.topk(L.arange(300).reshape(3, 100) % 101, 40, largest=False)
    L.unique(j, dim=0)
    L.unique(j, dim=1, return_inverse=True, return_counts=True)
    L.unique(j, dim=0, return_inverse=True, return_counts=True)
    L.unique(j.float().half(), dim=-1, return_counts=True)
    L.unique(j, return_counts=True)
    L.isin(i([5.0, inf, nan, 1.0, -inf]), i([5.0, nan, -inf, nan]))
    L.isin(i([5.0, inf, nan]), i([nan, inf, nan, 7.0, nan]), invert=True)
    L.unique(s, return_inverse=True, return_counts=True)
    L.unique(i([0.0, -0.0]), return_inverse=True, return_counts=True)
    L.unique(i([1j]))
    L.unique(i([True, False, True]), return_counts=True)
    L.unique(i(3.0), return_inverse=True)
    L.unique(i([]), return_inverse=True, return_counts=True)
    L.unique(L.zeros(0, 3), dim=0)
    L.unique(L.zeros(0, 3), dim=1)
    L.unique(L.zeros(3, 0), dim=0)
    L.unique(x[:, [1, 1]], dim=0)
    L.unique(j, dim=5)
    L.unique_consecutive(j, dim=0, return_inverse=True, return_counts=True)
    L.unique_consecutive(i([1, 1, 2, 2, 1]), return_inverse=True, return_counts=True)
    L.unique_consecutive(x[1, [1, 1]], return_inverse=True, return_counts=True)
    L.unique_consecutive(i([1j, 1j]))
    L.unique_consecutive(i([]), return_inverse=True, return_counts=True)
    L.unique_consecutive(i(3), return_inverse=True)
    L.unique_consecutive(L.zeros(0, 3), dim=0)
    L.unique_consecutive(L.zeros(0, 3), dim=1)
    L.searchsorted(i([1, 3, 5]), i([3.0, 4]))
    L.searchsorted(i([1, 3, 5]), i([3, 4]))
    L.searchsorted(i([1.0, 3, 5]), 3)
    L.searchsorted(i([1.0, 3, 5]), i([3, 4.0]), out_int32=True, right=True)
    L.searchsorted(i([5.0, 3, 1]), i([3, 4.0]), sorter=i([2, 1, 0]))
    L.searchsorted(i([5.0, 3, 1]), i([3, 4.0]), sorter=i([2, 1]))
    L.searchsorted(i([5.0, 3, 1]), i([3, 4.0]), sorter=i([2.0, 1, 0]))
    L.searchsorted(i([5.0, 3, 1]), i([3, 4.0]), sorter=i([2, 1, 7]))
    L.searchsorted(i([1.0, 3, 5]), i([3, 4.0]), side='foo')
    L.searchsorted(i([1.0, 3, 5]), i([3, 4.0]), side='left', right=True)
    L.searchsorted(i([1.0, 3, 5]), i([3, 4.0]), side='right')
    L.searchsorted(i([1.0, 3, 5]), i([3, 4.0]), out=L.empty(0, dtype=L.int64))
    L.searchsorted(i([1.0, 3, 5]), i([3, 4.0]), out=L.empty(0, dtype=L.int32))
    L.searchsorted(i([1.0, 3, 5]), i([3, 4.0]), out=L.empty(0, dtype=L.int32), out_int32=True)
    L.searchsorted(i(1.0), i([3, 4.0]))
    L.searchsorted(L.ones(2, 3), L.ones(3, 3))
    L.searchsorted(L.arange(6.0).reshape(2, 3), i([[1.0, 7], [3, 4]]))
    L.searchsorted(L.ones(2, 3), 3)
    L.searchsorted(L.ones(0), s), L.searchsorted(L.ones(3), L.ones(0))
    L.searchsorted(i([1j]), i([3, 4.0]))
    L.searchsorted(s.sort().values, s), L.searchsorted(s.sort().values, s, right=True)
    L.searchsorted(i([False, True]), i([True]))
    L.searchsorted(i([1.0, 3, 5]).half(), i([3, 4.0]).half())
    L.searchsorted(i([1.0, 3, 5]).bfloat16(), i([3, 4.0]).bfloat16())
    L.bucketize(i([3, 4.0]), i([1.0, 3, 5]))
    L.bucketize(3, i([1.0, 3, 5]), right=True)
    L.bucketize(i([3, 4.0]), i([[1.0, 3, 5]]))
    L.bucketize(i([3, 4.0]), i([1, 3, 5]), out_int32=True)
    L.isin(i([1, 2, 3]), i([2, 5])), L.isin(i([1, 2, 3]), 2), L.isin(2, i([1, 2, 3]))
    L.isin(2, 3)
    L.isin(i([1.0, 2, 3]), i([2, 5]))
    L.isin(s, s[:4])
    L.isin(i([1, 2, 3]), i([2, 5]), invert=True), L.isin(i([1, 2, 3]), i([2, 5]), assume_unique=True)
    L.isin(i([1j]), i([2, 5]))
    L.isin(i([True]), i([True]))
    L.isin(s.half(), s[2:].half()), L.isin(s.bfloat16(), s)
    L.isin(i([1, 2, 3]), i([])), L.isin(i([1, 2, 3]), 2.5)
    L.isin(j, L.arange(2), invert=True)
    L.nonzero_static(i([1, 0, 2]), size=4)
    L.nonzero_static(i([1, 0, 2]), size=1)
    L.nonzero_static(i([[1, 0, 2]]), size=3, fill_value=-7)
    L.nonzero_static(i([1, 0, 2]), size=-1)
    L.nonzero_static(i(1), size=2)
    i([1, 0, 2]).nonzero_static(size=2)
    """),
)
def test_order(case):
    same(case)


@pytest.mark.parametrize(
    "case",
    cases("""
    L.histc(i([1.0, 2, 3]), 4), L.histc(i([1.0, 2, 3]), 4, 0, 3)
    L.histc(j, 4, 0, 3)
    L.histc(i([1.0, 2, 3]).half(), 4, 0, 3), L.histc(i([1.0, 2, 3]).bfloat16(), 4, 0, 3)
    L.histc(i([1.0, 2, 3]), 0)
    L.histc(i([1.0, 2, 3]), 4, 3, 1)
    L.histc(s, 4, 0, 3)
    L.histc(i([1.0, 2, float('inf')]), 4)
    L.histc(i([1.0, 2]), 4, 0, float('inf'))
    L.histc(i([]), 4)
    L.histc(i([1.0, 1]), 4), L.histc(i([1.0, 1]), 4, 2, 2), L.histc(i([1.0, 1]).double(), bins=3)
    L.histc(i([1j]), 4)
    L.histc(i([True]), 4)
    L.histc(L.arange(1000.0).sin(), 37, -0.9, 1), L.histc(L.arange(1000.0).double().sin())
    L.histc(x[0], 3, out=L.empty(0))
    L.histogram(i([1.0, 2, 3]), 4)
    L.histogram(i([1.0, 2, 3]), 4, range=(0.0, 3.0))
    L.histogram(i([1.0, 2, 3]), 4, range=(0.0, 3.0), density=True)
    L.histogram(i([1.0, 2, 3]), 4, range=(0.0, 3.0), weight=i([1.0, 2, 4]))
    L.histogram(i([1.0, 2, 3]), i([0.0, 1, 4]))
    L.histogram(i([1.0, 2, 3]), i([0.0, 1, 3]), weight=i([1.0, 2, 4]), density=True)
    L.histogram(j, 4)
    L.histogram(i([1.0, 2, 3]).half(), 4)
    L.histogram(i([1.0, 2, 3]), 0)
    L.histogram(i([1.0, 2, 3]), 4, range=(3.0, 0.0))
    L.histogram(i([1.0, 2, 3]), 4, weight=i([1.0]))
    L.histogram(i([1.0, 2, 3]), 4, weight=i([1, 2, 3]))
    L.histogram(i([1.0, 2, 3]), i([0.0, 1, 3]).double())
    L.histogram(i([1.0, 2, 3]), i([[0.0, 1, 3]]))
    L.histogram(x, 4)
    L.histogram(x, 4, range=(0.0, 1.0))
    L.histogram(i([]), 4)
    L.histogram(i([1.0, 1.0]), 4)
    L.histogram(i([1.0, 2, 3]), i([]))
    L.histogram(i([1.0, 2, 3]), i([1.0]))
    L.histogram(L.arange(1000.0).sin().reshape(10, 100), 37)
    L.histogramdd(i([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0]]), bins=[3, 3], weight=i([1.0, 2.0, 4.0, 8.0]))
    L.histogramdd(i([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), bins=[2, 2], range=[0.0, 1.0, 0.0, 1.0], density=True)
    L.histogramdd(i([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), 2)
    L.histogramdd(i([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), [i([0.0, 1, 2]), i([0.0, 1, 2, 3])])
    L.histogramdd(i([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), [2, 2, 2])
    L.histogramdd(i([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), [2, 2], range=[0.0, 1.0])
    L.histogramdd(i([0.0, 1.0]), [2])
    L.histogramdd(i([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), [i([0.0, 1, 2])])
    L.histogramdd(i([[0, 0], [1, 1]]), [2, 2])
    L.histogramdd(L.arange(600.0).sin().reshape(4, 50, 3), [2, 3, 4], density=True)
    L.bincount(i([1, 2, 2])), L.bincount(i([1, 2, 2]), minlength=6)
    L.bincount(i([1, 2, 2]), i([0.5, 0.25, 1]))
    L.bincount(i([1, 2, 2]), i([1, 2, 3]))
    L.bincount(i([1, 2, 2]), i([0.5, 0.25, 1]).half()), L.bincount(i([1, 2, 2]), i([0.5, 0.25, 1]).double())
    L.bincount(i([1, 2, 2]), i([0.5]))
    L.bincount(i([1.0, 2, 2]))
    L.bincount(i([-1, 2, 2]))
    L.bincount(i([[1, 2, 2]]))
    L.bincount(i(1))
    L.bincount(i([], dtype=L.int64)), L.bincount(i([], dtype=L.int64), minlength=3)
    L.bincount(i([1, 2]), minlength=-3)
    L.bincount(i([True, False]))
    L.bincount(i([1, 2], dtype=L.uint8)), L.bincount(i([1, 2], dtype=L.int8), i([True, True]))
    L.bincount(i([]))
    L.bincount(L.arange(100000) % 31), L.bincount(L.arange(100000) % 31, L.arange(100000).double())
    """),
)
def test_histograms(case):
    same(case)


@pytest.mark.parametrize(
    "case",
    cases("""
    L.diff(x), L.diff(x, n=2), L.diff(x, n=0), L.diff(x, n=5), L.diff(x, dim=0)
    L.diff(x, n=-1)
    L.diff(x, prepend=L.zeros(2, 1), append=L.zeros(2, 2))
    L.diff(x, prepend=L.zeros(2))
    L.diff(x, prepend=L.zeros(3, 1))
    L.diff(i(3.0))
    L.diff(i([True, False, True])), L.diff(i([True, False, True]), n=2)
    L.diff(i([1, 2], dtype=L.uint8)), x.diff()
    L.diff(x, out=L.empty(0))
    L.diff(x, dim=7)
    L.gradient(i([1.0, 4, 9, 16])), L.gradient(i([1.0, 4, 9, 16]), spacing=2.0)
    L.gradient(i([1.0, 4, 9, 16]), spacing=(i([0.0, 1, 3, 4]),))
    L.gradient(i([1.0, 4, 9, 16]), spacing=(i([0.0, 1, 3, 4]),), edge_order=2)
    L.gradient(L.arange(12.0).view(3, 4) ** 2)
    L.gradient(L.arange(12.0).view(3, 4) ** 2, dim=1)
    L.gradient(L.arange(12.0).view(3, 4) ** 2, spacing=[2.0, 0.5], edge_order=2)
    L.gradient(L.arange(12.0).view(3, 4) ** 2, spacing=[2.0, 0.5], dim=0)
    L.gradient(L.arange(12.0).view(3, 4) ** 2, spacing=[2.0])
    L.gradient(L.arange(12.0).view(3, 4) ** 2, dim=(0, 0))
    L.gradient(L.arange(12.0).view(3, 4) ** 2, edge_order=3)
    L.gradient(i([1.0]))
    L.gradient(i([1.0, 2]), edge_order=2)
    L.gradient(i([1.0, 2])), L.gradient(i([[1.0, 2, 5], [3, 4, 4]]))
    L.gradient(i([1, 4, 9])), L.gradient(i([1, 4, 9]), spacing=2)
    L.gradient(i([1, 4, 9], dtype=L.uint8))
    L.gradient(L.arange(12.0).view(3, 4), spacing=(i([1.0, 2, 5]), i([1.0, 2, 3, 5])), edge_order=2)
    L.gradient(L.arange(12.0).view(3, 4), spacing=(i([[1.0, 2]]), i([1.0, 2, 3, 4])))
    L.gradient(i([1.0, 4, 9, 16]).half())
    L.gradient(i([1.0, 4j, 9, 16]))
    L.gradient(i([1.0, 4, 9, 16]), spacing=(2.0,)), L.gradient(i([1.0, 4, 9, 16]), spacing=0)
    L.gradient(i([1.0, 4, 9, 16]), dim=3)
    L.trapezoid(i([1.0, 5, 10])), L.trapezoid(j), L.trapezoid(j, dx=2), L.trapezoid(j, dx=0.5, dim=0)
    L.trapezoid(i([1, 5, 10]), i([1, 3, 6]))
    L.trapezoid(i([1.0, 5, 10]), i([1.0, 3]))
    L.trapezoid(L.ones(3, 3), i([1.0, 3, 6])), L.trapezoid(L.ones(3, 3), L.ones(3, 3).cumsum(1), dim=0)
    L.trapezoid(i(3.0))
    L.trapezoid(i([])), L.trapezoid(i([1.0]))
    L.trapezoid(i([True, False]))
    L.trapezoid(i([1.0, 5]), i([True, False]))
    L.trapezoid(i([1.0, 5]), dx=True)
    L.trapezoid(i([1.0, 5]), x=i([1.0, 2.0]), dx=2)
    L.trapz(i([1.0, 5, 10])), L.trapz(i([1.0, 5, 10]), dx=2.0), L.trapz(i([1.0, 5, 10]), i([1.0, 3, 6]))
    L.cumulative_trapezoid(i([1.0, 5, 10])), L.cumulative_trapezoid(i([1.0, 5, 10]), i([1.0, 3, 6]))
    L.cumulative_trapezoid(j, dx=2), L.cumulative_trapezoid(j, i([1.0, 3, 6]), dim=0)
    L.cumulative_trapezoid(i(3.0))
    L.cumulative_trapezoid(i([1.0]))
    L.cumulative_trapezoid(i([True, False]))
    """),
)
def test_differences(case):
    same(case)


@pytest.mark.parametrize(
    "case",
    cases("""
    L.logcumsumexp(x, 1), L.logcumsumexp(s[:2], 0), L.logcumsumexp(s.flip(0), 0), L.logcumsumexp(i(1.0), 0)
    L.logcumsumexp(j, 0)
    L.logcumsumexp(i([1.0, 2j]), 0)
    L.logcumsumexp(i([True]), 0)
    L.logcumsumexp(x, 5)
    L.cumsum(i([True, True]), 0), L.cumsum(i(1.0), 0), L.cumsum(i(True), 0)
    L.cumsum(i([100, 200], dtype=L.uint8), 0, dtype=L.uint8), L.cumprod(j, 0, dtype=L.int8)
    L.cumsum(i([1, 1]), 0, dtype=L.bool)
    L.cumprod(i([2, 1]), 0, dtype=L.bool)
    L.cumsum(i([1.9, 1.9]), 0, dtype=L.int64), L.cumsum(j, 0, dtype=L.float16)
    i([1, 2], dtype=L.uint8).cumsum_(0), i([200, 200], dtype=L.uint8).cumsum_(0), i([2, 3.0]).cumprod_(0)
    i([True, True]).cumsum_(0)
    i([1.5, 2]).cumsum_(0, dtype=L.int64)
    L.cumsum(i([1.0, 2]), 0, out=L.empty(0, dtype=L.float64))
    L.cumsum(i([1.0, 2]), 0, out=L.empty(0, dtype=L.int64))
    L.cumsum(i([1, 2]), 0, out=L.empty(0, dtype=L.int32))
    L.cumsum(i([1, 2]), 0, dtype=L.int32, out=L.empty(0, dtype=L.int64))
    L.cumsum(L.ones(3, requires_grad=True), 0, out=L.empty(3))
    L.cumsum(i(1.0), 1)
    L.cumsum(i([1j, 2.0]), 0), L.cumprod(i([1j, 2.0]), 0)
    L.cummax(i(1.0), 1)
    L.cummax(x, 1), L.cummin(x, 1), L.cummax(s, 0), L.cummin(s, 0), L.cummax(i(2.0), 0)
    L.cummax(s.half(), 0), L.cummin(s.bfloat16(), 0), L.cummax(j, 0), L.cummin(j.to(L.uint8), 1)
    L.cummax(i([True, False]), 0)
    L.cummax(i([1j]), 0)
    L.cummax(L.zeros(0, 3), 0)
    L.cummax(i([1.0, 2]), 0, out=(L.empty(0), L.empty(0, dtype=L.int64)))
    L.renorm(i([[1.0, 1], [3, 4]]), 2, 0, 2.0), L.renorm(i([[1.0, 1], [3, 4]]), 1, 1, 2.0)
    L.renorm(i([[1.0, 1], [3, 4]]), 0, 1, 2.0)
    L.renorm(i([[1.0, 1], [3, 4]]), 2, 0, -2.0)
    L.renorm(i([1.0, 1]), 2, 0, 2.0)
    L.renorm(j, 2, 0, 2.0)
    L.renorm(i([[1.0, 1]]).half(), 2, 0, 1.0)
    L.renorm(i([[1.0, 1j]]), 2, 0, 1.0)
    L.renorm(i([[1.0, 1]]), 2j, 0, 1.0)
    L.renorm(i([[1.0, 1]]), 2, 5, 1.0)
    L.renorm(i([[1.0, 1], [3, 4]]), float('inf'), 0, 2.0)
    L.renorm(i([[1.0, 1], [3, 4]]), 2, 0, 2.0, out=L.empty(0))
    i([[1.0, 1], [3, 4]]).renorm_(2, 0, 1.0)
    L.dist(i([1.0, 2]), i([0.0, 0]), 0), L.dist(i([1.0, 2]), i([0.0, 0]), float('-inf'))
    L.dist(i([1, 2]), i([0, 0]))
    L.dist(i([1.0, 2]), i([[0.0], [0]]), 1), L.dist(i([1.0, 2j]), i([0.0, 0]))
    L.dist(i([1.0, 2]), i([0.0, 0, 0]))
    L.dist(i([1.0]), 3)
    L.allclose(i([1, 2]), i([1, 2]), rtol=-1)
    L.allclose(x, x), L.allclose(x, x, equal_nan=True), L.allclose(x, x[0], equal_nan=True)
    L.allclose(x, x.double())
    L.equal(i([1, 2]), i([1, 2.0])), L.equal(i([1, 2]), i([1, 2, 3])), L.equal(x, x)
    L.equal(i([1, 2]), 3)
    L.nansum(x), L.nansum(x, 1, True), L.nansum(j), L.nansum(x, dtype=L.float64), L.nansum(i([True, True]))
    L.nansum(i([1j]))
    L.nanmean(x), L.nanmean(x, 1), L.nanmean(x, (0, 1), keepdim=True), L.nanmean(x, dtype=L.float64)
    L.nanmean(j)
    L.std_mean(x, 0), L.std_mean(x[:1, :], 1, unbiased=False), L.std_mean(x, True), L.std_mean(axis=0, input=x)
    L.std_mean(j)
    L.var_mean(x, 0, False), L.var_mean(x, (0, 1), correction=0, keepdim=True), L.var_mean(i([1.0, 1j]))
    L.aminmax(x, dim=0, keepdim=True)
    L.aminmax(i([1j]))
    L.count_nonzero(x, dim=(0, 1)), L.count_nonzero(i([1j, 0])), L.count_nonzero(x, dim=())
    L.logsumexp(j, (0, 1)), L.logsumexp(i([1j, 2]), 0)
    """),
)
def test_scans_and_norms(case):
    same(case, rtol=2e-3 if "half" in case or "float16" in case else 1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32", "int64"])  # fmt: skip
def test_long_rows_of_every_dtype(dtype):
    """Rows of lengths for which the kernels choose different ways."""
    rng = np.random.default_rng(0)
    for shape in ((40,), (3, 700), (9000,), (70_001,)):
        array = (
            rng.integers(0, 100, shape) if "int" in dtype else rng.standard_normal(shape).astype("float32")
        )
        ours, theirs = (t.tensor(array).to(getattr(t, dtype)) for t in (numbatorch, torch))
        for call in (
            lambda t: t.sort(stable=True), lambda t: t.sort(stable=True, descending=True), lambda t: (t.median(-1).values,),
            lambda t: (t.kthvalue(30).values,), lambda t: (t.topk(10).values,), lambda t: (t.topk(33, largest=False).values,),
            lambda t: t.unique(return_inverse=True, return_counts=True), lambda t: t.cummax(-1),
        ):  # fmt: skip
            for a, b in zip(call(ours), call(theirs), strict=True):
                wide = "float64" if a.dtype.is_floating_point else "int64"
                np.testing.assert_array_equal(
                    a.to(getattr(numbatorch, wide)).numpy(), b.to(getattr(torch, wide)).numpy()
                )


GRADIENTS = cases("""
    x.median()
    x.nanmedian()
    x.median(1).values
    x.nanmedian(0, True).values
    x.kthvalue(2, 0).values
    x.mode(1).values
    x.sort(0).values
    L.msort(x)
    x.topk(2, 1).values
    x.cummax(0).values
    x.cummin(1).values
    x.quantile(0.3)
    x.quantile(L.tensor([0.3, 0.9], dtype=L.float64), 0)
    x.nanquantile(0.3, 1, interpolation='midpoint')
    x.quantile(0.3, 1, interpolation='lower')
    x.cumsum(0)
    x.cumprod(1)
    x.logcumsumexp(1)
    x.diff()
    x.diff(2, 0)
    L.gradient(x, spacing=2.0)[1]
    L.gradient(x, spacing=(L.tensor([0.0, 2, 3]).double(), L.tensor([0.0, 1, 3, 4]).double()), edge_order=2)[0]
    L.trapezoid(x, dx=2)
    L.trapezoid(x, L.tensor([0.0, 1, 3, 4]).double())
    L.cumulative_trapezoid(x, dim=0)
    x.renorm(2, 0, 1.0)
    x.nansum(1)
    x.nanmean(0)
    L.std_mean(x, 1)[0]
    L.std_mean(x, 1)[1]
    x.logsumexp((0, 1))
    L.dist(x, x.detach() * 2 + 1, 3)
    x.aminmax(dim=1)[0]
    x.norm(3, 1)
""")


@pytest.mark.parametrize("kind", ["plain", "zeros and ties"])
@pytest.mark.parametrize("case", GRADIENTS)
def test_gradients_to_second_order(case, kind):
    rng = np.random.default_rng(3)
    array = rng.standard_normal((3, 4)) if kind == "plain" else rng.integers(-1, 3, (3, 4)) * 1.0
    if kind != "plain" and any(word in case for word in ("topk", "kth", "sort", "median(1", "median(0", "mode", "quantile", "norm", "std")):  # fmt: skip
        return  # of equal elements PyTorch takes now this one and now that, or has no second gradient
    found = []
    for library in (numbatorch, torch):
        x = library.tensor(array, dtype=library.float64).requires_grad_()
        y = eval(case, {"L": library, "x": x})
        weights = library.tensor(np.cos(np.arange(y.numel())).reshape(tuple(y.shape)), dtype=library.float64)
        (first,) = library.autograd.grad((y * y * weights).sum(), x, create_graph=True)
        (second,) = library.autograd.grad(
            (first * library.arange(12.0).double().sin().reshape(3, 4)).sum(), x
        )
        found.append((y, first, second))
    for ours, theirs, about in zip(*found, ("value", "gradient", "second gradient"), strict=True):
        theirs = theirs.detach().numpy()
        if not np.isnan(theirs).any():
            np.testing.assert_allclose(ours.detach().numpy(), theirs, 1e-9, 1e-9, err_msg=about)
