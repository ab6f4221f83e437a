"""Attention: the kernel."""

from __future__ import annotations

from math import inf

from numba import types
from numba.extending import overload

from numbatorch_kernels.attention.blocks import (
    EVERYWHERE,
    KEYS,
    QUERIES,
    by_query,
    clear_unseen,
    mask_scores,
    of_head,
    scores,
)
from numbatorch_kernels.attention.columns import columns_largest, columns_weights
from numbatorch_kernels.gemm.matrix import BFLOAT16, FLOAT16, alike, element, reinterpret, size, stride
from numbatorch_kernels.gemm.pack import pack
from numbatorch_kernels.gemm.tile import tile_columns, tile_rows
from numbatorch_kernels.half import to_bfloat16, to_float16
from numbatorch_kernels.pointer import offset
from numbatorch_kernels.vecmath import exp_normal_f32, exp_normal_f64, log_f32, log_f64

SLACK = 256  # elements behind what is packed: `pack` writes there


def exponential(x):
    """e^x for x that are not positive, vectorised."""


def logarithm(x):
    """log x."""


@overload(exponential, jit_options={"forceinline": True})
def _exponential(x):
    return (lambda x: exp_normal_f32(x)) if x == types.float32 else (lambda x: exp_normal_f64(x))


@overload(logarithm, jit_options={"forceinline": True})
def _logarithm(x):
    return (lambda x: log_f32(x)) if x == types.float32 else (lambda x: log_f64(x))


def rounded(to, x):
    """`x` as an element of what `to` points to."""


@overload(rounded, jit_options={"forceinline": True})
def _rounded(to, x):
    if to.dtype == BFLOAT16:
        return lambda to, x: to_bfloat16(x)
    return (lambda to, x: to_float16(x)) if to.dtype == FLOAT16 else (lambda to, x: x)


def attention_kernel(out, lse, q, k, v, mask, masked, causal, scale, scratch, room, shares, start, stop):
    """Of all blocks of queries of all heads, what falls to shares start:stop. `room` elements of scratch for each.

    Where q, k, v and out are halves, each block becomes float32 when it is packed.
    """
    queries, keys, width, features = size(q, 2), size(k, 2), size(q, 1), size(v, 1)
    heads, lanes, height = size(q, 3), tile_columns(scratch), tile_rows(scratch)
    halves = not alike(k.data, scratch)
    group, blocks = heads // size(k, 3), (queries + QUERIES - 1) // QUERIES
    padded = (features + lanes - 1) // lanes * lanes
    scale, zero, one = element(scratch, scale), element(scratch, 0), element(scratch, 1)
    s = offset(scratch, start * room)
    sums = offset(s, KEYS * QUERIES)
    packed_q = offset(sums, QUERIES * padded)
    packed_v = offset(packed_q, QUERIES * width + SLACK)
    packed_mask = offset(packed_v, KEYS * padded + SLACK)
    packed_k = offset(packed_mask, KEYS * QUERIES + SLACK)
    largest = offset(packed_k, KEYS * width + SLACK if halves else 0)
    total, shift = offset(largest, QUERIES), offset(largest, 2 * QUERIES)
    factor = offset(largest, 3 * QUERIES)
    units = size(q, 4) * heads * blocks
    for unit in range(start * units // shares, stop * units // shares):
        batch, head, block = unit // blocks // heads, unit // blocks % heads, blocks - 1 - unit % blocks
        i0 = block * QUERIES
        rows = min(QUERIES, queries - i0)
        across = (rows + lanes - 1) // lanes * lanes
        seen = min(keys, i0 + rows) if causal else keys
        k_head, v_head = of_head(k, batch, head // group), of_head(v, batch, head // group)
        pack(packed_q, lanes, offset(of_head(q, batch, head), i0 * stride(q, 2)),
             stride(q, 2), stride(q, 1), rows, width)  # fmt: skip
        for c in range(across):
            largest[c], total[c] = element(scratch, -inf), zero
        for j0 in range(0, seen, KEYS):
            count = min(KEYS, seen - j0)
            diagonal = i0 - j0 if causal else EVERYWHERE
            k_block, v_block = offset(k_head, j0 * stride(k, 2)), offset(v_head, j0 * stride(v, 2))
            if halves:
                pack(packed_k, height, k_block, stride(k, 2), 1, count, width)
                scores(s, packed_k, width, 1, height, count, packed_q, across, width, scale, diagonal)
            else:
                k_rows, k_row = reinterpret(k_block, scratch), stride(k, 2)
                scores(s, k_rows, k_row, k_row, 1, count, packed_q, across, width, scale, diagonal)
            if masked:
                place = offset(of_head(mask, batch, head), i0 * stride(mask, 2) + j0 * stride(mask, 1))
                pack(packed_mask, lanes, place, stride(mask, 2), stride(mask, 1), rows, count)
            if masked or count > diagonal:
                mask_scores(s, count, across, packed_mask, masked, diagonal)
            for c in range(across):
                shift[c] = largest[c]
            for j in range(0, across, lanes):
                columns_largest(offset(s, j), QUERIES, min(count, diagonal + j + lanes), offset(shift, j))
            for c in range(across):
                before, largest[c] = largest[c], shift[c]
                shift[c] = shift[c] if shift[c] > element(scratch, -inf) else zero
                factor[c] = exponential(before - shift[c])
                total[c] *= factor[c]
            for j in range(0, across, lanes):
                columns_weights(offset(s, j), QUERIES, min(count, diagonal + j + lanes),
                                offset(shift, j), offset(total, j))  # fmt: skip
            clear_unseen(s, count, diagonal)
            if j0:
                for r in range(rows):
                    if factor[r] != one:
                        for f in range(padded):
                            sums[r * padded + f] *= factor[r]
            v_rows, v_row, v_strip = reinterpret(v_block, scratch), stride(v, 2), lanes
            if halves or padded > features:
                pack(packed_v, lanes, v_block, 1, v_row, features, count)
                v_rows, v_row, v_strip = packed_v, lanes, lanes * count
            by_query(sums, padded, QUERIES, padded, s, count, v_rows, v_row, v_strip, rows, padded,
                     one, one if j0 else zero, diagonal)  # fmt: skip
        to, log_sums = of_head(out, batch, head), offset(lse, (batch * heads + head) * queries)
        for r in range(rows):
            row = offset(to, (i0 + r) * stride(out, 2))
            inverse = one / total[r] if total[r] != zero else zero
            for f in range(features):
                row[f] = rounded(row, sums[r * padded + f] * inverse)
            log_sums[i0 + r] = shift[r] + logarithm(total[r]) if total[r] != zero else zero


def room_forward(width: int, padded: int, halves: bool) -> int:
    """Elements of scratch that a share of `attention_kernel` needs."""
    of_keys = KEYS * width + SLACK if halves else 0
    return KEYS * QUERIES * 2 + (QUERIES + KEYS) * padded + QUERIES * (width + 4) + 3 * SLACK + of_keys
