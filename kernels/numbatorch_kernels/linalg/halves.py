"""Factorisations and triangular systems of large matrices, in place: a matrix is cut in halves until kernels
finish what is left, and what joins the halves are matrix products, which are fast.

Elmroth, Gustavson, Jonsson and Kågström, Recursive blocked algorithms and hybrid data structures for dense
matrix library software, 2004. Operands are stacks of matrices (count, m, n), parts of larger ones too; the
columns of what is written are neighbours.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from numbatorch_kernels import cpu, parallel
from numbatorch_kernels.gemm import gemm
from numbatorch_kernels.linalg import elimination

WHOLE = 64  # columns of matrices that a kernel factors alone: many small ones are shared among the threads
LEAF = 16  # columns of a large matrix with which a kernel is as fast as products
PANEL = 64  # columns that are solved for by the inverse of a triangle
GRAIN = 1 << 15  # multiplications worth a thread

Array = np.ndarray


def middle(first: int, last: int) -> int:
    """Where columns first..last are cut."""
    return first + max(LEAF, (last - first) // 2 // LEAF * LEAF)


def subtract(out: Array, a: Array, b: Array) -> None:
    """out -= a b"""
    gemm(out, a, b, out, -1, 1)


def adjoint(a: Array) -> Array:
    turned = a.swapaxes(-2, -1)
    return turned.conj() if a.dtype.kind == "c" else turned


# --- A = P L U


@cache
def _elimination(dtype: np.dtype):
    return cpu.compiled(elimination.eliminate, dtype, "i4", "i4", *[int] * 6)


def lu(a: Array, pivots: Array, info: Array) -> None:
    """Contiguous matrices become their LU factors; `pivots` and `info` as `elimination.eliminate` has them."""
    m, n = a.shape[1:]
    k = min(m, n)
    _lu(a, pivots, info, 0, k)
    if k < n:
        solve(a[:, :, :k], a[:, :, k:], upper=False, unit=True)


def _lu(a: Array, pivots: Array, info: Array, first: int, last: int) -> None:
    """The factors in columns first..last, from row `first` on."""
    count, m, n = a.shape
    if last - first <= (LEAF if min(m, n) > WHOLE else WHOLE):
        grain = GRAIN // (m * n * (last - first) + 1) + 1
        parallel.run(_elimination(a.dtype), count, grain, a, pivots, info, m, n, first, last)
        return
    half = middle(first, last)
    _lu(a, pivots, info, first, half)
    above = a[:, first:half, half:last]
    solve(a[:, first:half, first:half], above, upper=False, unit=True)
    subtract(a[:, half:, half:last], a[:, half:, first:half], above)
    _lu(a, pivots, info, half, last)


# --- A = L Lᴴ


@cache
def _square_root(dtype: np.dtype):
    fast = {"reassoc", "contract"}
    return cpu.compiled(elimination.square_root, dtype, "i4", *[int] * 6, fastmath=fast)


def root(a: Array, info: Array, first: int, last: int) -> None:
    """Rows and columns first..last become L, and 0 above it; `info` as `elimination.square_root` has it."""
    count, n, _ = a.shape
    if last - first <= WHOLE:
        grain = GRAIN // ((last - first) ** 3 + 1) + 1
        parallel.run(_square_root(a.dtype), count, grain, a, info, n * n, n, first, last)
        return
    half = middle(first, last)
    root(a, info, first, half)
    a[:, first:half, half:last] = 0
    below = a[:, half:last, first:half]
    _solve_right(a[:, first:half, first:half], below)
    subtract(a[:, half:last, half:last], below, adjoint(below))
    root(a, info, half, last)


def _solve_right(lower: Array, x: Array) -> None:
    """X of X Lᴴ = X, in place."""
    n = lower.shape[-1]
    if n <= PANEL:
        inverse = np.zeros(lower.shape, x.dtype)
        np.einsum("kii->ki", inverse)[...] = 1
        solve(lower, inverse, upper=False, unit=False)
        gemm(x, x.copy(), adjoint(inverse))
        return
    half = middle(0, n)
    _solve_right(lower[:, :half, :half], x[..., :half])
    subtract(x[..., half:], x[..., :half], adjoint(lower[:, half:, :half]))
    _solve_right(lower[:, half:, half:], x[..., half:])


# --- triangular systems


@cache
def _substitution(dtype: np.dtype):
    return cpu.compiled(elimination.substitute, dtype, dtype, *[int] * 12)


def solve(a: Array, x: Array, upper: bool, unit: bool) -> None:
    """X of A X = X, in place: of A that triangle is read, and not its diagonal if `unit`."""
    count, n, columns = x.shape
    if n > LEAF and count * n * n * columns > GRAIN:
        half = middle(0, n)
        low, high = slice(0, half), slice(half, n)
        first, then = (high, low) if upper else (low, high)
        solve(a[:, first, first], x[:, first], upper, unit)
        subtract(x[:, then], a[:, then, first], x[:, first])
        solve(a[:, then, then], x[:, then], upper, unit)
        return
    panels = -(-columns // elimination.WIDTH)
    size, (x_step, x_row, _), (a_step, a_row, a_column) = x.itemsize, x.strides, a.strides
    grain = GRAIN // (n * n * min(columns, elimination.WIDTH) + 1) + 1
    parallel.run(_substitution(x.dtype), count * panels, grain,
                 x, a, n, columns, panels, x_step // size, x_row // size, a_step // size, a_row // size,
                 a_column // size, int(upper), int(unit))  # fmt: skip
