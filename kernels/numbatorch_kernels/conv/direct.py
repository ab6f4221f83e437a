"""Convolutions with few channels of the result, or for the weights' gradient one of the image, in a group: too little
for a matrix product.

Neighbours along a line of the result are in the vector registers, and tap after tap is added to them; for the weights'
gradient a tap's products along all lines are. What they read is copied first, with its padding (`band.py`): lines
that are neighbours there are one long one, of whose sums those between the lines are left behind.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic
from numpy import int64

from numbatorch_kernels.conv.band import fill
from numbatorch_kernels.conv.copying import copy
from numbatorch_kernels.conv.weights import find_lines
from numbatorch_kernels.gemm.lanes import Vectors
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.gemm.pack import vector_lanes
from numbatorch_kernels.gemm.tile import tile_columns, tile_rows
from numbatorch_kernels.local import local
from numbatorch_kernels.pointer import offset

TOGETHER = 4  # vectors of a line
SUMS = 9  # of taps, for the weights' gradient: those of a 3x3 kernel


@intrinsic
def add_taps(typingctx, to, source, taps, count, channels, plane, weights, step, start, floor):
    """to[j] = start + sum over channels c and k < count of weights[(c * count + k) * step] * source[c * plane + taps[k] + j]
    for TOGETHER vectors; what is not above `floor` becomes it."""
    number, size = to.dtype, types.intp

    def codegen(context, builder, signature, args):
        to, source, taps, count, channels, plane, weights, step, start, floor = args
        v = Vectors(context, builder, number)
        shifts = [count.type(i * v.lanes) for i in range(TOGETHER)]

        def channel(c, source, weights, *sums):
            def tap(k, weights, *sums):
                weight = v.broadcast(builder.load(weights))
                here = builder.gep(source, [builder.load(builder.gep(taps, [k]))])
                added = [
                    v.fma(weight, v.load(builder.gep(here, [shift]), None), total)
                    for shift, total in zip(shifts, sums)
                ]
                return [builder.gep(weights, [step]), *added]

            return [builder.gep(source, [plane]), *v.loop(count, [weights, *sums], tap)]

        first = [source, weights, *[v.broadcast(start)] * TOGETHER]
        _, _, *sums = v.loop(channels, first, channel)
        floor = v.broadcast(floor)
        for shift, total in zip(shifts, sums):
            below = builder.fcmp_ordered("<=", total, floor)
            v.store(builder.select(below, floor, total), builder.gep(to, [shift]), None)
        return context.get_dummy_value()

    return types.void(to, source, taps, size, size, size, weights, size, number, number), codegen


@intrinsic
def add_products(typingctx, sums, source, rows, lines, count, length, y, y_line):
    """sums[i] += y * source[rows[i] + ...] over `count` lines of `length`, for SUMS many i.

    Each of the sums is a vector: those of its elements are still to be added up.
    """
    number, size = sums.dtype, types.intp

    def codegen(context, builder, signature, args):
        sums, source, rows, lines, count, length, y, y_line = args
        v = Vectors(context, builder, number)
        taps, integer = range(SUMS), length.type
        begins = [builder.gep(source, [builder.load(builder.gep(rows, [integer(m)]))]) for m in taps]
        lanes = integer(v.lanes)
        whole = builder.sdiv(length, lanes)
        left = builder.srem(length, lanes)
        mask, some = v.first(left), builder.icmp_signed("!=", left, integer(0))

        def of_line(line, *totals):
            start = builder.load(builder.gep(lines, [line]))
            here = [builder.gep(begin, [start]) for begin in begins]
            grads = builder.gep(y, [builder.mul(line, y_line)])

            def at(place, mask, totals):
                grad = v.load(builder.gep(grads, [place]), mask)
                return [
                    v.fma(grad, v.load(builder.gep(pointer, [place]), mask), total)
                    for pointer, total in zip(here, totals)
                ]

            totals = v.loop(whole, totals, lambda k, *totals: at(builder.mul(k, lanes), None, totals))
            return v.loop(
                builder.zext(some, integer),
                totals,
                lambda k, *totals: at(builder.mul(whole, lanes), mask, totals),
            )

        places = [builder.gep(sums, [integer(m * v.lanes)]) for m in taps]
        totals = v.loop(count, [v.load(place, None) for place in places], of_line)
        for place, total in zip(places, totals):
            v.store(total, place, None)
        return context.get_dummy_value()

    return types.void(sums, source, rows, lines, size, size, y, size), codegen


def correlate_directly(out, x, weights, bias, scratch, plan, floor, shares, start, stop):
    """As `implicit.correlate`, where a group has few channels of the result."""
    rows_all, channels = plan[1], plan[2]
    unit_runs, unit_rows, unit_columns = plan[26], plan[27], plan[28]
    count, taps = plan[34] * plan[35] * plan[36], offset(plan, 48 + plan[34])
    height, width = tile_rows(scratch), tile_columns(scratch)
    across, down = (plan[7] + unit_columns - 1) // unit_columns, (plan[6] + unit_rows - 1) // unit_rows
    along = (plan[25] + unit_runs - 1) // unit_runs
    of_run, of_line = plan[34] * plan[40] * plan[10] * plan[41], plan[9] * plan[10] * plan[41]
    band = offset(scratch, start * plan[44])
    sums = offset(band, plan[45])
    pieces, least = plan[0] * along * down * across, element(out, floor)
    for piece in range(start * pieces // shares, stop * pieces // shares):
        w_first, h_first = piece % across * unit_columns, piece // across % down * unit_rows
        run_first, group = piece // (across * down) % along * unit_runs, piece // (across * down * along)
        runs, rows = min(unit_runs, plan[25] - run_first), min(unit_rows, plan[6] - h_first)
        columns = min(unit_columns, plan[7] - w_first)
        image = offset(x, group * channels * plan[15])
        fill(band, image, plan, channels, run_first, runs, h_first, rows, w_first, columns)
        lines = rows if of_line == plan[41] else 1  # lines that are neighbours in the band too are one
        length = (lines - 1) * of_line + columns
        for index in range(runs * rows_all):
            run, r = index // rows_all, index % rows_all
            depth, channel = run_first + run, group * rows_all + r
            place = plan[19] + depth // plan[5] * plan[20] + depth % plan[5] * plan[22] + channel * plan[21]
            first, row = bias[(group * height + r) * width], offset(weights, group * plan[47] + r)
            for h in range(0, rows, lines):
                source = offset(band, run * of_run + h * of_line)
                for j in range(0, length, TOGETHER * vector_lanes(sums)):
                    add_taps(offset(sums, j), offset(source, j), taps, count, channels, plan[43],
                             row, height, first, least)  # fmt: skip
                for line in range(lines):
                    to = offset(out, place + (h_first + h + line) * plan[23] + w_first * plan[24])
                    made = offset(sums, line * of_line)
                    if plan[24] == 1:
                        copy(to, made, columns)
                    else:
                        for i in range(columns):
                            to[i * plan[24]] = made[i]


def compare_directly(out, y, x, scratch, lines, plan, more, shares, start, stop):
    """The weights' gradient, where a group has one channel of x; y is contiguous."""
    rows_all = plan[1]
    unit_runs, unit_rows, unit_columns = plan[26], plan[27], plan[28]
    count, taps = plan[34] * plan[35] * plan[36], offset(plan, 48 + plan[34])
    lanes = vector_lanes(scratch)
    across, down = (plan[7] + unit_columns - 1) // unit_columns, (plan[6] + unit_rows - 1) // unit_rows
    pieces = (plan[25] + unit_runs - 1) // unit_runs * down * across
    sums = offset(scratch, start * plan[44])
    band = offset(sums, more[5])
    lines = offset(lines, start * more[8])
    places = local(int64, 64)
    channels = plan[0] * rows_all
    first, last = start * channels // shares, stop * channels // shares
    for k in range(first * count, last * count):
        out[k] = element(out, 0)
    while first < last:
        group = first // rows_all
        end = min(last, (group + 1) * rows_all)  # channels first:end of y are of one group
        for piece in range(pieces):
            w_first, h_first = piece % across * unit_columns, piece // across % down * unit_rows
            run_first = piece // (across * down) * unit_runs
            runs, rows = min(unit_runs, plan[25] - run_first), min(unit_rows, plan[6] - h_first)
            columns = min(unit_columns, plan[7] - w_first)
            find_lines(lines, plan, run_first, runs, h_first, rows, w_first)
            image = offset(x, group * plan[15])
            if not plan[4]:
                fill(band, image, plan, 1, run_first, runs, h_first, rows, w_first, columns)
                image = band
            for channel in range(first, end):
                own = offset(out, channel * count)
                for k in range(0, count, SUMS):
                    for i in range(SUMS):
                        places[i] = taps[min(k + i, count - 1)]
                    for i in range(SUMS * lanes):
                        sums[i] = element(out, 0)
                    for run in range(runs):
                        n, d = (run_first + run) // plan[5], (run_first + run) % plan[5]
                        grads = offset(y, n * more[6] + channel * more[7])
                        grads = offset(grads, (d * plan[6] + h_first) * plan[7] + w_first)
                        of_run = offset(lines, run * rows)
                        add_products(sums, image, places, of_run, rows, columns, grads, plan[7])
                    for i in range(min(SUMS, count - k)):
                        for lane in range(lanes):
                            own[k + i] += sums[i * lanes + lane]
        first = end
