"""Strips: as many neighbouring columns of a virtual matrix as a tile has, for a range of k, k by k.

The matrix is that of all patches, which nobody makes: column j is a place of the result, row k = (channel, tap) the
element of the image that the tap reads there. Along a line of the result its elements are neighbours in memory, so a
strip is moved a vector at a time; one over the end of a line has several segments.

              line 0       line 1                               to
    image  0 1 2 3 4 5 | 6 7 8 9 ...     strip of 8:   k = 0    0 1 2 3 4 5 6 7     segments: 0-5, 6-7
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbatorch_kernels.callee import callee
from numbatorch_kernels.gemm import tile
from numbatorch_kernels.pointer import offset


@intrinsic
def move(typingctx, to, source):
    """Copy as many elements as a tile has columns."""
    element = to.dtype

    def codegen(context, builder, signature, args):
        vector = ir.VectorType(context.get_value_type(element), tile.columns_of(element))
        tile.store(builder, tile.load(builder, args[1], vector, element), args[0], element)
        return context.get_dummy_value()

    return types.void(to, source), codegen


@callee
def pack_strip(to, width, source, plane, taps, count, k_first, depth, begins, places, segments):
    """Rows k_first ... of a strip. Channels of `source` lie `plane` apart; its first is that of k_first.

    Segment s begins at source[begins[s]] and goes to column places[s]. What a segment writes beyond its end the next
    overwrites, or the next k; after the last k follows up to a strip of rubbish, and as much is read.
    """
    tap = k_first % count
    if segments == 1:
        begin = begins[0]
        for k in range(depth):
            move(offset(to, k * width), offset(source, begin + taps[tap]))
            tap += 1
            if tap == count:
                tap = 0
                begin += plane
        return
    channel = 0
    for k in range(depth):
        line, row = offset(source, channel + taps[tap]), offset(to, k * width)
        for s in range(segments):
            move(offset(row, places[s]), offset(line, begins[s]))
        tap += 1
        if tap == count:
            tap = 0
            channel += plane


@callee
def pack_exactly(to, width, source, plane, taps, count, k_first, depth, begins, places, segments):
    """The same, where behind the last segment of an image there may be no memory: `places` has one more."""
    tap, channel = k_first % count, 0
    for k in range(depth):
        for s in range(segments):
            for j in range(places[s + 1] - places[s]):
                to[k * width + places[s] + j] = source[channel + taps[tap] + begins[s] + j]
        tap += 1
        if tap == count:
            tap = 0
            channel += plane
