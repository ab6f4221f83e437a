"""The blocked matrix product: operands go block by block into the caches, and tile by tile through the registers.

                     n
              +-------+-------+           out, a and b are cut at the same lines:
              |       |  b    |
            k |- - - -+- - - -|  DEPTH    1. a share of the work is one rectangle of out (or whole matrices of a batch);
              |       |///////|           2. of b, a block of DEPTH x COLUMNS is packed: it stays in the L3 cache;
              +-------+-------+           3. of a, a block of ROWS x DEPTH is packed: it stays in the L2 cache;
          k                               4. the block of out is computed tile by tile; the strip of b that a column of
      +---+---+-------+-------+              tiles shares stays in the L1 cache.
      |   |   |       |       |
    m |-a-+---|- - - -+- out -|           DEPTH and the tiles' lines depend on the sizes alone, so every element of out is the
      |   |///| ROWS  |#######|           same sum, in the same order, for any number of threads.
      +---+---+-------+-------+

Packing costs a few per cent of a large product, but more of a small one: a product that fits the caches anyway (`direct`) is read where it
lies, and only what needs padding or has columns of b that are not neighbours is packed.
"""

from __future__ import annotations

from numba import types

from numbatorch_kernels.gemm.matrix import size, stride
from numbatorch_kernels.gemm.pack import pack
from numbatorch_kernels.gemm.tile import columns_of, constant, rows_of, tile, tile_columns, tile_rows
from numbatorch_kernels.pointer import offset

DEPTH = 384  # a strip of b, 64 bytes wide on most hosts, then takes 24 KiB
COLUMNS = 1024
BYTES_OF_A = 224 * 1024


def _rows(element: types.Type) -> int:
    """How many rows of a make a block: a whole number of tiles."""
    return BYTES_OF_A // (DEPTH * itemsize_of(element)) // rows_of(element) * rows_of(element)


def itemsize_of(element: types.Type) -> int:
    return element.bitwidth // 8


def scratch_of(element: types.Type) -> int:
    """How many elements of scratch a share needs: a block of a, a block of b, a tile."""
    return (_rows(element) + COLUMNS) * DEPTH + rows_of(element) * columns_of(element)


block_rows = constant(_rows)
itemsize = constant(itemsize_of)
scratch_elements = constant(scratch_of)


def blocked(out, a, b, s, alpha, beta, i_cut, j_cut, scratch, shares, start, stop):
    """out = alpha * a @ b + beta * s, pieces start:stop; every matrix of the batch is cut into pieces of i_cut x j_cut.

    `s` is `out` or a bias: an array that lacks axes repeats along them. Its columns are neighbours, as those of `out` are.
    """
    m, n, k = size(out, 2), size(out, 1), size(a, 1)
    out_row, a_row, a_column, b_row, b_column = stride(out, 2), stride(a, 2), stride(a, 1), stride(b, 2), stride(b, 1)
    height, width, block = tile_rows(scratch), tile_columns(scratch), block_rows(scratch)
    down, across = (m + i_cut - 1) // i_cut, (n + j_cut - 1) // j_cut
    share = start * shares // (size(out, 3) * down * across)
    packed_a = offset(scratch, share * scratch_elements(scratch))
    packed_b = offset(packed_a, block * DEPTH)

    for piece in range(start, stop):
        batch, i_first, j_first = piece // (down * across), piece // across % down * i_cut, piece % across * j_cut
        i_end, j_end = min(i_first + i_cut, m), min(j_first + j_cut, n)
        out_matrix, s_matrix_ = offset(out.data, batch * stride(out, 3)), offset(s.data, batch * stride(s, 3))
        a_matrix, b_matrix = offset(a.data, batch * stride(a, 3)), offset(b.data, batch * stride(b, 3))
        for j0 in range(j_first, j_end, COLUMNS):
            columns = min(COLUMNS, j_end - j0)
            for k0 in range(0, k, DEPTH):
                depth = min(DEPTH, k - k0)
                pack(packed_b, width, offset(b_matrix, k0 * b_row + j0 * b_column), b_column, b_row, 0, columns, depth)
                for i0 in range(i_first, i_end, block):
                    rows = min(block, i_end - i0)
                    pack(packed_a, height, offset(a_matrix, i0 * a_row + k0 * a_column), a_row, a_column, 0, rows, depth)
                    for j in range(0, columns, width):
                        for i in range(0, rows, height):
                            band, strip = offset(packed_a, i * depth), offset(packed_b, j * depth)
                            c = offset(out_matrix, (i0 + i) * out_row + j0 + j)
                            if k0 == 0:
                                s_matrix, s_row, scale = s_matrix_, stride(s, 2), beta
                            else:
                                s_matrix, s_row, scale = out_matrix, out_row, 1.0
                            s_tile = offset(s_matrix, (i0 + i) * s_row + j0 + j)
                            tile(band, 1, height, strip, width, depth, alpha, scale, s_tile, s_row, c, out_row, rows - i, columns - j)
