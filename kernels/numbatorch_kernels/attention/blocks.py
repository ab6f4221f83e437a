"""A block of scores, keys down and queries across: what makes it, and what is made of it.

`diagonal` says which key the first query sees as the last one: key k and query q of a block meet if k <= diagonal + q.
Tiles and vectors of queries that no query of theirs sees are left out, and so are not written.
"""

from __future__ import annotations

from math import inf

from numbatorch_kernels.attention.columns import columns_add
from numbatorch_kernels.callee import callee
from numbatorch_kernels.gemm.matrix import element, size, stride
from numbatorch_kernels.gemm.pack import out_of_line
from numbatorch_kernels.gemm.tile import tile, tile_columns, tile_rows
from numbatorch_kernels.pointer import offset

QUERIES = 96  # in a block: whole tiles across and, as rows of a product, down
KEYS = 96  # in a block, a multiple of QUERIES
EVERYWHERE = 1 << 40  # the diagonal of attention that is not causal


@callee
def scores(s, k, k_tile, k_row, k_column, keys, packed, queries, width, scale, diagonal):
    """s = scale k qᵀ, (keys, queries), for packed queries; nothing below the diagonal, tile by tile.

    Of k, tiles' rows begin `k_tile` elements apart for each row, and within a tile rows lie `k_row` apart and features
    `k_column`.
    """
    out_of_line()
    height, lanes = tile_rows(s), tile_columns(s)
    for j in range(0, queries, lanes):
        for i in range(0, min(keys, diagonal + j + lanes), height):
            to = offset(s, i * QUERIES + j)
            tile(offset(k, i * k_tile), keys - i, k_row, k_column, offset(packed, j * width), lanes, width, scale,
                 element(s, 0), to, QUERIES, to, QUERIES, height, lanes)  # fmt: skip


@callee
def by_query(c, c_row, rows, columns, s, keys, b, b_row, b_strip, queries, width, alpha, beta, diagonal):
    """c = alpha sᵀ b + beta c: a row for each query, `b` has a row for each key. c has `rows` x `columns`."""
    out_of_line()
    height, lanes = tile_rows(s), tile_columns(s)
    for j in range(0, width, lanes):
        for i in range(0, queries, height):
            to, strip = offset(c, i * c_row + j), offset(b, j // lanes * b_strip)
            tile(offset(s, i), height, 1, QUERIES, strip, b_row, min(keys, diagonal + i + height),
                 alpha, beta, to, c_row, to, c_row, rows - i, columns - j)  # fmt: skip


@callee
def by_key(c, c_row, s, keys, b, b_row, b_strip, queries, width, alpha, beta, diagonal):
    """c = alpha s b + beta c: a row for each key, `b` has a row for each query."""
    out_of_line()
    height, lanes = tile_rows(s), tile_columns(s)
    for j in range(0, width, lanes):
        for i in range(0, keys, height):
            first = max(0, i - diagonal)
            to, strip = offset(c, i * c_row + j), offset(b, j // lanes * b_strip + first * b_row)
            tile(offset(s, i * QUERIES + first), keys - i, QUERIES, 1, strip, b_row, queries - first,
                 alpha, beta, to, c_row, to, c_row, keys - i, lanes)  # fmt: skip


@callee
def of_head(array, batch, head):
    """Where a head begins. An axis of size 1 repeats."""
    start = batch * stride(array, 4) if size(array, 4) > 1 else 0
    return offset(array.data, start + head * stride(array, 3) if size(array, 3) > 1 else start)


@callee
def mask_scores(s, keys, queries, mask, masked, diagonal):
    """Add the mask, packed like queries; minus infinity for what is not seen of a vector of queries."""
    lanes = tile_columns(s)
    for j in range(0, queries, lanes):
        count = min(keys, diagonal + j + lanes)
        if masked:
            columns_add(offset(s, j), QUERIES, count, offset(mask, j * keys))
        for k in range(diagonal + j + 1, count):
            for c in range(j, k - diagonal):
                s[k * QUERIES + c] = element(s, -inf)


@callee
def clear_unseen(s, keys, diagonal):
    """Zeros where products go beyond the diagonal, before the first vector of queries that sees a key."""
    height, lanes = tile_rows(s), tile_columns(s)
    for k in range(max(0, diagonal + lanes), keys):
        first = (k - diagonal) // lanes * lanes
        for c in range(max(0, first - height), first):
            s[k * QUERIES + c] = element(s, 0)
