"""Recurrent layers: a call runs all steps of a layer, in one direction, for a share of the batch.

The rows of a batch know nothing of each other, so that threads share them and meet only at the end of the sequence.
The products of the inputs have been made before, in one matrix product; what is left of a step is

    gates[t] += h[t - 1] @ w_hh.T      tile by tile, with w_hh packed once for all steps (see gemm/tile.py)
    h[t], c[t] = of gates[t]           while they are in the cache

Steps are packed: rows offsets[t] : offsets[t + 1] of x, gates, h and c are those of step t, of which there are no more
than at the step before. A row begins with row h0 where it is not in the step before: with the first step, or, if the
direction is `reverse`, with the last step that it is in. All arrays are contiguous, float32 or float64; `hidden` is the size
of h. Gates lie in PyTorch's order; after the forward call they hold their values, which the backward call reads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import types
from numba.extending import overload
from numba.np.numpy_support import from_dtype

from numbatorch_kernels import memory, parallel
from numbatorch_kernels.callee import callee
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.gemm import pack, tile
from numbatorch_kernels.gemm.tile import tile_columns, tile_rows
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.vecmath import sigmoid_f32, sigmoid_f64, tanh_f32, tanh_f64

SHARE = 1 << 19  # multiplications worth a thread

_tile, _pack = tile.tile, pack.pack


def sigmoid(x):
    """1 / (1 + exp(-x)), of either type."""


def tanh(x):
    """The hyperbolic tangent, of either type."""


@overload(sigmoid)
def _sigmoid(x):
    return (lambda x: sigmoid_f32(x)) if x is types.float32 else (lambda x: sigmoid_f64(x))


@overload(tanh)
def _tanh(x):
    return (lambda x: tanh_f32(x)) if x is types.float32 else (lambda x: tanh_f64(x))


def _pack_weight(to, source, lane, step, lanes, depth):
    """A matrix in the order in which tiles read it: columns `lane` elements apart, rows `step`."""
    _pack(to, tile_columns(to), source, lane, step, lanes, depth)


@callee
def _multiply(out, out_row, a, a_row, packed, rows, columns, depth, beta):
    """out = a @ packed + beta out, for `rows` rows."""
    width, height = tile_columns(packed), tile_rows(packed)
    for j in range(0, columns, width):
        strip = offset(packed, j * depth)
        for i in range(0, rows, height):
            to = offset(out, i * out_row + j)
            _tile(offset(a, i * a_row), rows - i, a_row, 1, strip, width, depth, 1.0, beta,
                  to, out_row, to, out_row, rows - i, columns - j)  # fmt: skip


@callee
def _from_before(out, columns, h, h0, hidden, packed, offsets, t, before, start, stop):
    """out[t] += h[before] @ packed, for the rows of step t in start:stop; rows that are not in the step before have
    those of h0. `before` is -1 where there is no step."""
    there = offsets[before] if before >= 0 else 0
    count = offsets[before + 1] - there if before >= 0 else 0
    middle = min(max(count, start), stop)
    to = offset(out, offsets[t] * columns)
    if middle > start:
        source = offset(h, (there + start) * hidden)
        _multiply(
            offset(to, start * columns), columns, source, hidden, packed, middle - start, columns, hidden, 1.0
        )
    if stop > middle:
        source = offset(h0, middle * hidden)
        _multiply(
            offset(to, middle * columns), columns, source, hidden, packed, stop - middle, columns, hidden, 1.0
        )


@callee
def _four(gates, here, hidden):
    """The four gates of the row that begins at element `here`."""
    return (
        offset(gates, here),
        offset(gates, here + hidden),
        offset(gates, here + 2 * hidden),
        offset(gates, here + 3 * hidden),
    )


@callee
def _three(gates, here, hidden):
    """The three gates of the row that begins at element `here`."""
    return offset(gates, here), offset(gates, here + hidden), offset(gates, here + 2 * hidden)


@callee
def _before_row(h, h0, hidden, offsets, before, row):
    """Where the row's state of the step before is."""
    if before >= 0 and row < offsets[before + 1] - offsets[before]:
        return offset(h, (offsets[before] + row) * hidden)
    return offset(h0, row * hidden)


@callee
def _step(s, steps, reverse):
    """The s-th step in the direction, and the one before it, -1 if there is none."""
    if reverse:
        return steps - 1 - s, steps - s if s else -1
    return s, s - 1


# Loops over the elements of a row are short on purpose: LLVM makes vector instructions of a loop only where few pairs of
# arrays might overlap, and a row stays in the nearest cache. `one` is 1 of the elements' type.


def lstm_kernel(h, c, gates, h0, c0, packed, offsets, steps, reverse, hidden, start, stop):
    """c = f c + i g and h = o tanh(c) of the gates i, f, g, o."""
    for s in range(steps):
        t, before = _step(s, steps, reverse)
        last = min(stop, offsets[t + 1] - offsets[t])
        if last <= start:
            continue
        _from_before(gates, 4 * hidden, h, h0, hidden, packed, offsets, t, before, start, last)
        for row in range(start, last):
            here = (offsets[t] + row) * hidden
            i, f, g, o = _four(gates, 4 * here, hidden)
            old, new, out = _before_row(c, c0, hidden, offsets, before, row), offset(c, here), offset(h, here)
            for j in range(2 * hidden):
                i[j] = sigmoid(i[j])
            for j in range(hidden):
                g[j] = tanh(g[j])
            for j in range(hidden):
                o[j] = sigmoid(o[j])
            for j in range(hidden):
                new[j] = f[j] * old[j] + i[j] * g[j]
            for j in range(hidden):
                out[j] = o[j] * tanh(new[j])


def lstm_backward_kernel(
    dgates, dh, dc, dy, gates, c, c0, packed, one, offsets, steps, reverse, hidden, start, stop
):
    """The gradient of the gates before their functions. dh and dc begin as the gradients of the last state, and end as
    those of the first."""
    for s in range(steps - 1, -1, -1):
        t, before = _step(s, steps, reverse)
        last = min(stop, offsets[t + 1] - offsets[t])
        if last <= start:
            continue
        for row in range(start, last):
            here = (offsets[t] + row) * hidden
            i, f, g, o = _four(gates, 4 * here, hidden)
            di, df, dg, do = _four(dgates, 4 * here, hidden)
            cell, old = offset(c, here), _before_row(c, c0, hidden, offsets, before, row)
            grad, d, dcell = offset(dy, here), offset(dh, row * hidden), offset(dc, row * hidden)
            for j in range(hidden):
                d[j] += grad[j]
            for j in range(hidden):
                dg[j] = tanh(cell[j])
            for j in range(hidden):
                do[j] = d[j] * dg[j] * o[j] * (one - o[j])
            for j in range(hidden):
                dcell[j] += d[j] * o[j] * (one - dg[j] * dg[j])
            for j in range(hidden):
                di[j] = dcell[j] * g[j] * i[j] * (one - i[j])
            for j in range(hidden):
                df[j] = dcell[j] * old[j] * f[j] * (one - f[j])
            for j in range(hidden):
                dg[j] = dcell[j] * i[j] * (one - g[j] * g[j])
            for j in range(hidden):
                dcell[j] *= f[j]
        source = offset(dgates, (offsets[t] + start) * 4 * hidden)
        _multiply(
            offset(dh, start * hidden),
            hidden,
            source,
            4 * hidden,
            packed,
            last - start,
            hidden,
            4 * hidden,
            0.0,
        )


def gru_kernel(h, gates, inner, inner_n, h0, packed, offsets, steps, reverse, hidden, start, stop):
    """h = (1 - z) n + z h with n = tanh(x_n + r inner_n): `gates` are r, z, n of the inputs, `inner` those of the state,
    which begins as its bias; `inner_n` becomes part n of it, which the gradient needs."""
    for s in range(steps):
        t, before = _step(s, steps, reverse)
        last = min(stop, offsets[t + 1] - offsets[t])
        if last <= start:
            continue
        _from_before(inner, 3 * hidden, h, h0, hidden, packed, offsets, t, before, start, last)
        for row in range(start, last):
            here = (offsets[t] + row) * hidden
            r, z, n = _three(gates, 3 * here, hidden)
            of_state, of_state_n = offset(inner, 3 * here), offset(inner, 3 * here + 2 * hidden)
            old, out = _before_row(h, h0, hidden, offsets, before, row), offset(h, here)
            kept = offset(inner_n, here)
            for j in range(2 * hidden):
                r[j] = sigmoid(r[j] + of_state[j])
            for j in range(hidden):
                kept[j] = of_state_n[j]
            for j in range(hidden):
                n[j] = tanh(n[j] + r[j] * of_state_n[j])
            for j in range(hidden):
                out[j] = (old[j] - n[j]) * z[j] + n[j]


def gru_backward_kernel(
    dgates, dinner, dh, dy, gates, inner_n, h, h0, packed, one, offsets, steps, reverse, hidden, start, stop
):
    """The gradients of `gates` and of `inner`, of which `inner_n` is part n. dh begins as the gradient of the last state,
    and ends as that of the first."""
    for s in range(steps - 1, -1, -1):
        t, before = _step(s, steps, reverse)
        last = min(stop, offsets[t + 1] - offsets[t])
        if last <= start:
            continue
        for row in range(start, last):
            here = (offsets[t] + row) * hidden
            r, z, n = _three(gates, 3 * here, hidden)
            dr, dz, dn = _three(dgates, 3 * here, hidden)
            of_state_n = offset(inner_n, here)
            d_state, d_state_n = offset(dinner, 3 * here), offset(dinner, 3 * here + 2 * hidden)
            grad, d, old = (
                offset(dy, here),
                offset(dh, row * hidden),
                _before_row(h, h0, hidden, offsets, before, row),
            )
            for j in range(hidden):
                d[j] += grad[j]
            for j in range(hidden):
                dn[j] = d[j] * (one - z[j]) * (one - n[j] * n[j])
            for j in range(hidden):
                dr[j] = dn[j] * of_state_n[j] * r[j] * (one - r[j])
            for j in range(hidden):
                dz[j] = d[j] * (old[j] - n[j]) * z[j] * (one - z[j])
            for j in range(2 * hidden):
                d_state[j] = dr[j]
            for j in range(hidden):
                d_state_n[j] = dn[j] * r[j]
            for j in range(hidden):
                d[j] *= z[j]
        source = offset(dinner, (offsets[t] + start) * 3 * hidden)
        _multiply(
            offset(dh, start * hidden),
            hidden,
            source,
            3 * hidden,
            packed,
            last - start,
            hidden,
            3 * hidden,
            1.0,
        )


def rnn_kernel(h, h0, packed, one, rectified, offsets, steps, reverse, hidden, start, stop):
    """h = tanh(h) or max(h, 0), where h begins as the products of the inputs."""
    zero = one - one
    for s in range(steps):
        t, before = _step(s, steps, reverse)
        last = min(stop, offsets[t + 1] - offsets[t])
        if last <= start:
            continue
        _from_before(h, hidden, h, h0, hidden, packed, offsets, t, before, start, last)
        out = offset(h, (offsets[t] + start) * hidden)
        if rectified:
            for j in range((last - start) * hidden):
                out[j] = zero if out[j] < zero else out[j]  # so NaN stays NaN
        else:
            for j in range((last - start) * hidden):
                out[j] = tanh(out[j])


def rnn_backward_kernel(
    dgates, dh, dy, h, packed, one, rectified, offsets, steps, reverse, hidden, start, stop
):
    """The gradient of what the function is applied to. dh begins as the gradient of the last state, and ends as that of
    the first."""
    zero = one - one
    for s in range(steps - 1, -1, -1):
        t, _ = _step(s, steps, reverse)
        last = min(stop, offsets[t + 1] - offsets[t])
        if last <= start:
            continue
        begin = (offsets[t] + start) * hidden
        out, grads, grad, own = (
            offset(h, begin),
            offset(dgates, begin),
            offset(dy, begin),
            offset(dh, start * hidden),
        )
        if rectified:
            for j in range((last - start) * hidden):
                grads[j] = grad[j] + own[j] if out[j] > zero else zero
        else:
            for j in range((last - start) * hidden):
                grads[j] = (grad[j] + own[j]) * (one - out[j] * out[j])
        _multiply(own, hidden, grads, hidden, packed, last - start, hidden, hidden, 0.0)


# ---- calls ----


@cache
def _entry(kernel: Callable, arrays: int, dtype: np.dtype, numbers: int) -> Callable:
    """`numbers`: 0, `one` (1), `one` and a flag (2)."""
    extra = [from_dtype(dtype), int][:numbers]
    return compiled(kernel, *[dtype] * arrays, *extra, "i8", int, int, int, int, int)


@cache
def _packing(dtype: np.dtype) -> Callable:
    return compiled(_pack_weight, dtype, dtype, int, int, int, int)


def _packed(weight: np.ndarray) -> np.ndarray:
    """A matrix (depth, columns) of any strides, as the tiles read it."""
    depth, columns = weight.shape
    width = 64 * 3  # more than any tile has columns, and room for what is written behind the last
    packed = memory.empty(((depth + 16) * (columns + width),), weight.dtype)
    lane, step = weight.strides[1] // weight.itemsize, weight.strides[0] // weight.itemsize
    _packing(weight.dtype)(packed, weight, lane, step, columns, depth)
    return packed


def _run(
    kernel: Callable, arrays: tuple, numbers: tuple, offsets: np.ndarray, reverse: bool, hidden: int
) -> None:
    """Call a kernel for all rows of the batch, shared between threads."""
    like = arrays[0]
    rows = int(offsets[1] - offsets[0])
    work = like.size * hidden
    shares = max(1, min(parallel.get_num_threads(), work // SHARE, rows))
    entry = _entry(kernel, len(arrays), like.dtype, len(numbers))
    sizes = offsets, len(offsets) - 1, int(reverse), hidden
    parallel.run(entry, rows, -(-rows // shares), *arrays, *numbers, *sizes)


def lstm(h, c, gates, h0, c0, weight, offsets, reverse) -> None:
    """h and c of all steps, from `gates` of the inputs; `weight` is (4 hidden, hidden)."""
    arrays = (h, c, gates, h0, c0, _packed(weight.T))
    _run(lstm_kernel, arrays, (), offsets, reverse, h.shape[-1])


def lstm_backward(dgates, dh, dc, dy, gates, c, c0, weight, offsets, reverse) -> None:
    """dgates, and dh and dc of the first state in the place of those of the last."""
    arrays = (dgates, dh, dc, dy, gates, c, c0, _packed(weight))
    _run(lstm_backward_kernel, arrays, (1.0,), offsets, reverse, dh.shape[-1])


def gru(h, gates, inner, inner_n, h0, weight, offsets, reverse) -> None:
    """h of all steps, and `inner_n` for the gradient, from `gates` of the inputs and the bias of the state in `inner`."""
    _run(gru_kernel, (h, gates, inner, inner_n, h0, _packed(weight.T)), (), offsets, reverse, h.shape[-1])


def gru_backward(dgates, dinner, dh, dy, gates, inner_n, h, h0, weight, offsets, reverse) -> None:
    """dgates and dinner, and dh of the first state in the place of that of the last."""
    arrays = (dgates, dinner, dh, dy, gates, inner_n, h, h0, _packed(weight))
    _run(gru_backward_kernel, arrays, (1.0,), offsets, reverse, dh.shape[-1])


def rnn(h, h0, weight, rectified, offsets, reverse) -> None:
    """h of all steps, in the place of the products of the inputs."""
    _run(rnn_kernel, (h, h0, _packed(weight.T)), (1.0, int(rectified)), offsets, reverse, h.shape[-1])


def rnn_backward(dgates, dh, dy, h, weight, rectified, offsets, reverse) -> None:
    """dgates, and dh of the first state in the place of that of the last."""
    arrays = (dgates, dh, dy, h, _packed(weight))
    _run(rnn_backward_kernel, arrays, (1.0, int(rectified)), offsets, reverse, dh.shape[-1])
