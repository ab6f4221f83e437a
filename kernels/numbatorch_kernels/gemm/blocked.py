"""The blocked matrix product: block by block into the caches, tile by tile through the registers.

                     n
              +-------+-------+      For each piece of out (or each matrix of a batch), in this order:
              |       |       |
            k |-------+-------|      1. of b, a block of DEPTH x COLUMNS is packed: it stays in the L3 cache;
              |       |///b///| D    2. of a, a block of ROWS x DEPTH is packed: it stays in the L2 cache;
              +-------+-------+      3. out gets the product of the two added, tile by tile. Going down a
          k       D                     column of tiles, the strip of b stays in the L1 cache, and only
      +-------+-------+-------+         the sums of one tile are in the registers.
      |       |       |       |
    m |-------|-------|-------|      Every element of out is the same sum in the same order for any number of
      |       |///a///|##out##|      threads: DEPTH and the lines between tiles depend on the sizes alone.
      +-------+-------+-------+

Packing a is left out where out has few columns, so that each element of a is used a few times only; packing b too
where they fit in one vector and lie next to each other.
"""

from __future__ import annotations

from math import inf

from numba import types

from numbatorch_kernels.gemm.matrix import alike, matrices, nth, reinterpret, size, stride
from numbatorch_kernels.gemm.pack import pack, vector_lanes
from numbatorch_kernels.gemm.slim import slim_tile
from numbatorch_kernels.gemm.tile import columns_of, constant, rows_of, tile, tile_columns, tile_rows
from numbatorch_kernels.pointer import offset

DEPTH = 384  # a strip of b, 64 bytes wide on most hosts, then has 24 KiB
BYTES_OF_A = 224 << 10  # of a packed block
BYTES_OF_B = 3 << 20
SCRATCH_BYTES = BYTES_OF_A + BYTES_OF_B + 1024  # of a share: the blocks, and what is written behind them
IN_PLACE = 192  # columns of out up to which a is not packed
FEW = 64  # steps for which that is so however a lies: their cache lines stay in the L1 cache until the next rows want them


def _fitting(nbytes: int, lanes: int, element: types.Type) -> int:
    """The most lanes, in whole strips of `lanes`, that a packed block of `nbytes` has room for."""
    return nbytes // (DEPTH * element.bitwidth // 8) // lanes * lanes


most_rows = constant(lambda element: _fitting(BYTES_OF_A, rows_of(element), element))
most_columns = constant(lambda element: _fitting(BYTES_OF_B, columns_of(element), element))
itemsize = constant(lambda element: element.bitwidth // 8)


def blocked_product(
    out, a, b, bias, alpha, beta, floor, piece_rows, piece_columns, scratch, shares, start, stop
):
    """out = max(alpha * a @ b + beta * bias, floor): of all the pieces, what falls to shares start:stop.

    A piece has piece_rows x piece_columns, whole numbers of tiles, or is all of a matrix of the batch. An
    axis that `bias` lacks repeats; it may be out itself, and where beta is 0 it is not read. The columns of
    out and bias are neighbours. k is at least 1.
    """
    m, n, k = size(out, 2), size(out, 1), size(a, 1)
    out_row, bias_row = stride(out, 2), stride(bias, 2)
    a_row, a_column, b_row, b_column = stride(a, 2), stride(a, 1), stride(b, 2), stride(b, 1)
    slim = n <= vector_lanes(scratch) and alike(a.data, scratch)
    height, width = tile_rows(scratch), vector_lanes(scratch) if slim else tile_columns(scratch)
    neighbours = a_column == 1 or (slim and k <= FEW)
    in_place = neighbours and n <= IN_PLACE and alike(a.data, scratch)
    blocks = (k + DEPTH - 1) // DEPTH
    most_depth = (k + blocks - 1) // blocks
    down, across = (m + piece_rows - 1) // piece_rows, (n + piece_columns - 1) // piece_columns
    pieces = matrices(out) * down * across
    packed_b = offset(scratch, start * (SCRATCH_BYTES // itemsize(scratch)))
    packed_a = offset(packed_b, DEPTH * most_columns(scratch))

    for piece in range(start * pieces // shares, stop * pieces // shares):
        batch, i_first, j_first = piece, 0, 0
        if down * across > 1:
            batch = piece // (down * across)
            i_first, j_first = piece // across % down * piece_rows, piece % across * piece_columns
        i_end, j_end = min(i_first + piece_rows, m), min(j_first + piece_columns, n)
        a_matrix, b_matrix, out_matrix = nth(a, batch, out), nth(b, batch, out), nth(out, batch, out)
        for j0 in range(j_first, j_end, most_columns(scratch)):
            columns = min(most_columns(scratch), j_end - j0)
            old, old_row, scale = nth(bias, batch, out), bias_row, beta
            for k0 in range(0, k, most_depth):
                depth = min(most_depth, k - k0)
                least = floor if k0 + depth == k else -inf
                b_block = offset(b_matrix, k0 * b_row + j0 * b_column)
                strips, strip_row = packed_b, width
                if slim and b_column == 1:
                    strips, strip_row = reinterpret(b_block, packed_b), b_row
                else:
                    pack(packed_b, width, b_block, b_column, b_row, columns, depth)
                for i0 in range(i_first, i_end, most_rows(scratch)):
                    rows = min(most_rows(scratch), i_end - i0)
                    a_block = offset(a_matrix, i0 * a_row + k0 * a_column)
                    bands, next_row = reinterpret(a_block, packed_a), a_row
                    if not in_place:
                        bands, next_row = packed_a, depth
                        pack(packed_a, height, a_block, a_row, a_column, rows, depth)
                    for j in range(0, columns, width):
                        strip = offset(strips, j * depth)
                        for i in range(0, rows, height):
                            band = offset(bands, i * next_row)
                            to = offset(out_matrix, (i0 + i) * out_row + j0 + j)
                            add = offset(old, (i0 + i) * old_row + j0 + j)
                            down_to, right_to = rows - i, columns - j
                            if slim:
                                row, column = (a_row, a_column) if in_place else (1, height)
                                slim_tile(band, row, column, strip, strip_row, depth, alpha, scale,
                                          add, old_row, to, out_row, down_to, right_to, least)  # fmt: skip
                            elif in_place:
                                tile(band, down_to, a_row, 1, strip, width, depth, alpha, scale,
                                     add, old_row, to, out_row, down_to, right_to, least)  # fmt: skip
                            else:
                                tile(band, height, 1, height, strip, width, depth, alpha, scale,
                                     add, old_row, to, out_row, down_to, right_to, least)  # fmt: skip
                old, old_row, scale = out_matrix, out_row, 1.0
