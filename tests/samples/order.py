"""Order, order statistics, scans, histograms, differences."""

import numpy as np

from samples.sample import FLOATS, INTEGERS, REAL, Sample

_DIMS = (((3, 4),), ((2, 3, 5),))
_FEW = ("float32", "bfloat16", "uint8", "int64")  # an itemsize each: what the kernels see are words
_DOUBLE = ("float32", "float64")


def _apart(array: np.ndarray) -> list[np.ndarray]:
    """Numbers no two of which are equal: for those PyTorch chooses now one and now another."""
    return [(array + np.arange(array.size).reshape(array.shape) * 7).astype(array.dtype)]


def _counts(array: np.ndarray) -> list[np.ndarray]:
    return [abs(array)]


ORDER = [
    Sample("sort", _DIMS, kwargs={"stable": True}, dtypes=(*FLOATS, *INTEGERS, "bool")),
    Sample("sort", (((20,),),), kwargs={"stable": True, "descending": True}, dtypes=_FEW),
    Sample("argsort", _DIMS, kwargs={"dim": 0, "stable": True}, order=0, dtypes=_FEW),
    Sample("msort", _DIMS, dtypes=("float32",)),
    Sample("topk", _DIMS, args=(2,), dtypes=_FEW, prepare=_apart),
    Sample("topk", (((40,),),), args=(20, 0, False), dtypes=("float32", "int16"), prepare=_apart),
    Sample("topk", (((9, 34),),), args=(3, 0, False), dtypes=("float32", "int16"), prepare=_apart),
    Sample("kthvalue", _DIMS, args=(2,), dtypes=_FEW, prepare=_apart),
    Sample("kthvalue", _DIMS, args=(1, 0, True), dtypes=("float32",), prepare=_apart),
    Sample("median", (((5,),), ((3, 4),), ((),)), dtypes=(*FLOATS, *INTEGERS)),
    Sample("median", _DIMS, args=(1,), dtypes=_FEW, prepare=_apart),
    Sample("nanmedian", _DIMS, args=(0, True), dtypes=("float32", "int32"), prepare=_apart),
    Sample("mode", _DIMS, dtypes=("float32", "int64", "bool"), prepare=_apart),
    Sample("quantile", _DIMS, args=(np.array([0.25, 0.7], "float32"),), dtypes=("float32",), order=0),
    Sample("quantile", _DIMS, args=(0.3, 1), dtypes=_DOUBLE, tol=4),
    Sample("nanquantile", _DIMS, args=(0.3,), kwargs={"interpolation": "midpoint"}, dtypes=_DOUBLE, tol=4),
    Sample("unique", (((9,),), ((3, 4),)), order=0, kwargs={"return_inverse": True, "return_counts": True}, dtypes=REAL),
    Sample("unique", (((5, 2),), ((2, 5),)), order=0, kwargs={"dim": 0, "return_inverse": True}, dtypes=_FEW, low=0, high=0.1),
    Sample("unique_consecutive", (((9,),),), order=0, kwargs={"return_counts": True}, dtypes=("uint8", "bool")),
    Sample("isin", _DIMS, args=(np.array([1, 3, -2]),), order=0, dtypes=("float32", "int64", "uint8")),
    Sample("searchsorted", (((3, 4),),), order=0, prepare=lambda x: [np.sort(x)], args=(np.ones((3, 2), "float32"),), dtypes=("float32", "float16", "int64")),
    Sample("bucketize", _DIMS, order=0, args=(np.array([-1, 0, 1]),), kwargs={"right": True}, dtypes=("float32", "int64")),
    Sample("cumsum", _DIMS, args=(1,), dtypes=(*FLOATS, *INTEGERS, "bool", "complex64"), tol=4),
    Sample("cumprod", _DIMS, args=(-1,), dtypes=(*FLOATS, "int64", "complex64"), tol=4),
    Sample("cumsum", (((3, 4),), ((),)), args=(0,), dtypes=_DOUBLE),
    Sample("logcumsumexp", _DIMS, args=(1,), dtypes=FLOATS, tol=4),
    Sample("cummax", _DIMS, args=(1,), dtypes=(*FLOATS, "int64", "uint8")),
    Sample("cummin", _DIMS, args=(0,), dtypes=("float32", "bfloat16")),
    Sample("histc", (((50,),), ((3, 4),)), args=(5, -1, 1.5), order=0, dtypes=FLOATS),
    Sample("histogram", (((50,),),), args=(5,), order=0, dtypes=_DOUBLE),
    Sample("histogram", (((50,),),), args=(np.array([-1, 0, 0.5, 2], "float32"),), order=0, dtypes=("float32",)),
    Sample("bincount", (((50,),),), order=0, prepare=_counts, dtypes=INTEGERS),
    Sample("bincount", (((4,),),), args=(np.array([0.5, 1, 2, 4], "float32"), 9), order=0, prepare=_counts, dtypes=("int64",)),
    Sample("diff", (((3, 4),), ((5,),)), dtypes=("float32", "int64", "bool")),
    Sample("diff", _DIMS, kwargs={"n": 2, "dim": 0}, dtypes=_DOUBLE, tol=2),
    Sample("gradient", (((3, 4),), ((2, 3, 5),)), kwargs={"spacing": 0.5, "dim": 1}, dtypes=FLOATS[:2]),
    Sample("trapezoid", _DIMS, kwargs={"dx": 0.5, "dim": 1}, dtypes=_DOUBLE, tol=4),
    Sample("cumulative_trapezoid", _DIMS, dtypes=_DOUBLE, tol=4),
    Sample("renorm", _DIMS, args=(2, 0, 1.5), dtypes=_DOUBLE, tol=4),
]  # fmt: skip
