"""The gradient of a convolution for its weights: products of the patches of the image and the gradient y, added up over
all places.

                            columns: channels of y
                           +------+------+
    places, of a piece     |strip |strip |     packed: transposed
                           +------+------+
               +-------+   +------+------+
    rows:      | band  |   | sums |      |
    channels,  +-------+   +------+------+
    taps

A row, one tap of one channel of the image, is read where it lies: along a line of the result from neighbours in the
band, so that a tile needs nothing but where its rows and the lines begin. The sums are transposed, and lie tile by
tile; `add_up` puts them in their places. Where there are many channels, shares have their own; where there are
few, they have chunks of the pieces, whose number depends on the shapes alone, and `add_up` adds these.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic
from numpy import int64

from numbatorch_kernels.callee import callee
from numbatorch_kernels.conv.band import fill
from numbatorch_kernels.gemm import tile
from numbatorch_kernels.gemm.lanes import Vectors
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.gemm.pack import pack
from numbatorch_kernels.gemm.tile import tile_columns, tile_rows
from numbatorch_kernels.local import local
from numbatorch_kernels.pointer import offset


@intrinsic
def tile_over_lines(typingctx, a, rows, lines, count, length, b, c, keeps):
    """c = sum over lines and the `length` places p of each of a[rows[i] + lines[l] + p] * b[l * length + p, j], added to c
    if it `keeps`.

    One tile, as in gemm/tile.py. `rows` has an offset for each row of it; b and c are contiguous.
    """
    number, size = c.dtype, types.intp
    shape = tile.registers()

    def codegen(context, builder, signature, args):
        a, rows, lines, count, length, b, c, keeps = args
        v, integer = Vectors(context, builder, number), length.type
        width = shape.vectors * v.lanes
        everywhere = [(m, k) for m in range(shape.rows) for k in range(shape.vectors)]
        begins = [builder.gep(a, [builder.load(builder.gep(rows, [integer(m)]))]) for m in range(shape.rows)]

        def of_line(line, row, *sums):
            start = builder.load(builder.gep(lines, [line]))
            here = [builder.gep(begin, [start]) for begin in begins]

            def of_place(place, row, *sums):
                vectors = [
                    v.load(builder.gep(row, [integer(k * v.lanes)]), None) for k in range(shape.vectors)
                ]
                scalars = [v.broadcast(builder.load(builder.gep(pointer, [place]))) for pointer in here]
                added = [v.fma(scalars[m], vectors[k], t) for (m, k), t in zip(everywhere, sums)]
                return [builder.gep(row, [integer(width)]), *added]

            return v.loop(length, [row, *sums], of_place)

        _, *sums = v.loop(count, [b, *[v.zero] * len(everywhere)], of_line)
        targets = [builder.gep(c, [integer(m * width + k * v.lanes)]) for m, k in everywhere]
        with builder.if_else(builder.icmp_signed("!=", keeps, integer(0))) as (added, alone):
            with added:
                for target, total in zip(targets, sums):
                    v.store(builder.fadd(v.load(target, None), total), target, None)
            with alone:
                for target, total in zip(targets, sums):
                    v.store(total, target, None)
        return context.get_dummy_value()

    return types.void(a, rows, lines, size, size, b, c, size), codegen


@callee
def pack_places(packed, y, plan, more, width, group, run_first, runs, h_first, w_first, length):
    """All strips of y for a piece, transposed; `length` places of each run."""
    rows_all, total = plan[1], runs * length
    for strip in range(0, rows_all, width):
        for run in range(runs):
            image, d = (run_first + run) // plan[5], (run_first + run) % plan[5]
            place = image * more[6] + (group * rows_all + strip) * more[7]
            place += (d * plan[6] + h_first) * plan[7] + w_first
            to = offset(packed, strip * total + run * length * width)
            pack(to, width, offset(y, place), more[7], 1, min(width, rows_all - strip), length)


@callee
def find_lines(lines, plan, run_first, runs, h_first, rows, w_first):
    """Where the lines of a piece are read."""
    of_line = plan[9] * plan[10] * plan[41]
    of_run = plan[34] * plan[40] * plan[10] * plan[41]
    for run in range(runs):
        for row in range(rows):
            place = run * of_run + row * of_line
            if plan[4]:
                image, d = (run_first + run) // plan[5], (run_first + run) % plan[5]
                place = (
                    image * plan[14] + d * plan[8] * plan[16] + (h_first + row) * plan[9] * plan[17] + w_first
                )
            lines[run * rows + row] = place


def compare(sums, y, x, scratch, lines, plan, more, shares, start, stop):
    """Of all the items, what falls to shares start:stop; y is contiguous. See plan.py for `plan` and `more`."""
    groups, rows_all, channels = plan[0], plan[1], plan[2]
    unit_runs, unit_rows, unit_columns = plan[26], plan[27], plan[28]
    count, taps = plan[34] * plan[35] * plan[36], offset(plan, 48 + plan[34])
    height, width = tile_rows(scratch), tile_columns(scratch)
    across, down = (plan[7] + unit_columns - 1) // unit_columns, (plan[6] + unit_rows - 1) // unit_rows
    pieces = (plan[25] + unit_runs - 1) // unit_runs * down * across
    in_place, plane = plan[4], plan[43]
    chunks, c_pieces, c_count, c_some = more[0], more[1], more[2], more[3]
    strips = (rows_all + width - 1) // width
    packed = offset(scratch, start * plan[44])
    band = offset(packed, more[5])
    lines = offset(lines, start * more[8])
    places = local(int64, 64)
    items = groups * c_pieces * chunks
    for item in range(start * items // shares, stop * items // shares):
        chunk, c_piece, group = item % chunks, item // chunks % c_pieces, item // (chunks * c_pieces)
        c_begin = c_piece * c_count
        c_end = min(channels, c_begin + c_count)
        own = offset(sums, item * more[4])
        first = chunk * pieces // chunks
        for piece in range(first, (chunk + 1) * pieces // chunks):
            w_first, h_first = piece % across * unit_columns, piece // across % down * unit_rows
            run_first = piece // (across * down) * unit_runs
            runs, rows = min(unit_runs, plan[25] - run_first), min(unit_rows, plan[6] - h_first)
            columns = min(unit_columns, plan[7] - w_first)
            total = runs * rows * columns
            pack_places(
                packed, y, plan, more, width, group, run_first, runs, h_first, w_first, rows * columns
            )
            find_lines(lines, plan, run_first, runs, h_first, rows, w_first)
            for c_first in range(c_begin, c_end, c_some):
                some = min(c_some, c_end - c_first)
                image = offset(x, (group * channels + c_first) * plan[15])
                if not in_place:
                    fill(band, image, plan, some, run_first, runs, h_first, rows, w_first, columns)
                    image = band
                for strip in range(strips):
                    right = offset(packed, strip * width * total)
                    for j in range(0, some * count, height):
                        for r in range(height):
                            k = min(j + r, some * count - 1)
                            places[r] = k // count * plane + taps[k % count]
                        to = ((c_first - c_begin) * count + j) // height * strips + strip
                        tile_over_lines(image, places, lines, runs * rows, columns, right,
                                        offset(own, to * height * width), piece - first)  # fmt: skip


def add_up(out, sums, plan, more, start, stop):
    """The weights' gradient of channels start:stop of x, counted over all groups."""
    rows_all, channels, count = plan[1], plan[2], plan[34] * plan[35] * plan[36]
    chunks, c_pieces, c_count = more[0], more[1], more[2]
    height, width = tile_rows(out), tile_columns(out)
    strips = (rows_all + width - 1) // width
    for channel in range(start, stop):
        group, c = channel // channels, channel % channels
        item = (group * c_pieces + c // c_count) * chunks
        for tap in range(count):
            j = c % c_count * count + tap
            for o in range(rows_all):
                place = (j // height * strips + o // width) * height * width + j % height * width + o % width
                total = element(out, 0)
                for chunk in range(chunks):
                    total += sums[(item + chunk) * more[4] + place]
                out[((group * rows_all + o) * channels + c) * count + tap] = total
