"""Attention, softmax(scale q kᵀ + mask) v, and its gradient, without a matrix of queries by keys in memory.

                 queries                 A block of QUERIES queries meets the keys KEYS at a time. What is held of the
               +---------+               scores is one such block, keys down and queries across: so the registers hold
      k   keys | scoresᵀ |               queries side by side, and maxima and sums over keys take no shuffling.
               +---------+
                                         1. scoresᵀ = scale k qᵀ; q is packed once for all keys, k is read where it is
      out = weightsᵀᵀ v                  2. weightsᵀ = exp(scoresᵀ - largest so far), and their sums
                                         3. out = out * exp(largest before - largest now) + weights v

At the end out is divided by the sums. For the gradient the logarithm of each query's sum is kept, from which the
weights are computed anew. All products are done by the tile of gemm/tile.py. Causal attention leaves out the tiles
that no query sees.

All arrays are float32 or float64 and have four dimensions: batch, heads, queries or keys, features; the heads of k and
v each serve as many neighbouring heads of q. lse is (batch, heads, queries), contiguous. On the CPU `attention` also
takes halves, and makes float32 of a block at a time; then lse and the mask are float32.

Source: M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867; T. Dao and others,
"FlashAttention", arXiv:2205.14135.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from numbatorch_kernels import memory, parallel
from numbatorch_kernels.attention.backward import attention_backward_kernel, room_backward
from numbatorch_kernels.attention.blocks import QUERIES
from numbatorch_kernels.attention.forward import attention_kernel, room_forward
from numbatorch_kernels.cpu import compiled
from numbatorch_kernels.gemm.matrix import matrix
from numbatorch_kernels.gemm.tile import registers
from numbatorch_kernels.registry import Kernel

attention = Kernel("attention")  # (out, lse, q, k, v, mask or None, scale, causal)
attention_backward = Kernel("attention_backward")
# (dq, dk, dv, grad, q, k, v, out, lse, mask or None, scale, causal)

SHARE = 1 << 20  # multiplications worth a thread


@cache
def _entry(code: str, operands: str, backward: bool) -> Callable:
    """The kernel that computes in dtype `code`."""
    computed, of = matrix(np.dtype(code)), matrix(np.dtype(operands))
    tensors = [of] * 8 + [code, code] if backward else [of, code, of, of, of]
    function = attention_backward_kernel if backward else attention_kernel
    kinds = (*tensors, computed, int, int, float, code, int, int, int, int)
    return compiled(function, *kinds, fastmath={"reassoc", "contract"})


def _padded(features: int, itemsize: int) -> int:
    """Features in whole tiles."""
    lanes = registers().vectors * registers().bytes // itemsize
    return -(-features // lanes) * lanes


def _in_rows(array: np.ndarray) -> np.ndarray:
    """An array whose features are neighbours."""
    return array if array.strides[-1] == array.itemsize else np.ascontiguousarray(array)


def _run(entry: Callable, units: int, work: int, room: int, dtype: np.dtype, *args) -> None:
    """Call the entry, cut into shares if there is enough to do; each has a room of its own."""
    shares = min(units, work // SHARE, parallel.PIECES * parallel.get_num_threads()) or 1
    scratch = memory.empty((room * shares,), dtype)
    parallel.run(entry, shares, 1, *args, scratch, room, shares)


@attention.on("cpu")
def _attention(out, lse, q, k, v, mask, scale, causal):
    (batch, heads, queries, width), (keys, features) = q.shape, v.shape[-2:]
    k, v = _in_rows(k), _in_rows(v)
    units = batch * heads * -(-queries // QUERIES)
    work = batch * heads * queries * keys * (width + features)
    room = room_forward(width, _padded(features, lse.itemsize), q.dtype != lse.dtype)
    given = (q, 0) if mask is None else (mask, 1)
    args = (out, lse, q, k, v, *given, int(causal), float(scale))
    _run(_entry(lse.dtype.char, q.dtype.char, False), units, work, room, lse.dtype, *args)


@attention_backward.on("cpu")
def _attention_backward(dq, dk, dv, grad, q, k, v, out, lse, mask, scale, causal):
    (batch, heads, queries, width), (keys, features) = q.shape, v.shape[-2:]
    q, k, v, grad, out = map(_in_rows, (q, k, v, grad, out))
    work = batch * heads * queries * keys * (width + features)
    padded_width, padded = (_padded(n, q.itemsize) for n in (width, features))
    room = room_backward(width, padded_width, features, padded)
    given = (q, 0) if mask is None else (mask, 1)
    delta = np.empty_like(lse)
    args = (dq, dk, dv, grad, q, k, v, out, lse, delta, *given, int(causal), float(scale))
    _run(_entry(lse.dtype.char, q.dtype.char, True), batch * k.shape[1], work, room, q.dtype, *args)


# ---- CUDA: see cuda/attention.py, imported late: a program that stays on the CPU never loads a CUDA compiler ----


@attention.on("cuda")
def _attention_on_cuda(*args):
    from numbatorch_kernels.cuda import attention

    attention.attention(*args)


@attention_backward.on("cuda")
def _attention_backward_on_cuda(*args):
    from numbatorch_kernels.cuda import attention

    attention.attention_backward(*args)
