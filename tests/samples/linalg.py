"""Linear algebra. Operands are made regular, positive definite or symmetric where the op wants them so."""

from __future__ import annotations

import numpy as np

from samples.sample import Sample

LAPACK = ("float32", "float64", "complex64", "complex128")
ALL = (*LAPACK, "float16", "bfloat16", "int64", "bool")

SQUARE = (((3, 3),), ((1, 1),), ((2, 4, 4),), ((0, 0),), ((0, 3, 3),), ((2, 0, 0),))
ANY = (((3, 3),), ((4, 2),), ((2, 4),), ((2, 3, 4),), ((2, 4, 3),), ((3, 0),), ((0, 3),), ((0, 2, 3),))
SYSTEMS = (
    ((3, 3), (3, 2)), ((3, 3), (3,)), ((2, 3, 3), (2, 3, 2)), ((3, 3), (2, 3, 2)), ((2, 1, 3, 3), (4, 3, 2)),
    ((2, 3, 3), (2, 3)), ((0, 0), (0, 2)), ((0, 3, 3), (0, 3, 2)),
)  # fmt: skip


def regular(a: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """The diagonal made large, each element of it in its own way; other operands as they are."""
    if a.dtype.kind in "fc":
        n = min(a.shape[-2:])
        a[..., np.arange(n), np.arange(n)] += (3 + np.arange(n) / 3).astype(a.dtype)
    return [a, *others]


def behind(b: np.ndarray, a: np.ndarray) -> list[np.ndarray]:
    """`regular`, of the second operand."""
    return [b, *regular(a)]


def factor(a: np.ndarray) -> list[np.ndarray]:
    """`regular`, with a real diagonal, as a Cholesky factor has."""
    (a,) = regular(a)
    if a.dtype.kind == "c":
        n = a.shape[-1]
        a.imag[..., np.arange(n), np.arange(n)] = 0
    return [a]


def definite(a: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Positive definite."""
    if a.dtype.kind in "fc":
        (a,) = regular((a @ a.conj().swapaxes(-2, -1)).astype(a.dtype))
    return [a, *others]


def symmetric(a: np.ndarray) -> list[np.ndarray]:
    """Neither definite nor, of complex numbers, Hermitian."""
    return [(a + a.swapaxes(-2, -1)).astype(a.dtype)]


def hermitian(a: np.ndarray) -> list[np.ndarray]:
    return [(a + a.conj().swapaxes(-2, -1)).astype(a.dtype)]


LINALG = [
    Sample("linalg.inv", SQUARE, dtypes=ALL, prepare=regular, tol=4),
    Sample("linalg.inv_ex", SQUARE, dtypes=ALL, prepare=regular, tol=4),
    Sample("inverse", (((3, 3),),), dtypes=LAPACK, prepare=regular, tol=4),
    Sample("linalg.det", SQUARE, dtypes=ALL, prepare=regular, tol=8),
    Sample("det", (((3, 3),),), dtypes=LAPACK, tol=8),
    Sample("linalg.slogdet", SQUARE, dtypes=ALL, prepare=regular, tol=4),
    Sample("slogdet", (((3, 3),),), dtypes=LAPACK, tol=4),
    Sample("logdet", SQUARE, dtypes=("float32", "float64"), prepare=definite, tol=4),
    Sample("linalg.solve", SYSTEMS, dtypes=ALL, prepare=regular, tol=4),
    Sample("linalg.solve", (((3, 3), (2, 3)), ((2, 3, 3), (1, 2, 3))), kwargs={"left": False}, dtypes=LAPACK, prepare=regular, tol=4),
    Sample("linalg.solve_ex", (((3, 3), (3, 2)),), dtypes=LAPACK, prepare=regular, tol=4),
    Sample("linalg.tensorinv", (((2, 3, 6),), ((2, 2, 4),)), kwargs={"ind": 2}, dtypes=LAPACK, tol=32),
    Sample("linalg.tensorinv", (((4, 2, 2),),), kwargs={"ind": 1}, dtypes=LAPACK, tol=32),
    Sample("linalg.tensorsolve", (((2, 3, 6), (2, 3)), ((4, 2, 2), (4,))), dtypes=LAPACK, tol=32),
    Sample("linalg.cholesky", SQUARE, dtypes=ALL, prepare=definite, tol=8, order=0),
    Sample("linalg.cholesky", SQUARE, kwargs={"upper": True}, dtypes=LAPACK, prepare=definite, tol=8, order=0),
    Sample("linalg.cholesky_ex", (((3, 3),),), dtypes=LAPACK, prepare=definite, tol=8, order=0),
    Sample("cholesky_inverse", SQUARE, dtypes=LAPACK, prepare=factor, tol=8, order=0),
    Sample("cholesky_inverse", (((3, 3),),), kwargs={"upper": True}, dtypes=LAPACK, prepare=factor, tol=8, order=0),
    Sample("cholesky_solve", (((3, 2), (3, 3)), ((2, 3, 2), (3, 3)), ((0, 2), (0, 0))), dtypes=LAPACK, prepare=behind, tol=8, order=0),
    Sample("cholesky_solve", (((3, 2), (3, 3)),), kwargs={"upper": True}, dtypes=LAPACK, prepare=behind, tol=8, order=0),
    *[
        Sample("linalg.solve_triangular", SYSTEMS[:1] + SYSTEMS[2:5] + SYSTEMS[6:], kwargs={"upper": upper, "unitriangular": upper}, dtypes=ALL, prepare=regular, tol=16)
        for upper in (False, True)
    ],
    Sample("linalg.solve_triangular", (((3, 3), (2, 3)),), kwargs={"upper": True, "left": False}, dtypes=LAPACK, prepare=regular, tol=4),
    Sample("linalg.lu_factor", ANY, dtypes=ALL, prepare=regular, tol=4),
    Sample("linalg.lu_factor_ex", (((3, 3),),), dtypes=LAPACK, tol=4),
    Sample("linalg.ldl_factor_ex", (*SQUARE, ((6, 6),)), dtypes=LAPACK, prepare=symmetric, tol=64, order=0),
    Sample("linalg.ldl_factor_ex", (((3, 3),), ((2, 6, 6),)), kwargs={"hermitian": True}, dtypes=LAPACK, prepare=hermitian, tol=64, order=0),
    Sample("linalg.lu", ANY, dtypes=LAPACK, tol=16, order=0),
    Sample("linalg.qr", ANY, dtypes=ALL, prepare=regular, tol=16),
    Sample("linalg.qr", ANY, kwargs={"mode": "r"}, dtypes=LAPACK, prepare=regular, tol=8, order=0),
    Sample("linalg.qr", (((2, 3),), ((3, 3),)), kwargs={"mode": "complete"}, dtypes=LAPACK, prepare=regular, tol=8),
    Sample("linalg.householder_product", (((3, 2), (2,)), ((4, 3), (2,)), ((2, 3, 3), (2, 3))), dtypes=LAPACK, tol=8),
    Sample("ormqr", (((3, 2), (2,), (3, 4)),), dtypes=LAPACK, tol=8),
    Sample("ormqr", (((2, 3, 2), (2, 2), (2, 4, 3)),), kwargs={"left": False}, dtypes=LAPACK, tol=8, order=0),
    Sample("geqrf", ANY, dtypes=LAPACK, prepare=regular, tol=8, order=0),
    Sample("ormqr", (((3, 2), (2,), (4, 3)),), kwargs={"left": False, "transpose": True}, dtypes=LAPACK, tol=8),
    Sample("linalg.svdvals", ANY, dtypes=ALL, prepare=regular, tol=8),
    Sample("linalg.eigvalsh", SQUARE, dtypes=LAPACK, prepare=definite, tol=8, order=0),
    Sample("linalg.eigvalsh", (((3, 3),),), kwargs={"UPLO": "U"}, dtypes=LAPACK, prepare=definite, tol=8, order=0),
    Sample("linalg.pinv", (*ANY, ((2, 0, 3),)), dtypes=ALL, prepare=regular, tol=8),
    Sample("linalg.matrix_rank", ANY, dtypes=ALL, prepare=regular, order=0),
    Sample("linalg.lstsq", (((4, 2), (4, 3)), ((3, 3), (3,)), ((2, 4, 2), (2, 4)), ((2, 2, 4), (2, 2, 1))), kwargs={"driver": "gels"}, dtypes=LAPACK, prepare=regular, tol=16, order=0),
    *[Sample("linalg.matrix_norm", (((3, 4),), ((2, 4, 3),)), args=(p,), dtypes=ALL, prepare=regular, tol=4) for p in ("fro", "nuc", 2, -2, 1, -1, float("inf"), -float("inf"))],
    Sample("linalg.matrix_norm", (((3, 2, 4),),), args=("nuc", (2, 0), True), dtypes=LAPACK, tol=4),
    Sample("linalg.norm", (((3, 4),), ((5,),)), args=(2,), dtypes=ALL, tol=4),
    Sample("norm", (((3, 4),),), args=("nuc",), dtypes=LAPACK, tol=4),
    Sample("norm", (((3, 4),), ((2, 3, 4),)), args=("fro", (0, 1)), dtypes=LAPACK, tol=4),
    *[Sample("linalg.cond", (((3, 3),), ((2, 4, 4),)), args=(p,), dtypes=LAPACK, prepare=regular, tol=32) for p in (None, -2)],
    *[Sample("linalg.cond", (((3, 3),), ((2, 0, 0),)), args=(p,), dtypes=LAPACK, prepare=regular, tol=32, order=0) for p in (1, "fro", "nuc")],
    Sample("linalg.matrix_power", SQUARE, args=(3,), dtypes=(*LAPACK, "int64", "int32"), tol=8),
    Sample("linalg.matrix_power", SQUARE, args=(-2,), dtypes=LAPACK, prepare=regular, tol=8),
    Sample("linalg.matrix_power", SQUARE, args=(0,), dtypes=(*LAPACK, "int64"), order=0),
    Sample("linalg.matrix_exp", SQUARE, dtypes=(*LAPACK, "int64"), tol=32),
    Sample("linalg.vecdot", (((3, 4), (4,)), ((2, 3), (2, 3))), dtypes=(*LAPACK, "float16", "int64"), tol=4),
    Sample("linalg.cross", (((2, 3), (2, 3)), ((1, 3), (4, 3)), ((3,), (3,)), ((0, 3), (1, 3))), dtypes=(*LAPACK, "int32", "int64", "bool"), tol=4),
    Sample("cross", (((3, 2), (3, 2)),), dtypes=("float32", "float64"), kwargs={"dim": 0}, tol=4),
    Sample("linalg.vander", (((3,),), ((2, 4),)), dtypes=(*LAPACK, "int32", "uint8", "bool"), tol=8),
    Sample("trace", (((3, 3),), ((2, 5),), ((4, 2),), ((0, 3),)), dtypes=(*ALL, "uint8"), tol=4),
    Sample("linalg.diagonal", (((2, 3, 3),),), kwargs={"offset": 1}),
]  # fmt: skip
