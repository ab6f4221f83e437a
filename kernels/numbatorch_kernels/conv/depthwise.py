"""Convolutions in which a channel of the result reads one channel of the image: too little for a matrix product.

Neighbours along a line of the result are in the vector registers, and tap after tap is added to them; for the weights'
gradient a tap's products along all lines are. What a channel reads is copied first, with its padding (`band.py`).
"""

from __future__ import annotations

from math import inf

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy import int64

from numbatorch_kernels.callee import callee
from numbatorch_kernels.conv.band import fill
from numbatorch_kernels.conv.implicit import at_least, find_places, find_segments
from numbatorch_kernels.conv.weights import find_lines
from numbatorch_kernels.gemm import tile
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.gemm.pack import vector_lanes
from numbatorch_kernels.gemm.tile import tile_columns, tile_rows
from numbatorch_kernels.local import local
from numbatorch_kernels.pointer import offset

TOGETHER = 4  # vectors of a line


class _Vectors:
    """Building IR on vectors of the host's width."""

    def __init__(self, context, builder, element):
        self.builder, self.element = builder, element
        self.lanes = tile.registers().bytes // (element.bitwidth // 8)
        self.type = ir.VectorType(context.get_value_type(element), self.lanes)
        self.mask = ir.VectorType(ir.IntType(1), self.lanes)
        self.zero, self.align = ir.Constant(self.type, None), ir.IntType(32)(element.bitwidth // 8)
        self.suffix = f"v{self.lanes}f{element.bitwidth}"

    def call(self, name: str, result, *arguments):
        kind = ir.FunctionType(result, [a.type for a in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)

    def broadcast(self, value):
        first = self.builder.insert_element(self.zero, value, ir.IntType(64)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self.builder.shuffle_vector(first, first, zeros)

    def first(self, count):
        """A mask of the first `count` elements."""
        wide = ir.VectorType(count.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(wide, None), count, ir.IntType(64)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        every = self.builder.shuffle_vector(one, one, zeros)
        return self.builder.icmp_signed("<", ir.Constant(wide, list(range(self.lanes))), every)

    def load(self, pointer, mask):
        if mask is None:
            return tile.load(self.builder, pointer, self.type, self.element)
        pointer = self.builder.bitcast(pointer, self.type.as_pointer())
        return self.call(
            f"llvm.masked.load.{self.suffix}.p0", self.type, pointer, self.align, mask, self.zero
        )

    def store(self, value, pointer, mask):
        if mask is None:
            tile.store(self.builder, value, pointer, self.element)
            return
        pointer = self.builder.bitcast(pointer, self.type.as_pointer())
        self.call(f"llvm.masked.store.{self.suffix}.p0", ir.VoidType(), value, pointer, self.align, mask)

    def fma(self, a, b, c):
        return self.call(f"llvm.fmuladd.{self.suffix}", self.type, a, b, c)

    def loop(self, steps, state, step):
        """`step(k, *state)`, which gives the next state, for k < steps: the last state."""
        builder, none = self.builder, ir.IntType(64)(0)
        before = builder.block
        check, body, after = (builder.append_basic_block(name) for name in ("check", "body", "after"))
        builder.branch(check)
        builder.position_at_end(check)
        first = [none, *state]
        phis = [builder.phi(value.type) for value in first]
        builder.cbranch(builder.icmp_signed("<", phis[0], steps), body, after)
        builder.position_at_end(body)
        later = [builder.add(phis[0], none.type(1)), *step(*phis)]
        for phi, value, following in zip(phis, first, later):
            phi.add_incoming(value, before)
            phi.add_incoming(following, builder.block)
        builder.branch(check)
        builder.position_at_end(after)
        return phis[1:]


def _add_taps(all_exist: bool):
    """The intrinsic below: all of its elements exist, or only `length` of them."""

    @intrinsic
    def add_taps(typingctx, to, source, taps, weights, step, count, start, length):
        """to[j] = start + sum over k < count of weights[k * step] * source[taps[k] + j] for TOGETHER vectors."""
        number, size = to.dtype, types.intp

        def codegen(context, builder, signature, args):
            to, source, taps, weights, step, count, start, length = args
            v = _Vectors(context, builder, number)
            shifts = [length.type(i * v.lanes) for i in range(TOGETHER)]
            masks = [None if all_exist else v.first(builder.sub(length, shift)) for shift in shifts]

            def tap(k, *sums):
                weight = v.broadcast(builder.load(builder.gep(weights, [builder.mul(k, step)])))
                here = builder.gep(source, [builder.load(builder.gep(taps, [k]))])
                return [
                    v.fma(weight, v.load(builder.gep(here, [shift]), mask), total)
                    for shift, mask, total in zip(shifts, masks, sums)
                ]

            sums = v.loop(count, [v.broadcast(start)] * TOGETHER, tap)
            for shift, mask, total in zip(shifts, masks, sums):
                v.store(total, builder.gep(to, [shift]), mask)
            return context.get_dummy_value()

        return types.void(to, source, taps, weights, size, size, number, size), codegen

    return add_taps


add_taps, add_taps_to_few = _add_taps(True), _add_taps(False)


@intrinsic
def add_products(typingctx, sums, source, rows, lines, count, length, y, y_line):
    """sums[i] += y * source[rows[i] + ...] over `count` lines of `length`, for as many i as a tile has rows.

    Each of the sums is a vector: those of its elements are still to be added up.
    """
    number, size = sums.dtype, types.intp

    def codegen(context, builder, signature, args):
        sums, source, rows, lines, count, length, y, y_line = args
        v = _Vectors(context, builder, number)
        taps, integer = range(tile.registers().rows), length.type
        begins = [builder.gep(source, [builder.load(builder.gep(rows, [integer(m)]))]) for m in taps]
        lanes = integer(v.lanes)
        steps = builder.sdiv(builder.add(length, integer(v.lanes - 1)), lanes)

        def of_line(line, *totals):
            start = builder.load(builder.gep(lines, [line]))
            here = [builder.gep(begin, [start]) for begin in begins]
            grads = builder.gep(y, [builder.mul(line, y_line)])

            def of_vector(k, *totals):
                place = builder.mul(k, lanes)
                mask = v.first(builder.sub(length, place))
                grad = v.load(builder.gep(grads, [place]), mask)
                return [
                    v.fma(grad, v.load(builder.gep(pointer, [place]), mask), total)
                    for pointer, total in zip(here, totals)
                ]

            return v.loop(steps, totals, of_vector)

        places = [builder.gep(sums, [integer(m * v.lanes)]) for m in taps]
        totals = v.loop(count, [v.load(place, None) for place in places], of_line)
        for place, total in zip(places, totals):
            v.store(total, place, None)
        return context.get_dummy_value()

    return types.void(sums, source, rows, lines, size, size, y, size), codegen


@callee
def fill_result(to, source, taps, weights, step, count, start, columns):
    """A line of the result."""
    many = TOGETHER * vector_lanes(to)
    if columns < many:
        add_taps_to_few(to, source, taps, weights, step, count, start, columns)
    for j in range(0, columns if columns >= many else 0, many):
        j = min(j, columns - many)  # the last may overlap those before, and write the same again
        add_taps(offset(to, j), offset(source, j), taps, weights, step, count, start, many)


def depthwise_forward(out, x, weights, bias, scratch, plan, floor, shares, start, stop):
    """As `implicit.correlate`, where a group has one channel of x and few of the result."""
    rows_all = plan[1]
    unit_runs, unit_rows, unit_columns = plan[26], plan[27], plan[28]
    count, taps = plan[34] * plan[35] * plan[36], offset(plan, 48 + plan[34])
    height, width = tile_rows(scratch), tile_columns(scratch)
    across, down = (plan[7] + unit_columns - 1) // unit_columns, (plan[6] + unit_rows - 1) // unit_rows
    along = (plan[25] + unit_runs - 1) // unit_runs
    in_place = plan[4]
    begins, places, to_places = local(int64, 2), local(int64, 2), local(int64, 2)
    band = offset(scratch, start * plan[44])
    line = offset(band, plan[45])
    pieces, least = plan[0] * along * down * across, element(out, floor)
    for piece in range(start * pieces // shares, stop * pieces // shares):
        w_first, h_first = piece % across * unit_columns, piece // across % down * unit_rows
        run_first, group = piece // (across * down) % along * unit_runs, piece // (across * down * along)
        runs, rows = min(unit_runs, plan[25] - run_first), min(unit_rows, plan[6] - h_first)
        columns = min(unit_columns, plan[7] - w_first)
        image = offset(x, group * plan[15])
        if not in_place:
            fill(band, image, plan, 1, run_first, runs, h_first, rows, w_first, columns)
            image = band
        for index in range(runs * rows):
            run, row = index // rows, index % rows
            find_segments(begins, places, plan, run_first, run, h_first, row, rows, w_first, 0, columns, 1)
            find_places(to_places, plan, run_first, run, h_first, row, rows, w_first, 0, columns, 1)
            for r in range(rows_all):
                to = offset(out, (group * rows_all + r) * plan[21] + to_places[0])
                first = bias[(group * height + r) * width]
                row, source = offset(weights, group * plan[47] + r), offset(image, begins[0])
                if plan[24] == 1:
                    fill_result(to, source, taps, row, height, count, first, columns)
                else:
                    fill_result(line, source, taps, row, height, count, first, columns)
                    for i in range(columns):
                        to[i * plan[24]] = line[i]
                if floor > -inf:
                    for i in range(columns):
                        to[i * plan[24]] = at_least(to[i * plan[24]], least)


def depthwise_compare(out, y, x, scratch, lines, plan, more, shares, start, stop):
    """The weights' gradient, for such groups; y is contiguous."""
    groups, rows_all = plan[0], plan[1]
    unit_runs, unit_rows, unit_columns = plan[26], plan[27], plan[28]
    count, taps = plan[34] * plan[35] * plan[36], offset(plan, 48 + plan[34])
    height, lanes = tile_rows(scratch), vector_lanes(scratch)
    across, down = (plan[7] + unit_columns - 1) // unit_columns, (plan[6] + unit_rows - 1) // unit_rows
    pieces = (plan[25] + unit_runs - 1) // unit_runs * down * across
    sums = offset(scratch, start * plan[44])
    band = offset(sums, more[5])
    lines = offset(lines, start * more[8])
    places = local(int64, 64)
    for group in range(start * groups // shares, stop * groups // shares):
        own = offset(out, group * rows_all * count)
        for k in range(rows_all * count):
            own[k] = element(out, 0)
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
            for r in range(rows_all):
                for k in range(0, count, height):
                    for i in range(height):
                        places[i] = taps[min(k + i, count - 1)]
                    for i in range(height * lanes):
                        sums[i] = element(out, 0)
                    for run in range(runs):
                        n, d = (run_first + run) // plan[5], (run_first + run) % plan[5]
                        grads = offset(y, n * more[6] + (group * rows_all + r) * more[7])
                        grads = offset(grads, (d * plan[6] + h_first) * plan[7] + w_first)
                        of_run = offset(lines, run * rows)
                        add_products(sums, image, places, of_run, rows, columns, grads, plan[7])
                    for i in range(min(height, count - k)):
                        for lane in range(lanes):
                            own[r * count + k + i] += sums[i * lanes + lane]
