"""The gradient of attention: the kernel.

With p = exp(s - lse) and ds = p (grad vᵀ - Σ_f grad out): dv = pᵀ grad, dk = scale dsᵀ q, dq = scale ds k.
"""

from __future__ import annotations

from numbatorch_kernels.attention.blocks import (
    EVERYWHERE,
    KEYS,
    QUERIES,
    by_key,
    by_query,
    clear_unseen,
    mask_scores,
    of_head,
    scores,
)
from numbatorch_kernels.attention.columns import columns_slopes
from numbatorch_kernels.attention.forward import SLACK
from numbatorch_kernels.gemm.matrix import element, size, stride
from numbatorch_kernels.gemm.pack import pack
from numbatorch_kernels.gemm.tile import tile_columns
from numbatorch_kernels.pointer import offset


def attention_backward_kernel(
    dq,
    dk,
    dv,
    grad,
    q,
    k,
    v,
    out,
    lse,
    delta,
    mask,
    masked,
    causal,
    scale,
    scratch,
    room,
    shares,
    start,
    stop,
):
    """Of all heads of keys, what falls to shares start:stop. `delta`, like lse, is filled with Σ_f grad out."""
    queries, keys, width, features = size(q, 2), size(k, 2), size(q, 1), size(v, 1)
    heads, key_heads, lanes = size(q, 3), size(k, 3), tile_columns(scratch)
    group = heads // key_heads
    padded_width, padded = (width + lanes - 1) // lanes * lanes, (features + lanes - 1) // lanes * lanes
    scale, zero, one = element(scratch, scale), element(scratch, 0), element(scratch, 1)
    p = offset(scratch, start * room)
    ds = offset(p, KEYS * QUERIES)
    sum_k = offset(ds, KEYS * QUERIES)
    sum_v = offset(sum_k, KEYS * padded_width)
    lanes_q = offset(sum_v, KEYS * padded)
    lanes_grad = offset(lanes_q, QUERIES * width + SLACK)
    rows_q = offset(lanes_grad, QUERIES * features + SLACK)
    rows_grad = offset(rows_q, QUERIES * padded_width + SLACK)
    packed_k = offset(rows_grad, QUERIES * padded + SLACK)
    packed_mask = offset(packed_k, KEYS * padded_width + SLACK)
    log_sums = offset(packed_mask, KEYS * QUERIES + SLACK)
    inner = offset(log_sums, QUERIES)
    units = size(k, 4) * key_heads
    for unit in range(start * units // shares, stop * units // shares):
        batch, key_head = unit // key_heads, unit % key_heads
        k_head, v_head = of_head(k, batch, key_head), of_head(v, batch, key_head)
        for head in range(key_head * group, (key_head + 1) * group):
            for i in range(queries):
                one_grad = offset(of_head(grad, batch, head), i * stride(grad, 2))
                one_out = offset(of_head(out, batch, head), i * stride(out, 2))
                product = zero
                for f in range(features):
                    product += one_grad[f] * one_out[f]
                delta[(batch * heads + head) * queries + i] = product
        for j0 in range(0, keys, KEYS):
            block = min(KEYS, keys - j0)
            k_block, v_block = offset(k_head, j0 * stride(k, 2)), offset(v_head, j0 * stride(v, 2))
            k_rows, k_row, k_strip = k_block, stride(k, 2), lanes
            if padded_width > width:
                pack(packed_k, lanes, k_block, 1, k_row, width, block)
                k_rows, k_row, k_strip = packed_k, lanes, lanes * block
            for n in range(block * padded_width):
                sum_k[n] = zero
            for n in range(block * padded):
                sum_v[n] = zero
            for head in range(key_head * group, (key_head + 1) * group):
                first = (batch * heads + head) * queries
                for i0 in range(j0 // QUERIES * QUERIES if causal else 0, queries, QUERIES):
                    rows = min(QUERIES, queries - i0)
                    across = (rows + lanes - 1) // lanes * lanes
                    diagonal = i0 - j0 if causal else EVERYWHERE
                    count = min(block, diagonal + rows)
                    q_rows, q_row = offset(of_head(q, batch, head), i0 * stride(q, 2)), stride(q, 2)
                    g_rows, g_row = offset(of_head(grad, batch, head), i0 * stride(grad, 2)), stride(grad, 2)
                    pack(lanes_q, lanes, q_rows, q_row, 1, rows, width)
                    pack(lanes_grad, lanes, g_rows, g_row, 1, rows, features)
                    k_step, v_step = stride(k, 2), stride(v, 2)
                    scores(p, k_block, k_step, k_step, 1, count, lanes_q, across, width, scale, diagonal)
                    scores(ds, v_block, v_step, v_step, 1, count, lanes_grad, across, features, one, diagonal)
                    if masked:
                        place = offset(
                            of_head(mask, batch, head), i0 * stride(mask, 2) + j0 * stride(mask, 1)
                        )
                        pack(packed_mask, lanes, place, stride(mask, 2), stride(mask, 1), rows, count)
                    if masked or count > diagonal:
                        mask_scores(p, count, across, packed_mask, masked, diagonal)
                    for c in range(across):
                        log_sums[c] = lse[first + i0 + c] if c < rows else zero
                        inner[c] = delta[first + i0 + c] if c < rows else zero
                    for j in range(0, across, lanes):
                        columns_slopes(offset(p, j), offset(ds, j), QUERIES, min(count, diagonal + j + lanes),
                                       offset(log_sums, j), offset(inner, j))  # fmt: skip
                    clear_unseen(p, count, diagonal)
                    clear_unseen(ds, count, diagonal)
                    q_strip = g_strip = lanes
                    if padded_width > width:
                        pack(rows_q, lanes, q_rows, 1, q_row, width, rows)
                        q_rows, q_row, q_strip = rows_q, lanes, lanes * rows
                    if padded > features:
                        pack(rows_grad, lanes, g_rows, 1, g_row, features, rows)
                        g_rows, g_row, g_strip = rows_grad, lanes, lanes * rows
                    by_key(sum_v, padded, p, count, g_rows, g_row, g_strip, rows, padded, one, one, diagonal)
                    by_key(sum_k, padded_width, ds, count, q_rows, q_row, q_strip, rows, padded_width, scale, one,
                           diagonal)  # fmt: skip
                    to = offset(of_head(dq, batch, head), i0 * stride(dq, 2))
                    by_query(to, stride(dq, 2), rows, width, ds, count, k_rows, k_row, k_strip, rows, width, scale,
                             one if j0 else zero, diagonal)  # fmt: skip
            to_k, to_v = of_head(dk, batch, key_head), of_head(dv, batch, key_head)
            for n in range(block):
                row = offset(to_k, (j0 + n) * stride(dk, 2))
                for f in range(width):
                    row[f] = sum_k[n * padded_width + f]
                row = offset(to_v, (j0 + n) * stride(dv, 2))
                for f in range(features):
                    row[f] = sum_v[n * padded + f]


def room_backward(width: int, padded_width: int, features: int, padded: int) -> int:
    """Elements of scratch that a share of `attention_backward_kernel` needs."""
    of_keys = 3 * QUERIES + 2 * padded_width + padded
    return KEYS * of_keys + QUERIES * (width + features + padded_width + padded + 2) + 6 * SLACK
