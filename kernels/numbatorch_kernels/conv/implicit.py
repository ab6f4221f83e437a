"""The convolution as a matrix product whose right operand is never made: see `strip.py`.

                                columns: places of the result, of a piece
                               +-----+-----+-----+
    rows k: channel and tap    |strip|strip|strip|      of each strip DEPTH rows at a time are packed: they stay in
                               +-----+-----+-----+      the L1 cache while all of the weights go by
              +-------+        +-----+-----+-----+
    channels  |weights|        |     out         |
              +-------+        +-----------------+

A piece of the result is some lines of it: of one image, or all lines of several. First the `band` of the image that
the piece reads is copied with its padding (unless there is none, and the image will do as it is), then strips are
packed from it. The weights have been packed once, by `pack_weights`. Gradients for the input and transposed
convolutions are the same with other numbers in the plan.
"""

from __future__ import annotations

from math import inf

from numpy import int64

from numbatorch_kernels.callee import callee
from numbatorch_kernels.conv.band import fill
from numbatorch_kernels.conv.strip import pack_exactly, pack_strip
from numbatorch_kernels.gemm.blocked import most_rows
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.gemm.pack import pack
from numbatorch_kernels.gemm.tile import tile, tile_columns, tile_rows
from numbatorch_kernels.local import local
from numbatorch_kernels.pointer import offset


def pack_weights(to, w, plan, start, stop):
    """Weights in the order in which tiles read them: regions start:stop, each DEPTH rows of k of one group.

    plan: rows, k, depth, regions of a group, size of a region; strides of w along groups, rows, channels; the number
    of taps, and where each lies.
    """
    rows, k_all, most_depth, blocks, region = plan[0], plan[1], plan[2], plan[3], plan[4]
    count, taps, height = plan[8], offset(plan, 9), tile_rows(to)
    for index in range(start, stop):
        group, k0 = index // blocks, index % blocks * most_depth
        depth = min(most_depth, k_all - k0)
        here, source = offset(to, index * region), offset(w, group * plan[5])
        if plan[7] == count and taps[count - 1] == count - 1:  # a row of w is contiguous
            pack(here, height, offset(source, k0), plan[6], 1, rows, depth)
            continue
        for i in range(0, rows, height):
            strip, many = offset(here, i * depth), min(height, rows - i)
            for k in range(depth):
                column = offset(source, (k0 + k) // count * plan[7] + taps[(k0 + k) % count] + i * plan[6])
                for r in range(many):
                    strip[k * height + r] = column[r * plan[6]]
                for r in range(many, height):
                    strip[k * height + r] = element(to, 0)


@callee
def find_segments(begins, places, plan, run_first, run, h_first, row, rows, w_first, w, columns, count):
    """Where the `count` columns of a piece from (run, row, w) on are read: the number of segments."""
    in_place = plan[4]
    of_run = plan[34] * plan[40] * plan[10] * plan[41]
    of_line = plan[9] * (plan[17] if in_place else plan[10] * plan[41])
    segments, j = 0, 0
    while j < count:
        if in_place:
            depth = run_first + run
            begin = (
                depth // plan[5] * plan[14]
                + depth % plan[5] * plan[8] * plan[16]
                + h_first * of_line
                + w_first
            )
        else:
            begin = run * of_run
        begins[segments] = begin + row * of_line + w
        places[segments] = j
        segments += 1
        j += columns - w
        w, row = 0, row + 1
        if row == rows:
            run, row = run + 1, 0
    places[segments] = count
    return segments


@callee
def find_places(places, plan, run_first, run, h_first, row, rows, w_first, w, columns, count):
    """Where the `count` columns of a piece from (run, row, w) on are in out. Whether they are neighbours; then only the
    first is told."""
    near = plan[24] == 1 and row * columns + w + count <= rows * columns
    near = near and (rows == 1 or plan[23] == columns)
    j = 0
    while j < count:
        depth = run_first + run
        place = plan[19] + depth // plan[5] * plan[20] + depth % plan[5] * plan[22]
        place += (h_first + row) * plan[23] + (w_first + w) * plan[24]
        if near:
            places[0] = place
            return True
        for i in range(min(columns - w, count - j)):
            places[j + i] = place + i * plan[24]
        j += columns - w
        w, row = 0, row + 1
        if row == rows:
            run, row = run + 1, 0
    return False


@callee
def at_least(value, floor):
    """The value, or `floor` where it is not above that; NaN stays."""
    return floor if value <= floor else value


@callee
def scatter(out, row_step, places, source, width, bias, bias_step, rows, columns, keeps, floor):
    """A tile to places of out that are no neighbours: added to what is there, or to the bias; see `at_least`."""
    every_second = places[columns - 1] - places[0] == 2 * (columns - 1)
    for j in range(1, columns):
        every_second &= places[j] - places[j - 1] == 2
    for r in range(rows):
        to, row = offset(out, r * row_step), offset(source, r * width)
        if every_second and not keeps:
            add, line = bias[r * bias_step], offset(to, places[0])
            for j in range(columns):
                line[2 * j] = at_least(row[j] + add, floor)
        elif keeps:
            for j in range(columns):
                to[places[j]] = at_least(to[places[j]] + row[j], floor)
        else:
            add = bias[r * bias_step]
            for j in range(columns):
                to[places[j]] = at_least(row[j] + add, floor)


def correlate(out, x, weights, bias, scratch, plan, floor, shares, start, stop):
    """Of all the pieces, what falls to shares start:stop. `bias` has for every row as many equal numbers as a tile
    has columns; see plan.py for `plan`. What is not above `floor` becomes it."""
    groups, rows_all, channels = plan[0], plan[1], plan[2]
    unit_runs, unit_rows, unit_columns = plan[26], plan[27], plan[28]
    m_pieces, m_rows, most_depth, k_all = plan[29], plan[30], plan[31], plan[32]
    count, taps = plan[34] * plan[35] * plan[36], offset(plan, 48 + plan[34])
    height, width = tile_rows(scratch), tile_columns(scratch)
    across, down = (plan[7] + unit_columns - 1) // unit_columns, (plan[6] + unit_rows - 1) // unit_rows
    along = (plan[25] + unit_runs - 1) // unit_runs
    blocks = (k_all + most_depth - 1) // most_depth
    padded_rows = (rows_all + height - 1) // height * height
    in_place, plane = plan[4], plan[43]
    begins, places = local(int64, 65), local(int64, 65)
    to_places = local(int64, 64)
    band = offset(scratch, start * plan[44])
    packed = offset(band, plan[45])
    whole = offset(packed, plan[46])
    one, none, unbounded = element(out, 1), element(out, 0), element(out, -inf)
    pieces = groups * m_pieces * along * down * across
    for piece in range(start * pieces // shares, stop * pieces // shares):
        w_first, h_first = piece % across * unit_columns, piece // across % down * unit_rows
        run_first = piece // (across * down) % along * unit_runs
        m_first = piece // (across * down * along) % m_pieces * m_rows
        group = piece // (across * down * along * m_pieces)
        m_end = min(rows_all, m_first + m_rows)
        runs, rows = min(unit_runs, plan[25] - run_first), min(unit_rows, plan[6] - h_first)
        columns = min(unit_columns, plan[7] - w_first)
        total = runs * rows * columns
        keeps = m_end - m_first > most_rows(scratch)  # strips are used more than once
        for block in range(blocks):
            k0 = block * most_depth
            depth = min(most_depth, k_all - k0)
            least = element(out, floor) if k0 + depth == k_all else unbounded
            c_first, c_last = k0 // count, (k0 + depth - 1) // count
            image = offset(x, (group * channels + c_first) * plan[15])
            if not in_place:
                many = c_last - c_first + 1
                fill(band, image, plan, many, run_first, runs, h_first, rows, w_first, columns)
                image = band
            left = offset(weights, (group * blocks + block) * plan[47])
            for i0 in range(m_first, m_end, most_rows(scratch)):
                i_end = min(i0 + most_rows(scratch), m_end)
                run, row, w = 0, 0, 0
                for j in range(0, total, width):
                    strip, many = offset(packed, j * depth if keeps else 0), min(width, total - j)
                    if i0 == m_first:
                        segments = find_segments(begins, places, plan, run_first, run, h_first, row, rows,
                                                 w_first, w, columns, many)  # fmt: skip
                        end = (group * channels + c_last) * plane + begins[segments - 1] + plan[33] + width
                        if in_place and end > plan[37]:
                            pack_exactly(
                                strip, width, image, plane, taps, count, k0, depth, begins, places, segments
                            )
                        else:
                            pack_strip(
                                strip, width, image, plane, taps, count, k0, depth, begins, places, segments
                            )
                    near = find_places(to_places, plan, run_first, run, h_first, row, rows,
                                       w_first, w, columns, many)  # fmt: skip
                    w += width
                    while w >= columns:
                        w, row = w - columns, row + 1
                        if row == rows:
                            run, row = run + 1, 0
                    for i in range(i0, i_end, height):
                        to = offset(out, (group * rows_all + i) * plan[21])
                        add = offset(bias, (group * padded_rows + i) * width)
                        tile_of_w, down_to = offset(left, i * depth), rows_all - i
                        if near:
                            goal, goal_row, high, wide, bound = (
                                offset(to, to_places[0]),
                                plan[21],
                                down_to,
                                many,
                                least,
                            )
                            old, old_row, scale = add, width, one if plan[3] else none
                            if block:
                                old, old_row, scale = goal, plan[21], one
                        else:
                            goal, goal_row, high, wide, bound = whole, width, height, width, unbounded
                            old, old_row, scale = whole, width, none
                        tile(tile_of_w, height, 1, height, strip, width, depth, one, scale,
                             old, old_row, goal, goal_row, high, wide, bound)  # fmt: skip
                        if not near:
                            scatter(to, plan[21], to_places, whole, width, add, width,
                                    min(height, down_to), many, block > 0, least)  # fmt: skip
