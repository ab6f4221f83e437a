"""The part of an image that a piece of the result reads, copied: with its padding, and so that what neighbours along
a line of the result read are neighbours.

For each channel, each run of lines (one image, one depth) and each tap in depth there are the lines of the image
that the run reads. With a stride of s along a line, the line is dealt out like cards to s hands, for a tap reads
every s-th element:

    s = 2, a line 0 1 2 3 4 5 6 7 with one padding:      - 1 3 5 7   0 2 4 6 -
"""

from __future__ import annotations

from numbatorch_kernels.callee import callee
from numbatorch_kernels.conv.copying import copy, copy_every_second
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.pointer import offset


@callee
def fill_line(to, source, first, last, length, pace):
    """to[i] = source[i pace] for first <= i < last, zero for the other i < length."""
    zero = element(to, 0)
    for i in range(first):
        to[i] = zero
    if pace == 1:
        copy(offset(to, first), offset(source, first), last - first)
    elif pace == 2:
        copy_every_second(offset(to, first), offset(source, 2 * first), last - first)
    else:
        for i in range(first, last):
            to[i] = source[i * pace]
    for i in range(last, length):
        to[i] = zero


@callee
def fill_lines(to, source, plan, h_begin, lines, w_begin, length):
    """`lines` lines of one plane of the image, from h_begin on; `length` elements in each hand."""
    height, width, down, right, step = plan[12], plan[13], plan[17], plan[18], plan[10]
    for hand in range(step):
        begin = w_begin + hand
        first = min(max(0, (step - 1 - begin) // step), length)
        last = max(min(length, (width - begin + step - 1) // step), first)
        for line in range(lines):
            h = h_begin + line
            here, inside = offset(to, (line * step + hand) * plan[41]), 0 <= h < height
            row = offset(source, h * down + begin * right)
            fill_line(
                here, row, first if inside else length, last if inside else length, length, step * right
            )


@callee
def fill(band, x, plan, channels, run_first, runs, h_first, rows, w_first, columns):
    """The band of `channels` channels for the runs, rows and columns of the result that begin there."""
    depth_taps = plan[34]
    lines = (rows - 1) * plan[9] + plan[42]
    length = columns + plan[41] - plan[28]
    h_begin, w_begin = h_first * plan[9] + plan[38], w_first * plan[10] + plan[39]
    of_slice = plan[40] * plan[10] * plan[41]
    for c in range(channels):
        for run in range(runs):
            image, d_out = (run_first + run) // plan[5], (run_first + run) % plan[5]
            for tap in range(depth_taps):
                to = offset(band, ((c * plan[26] + run) * depth_taps + tap) * of_slice)
                d = d_out * plan[8] + plan[48 + tap]
                if 0 <= d < plan[11]:
                    source = offset(x, image * plan[14] + c * plan[15] + d * plan[16])
                    fill_lines(to, source, plan, h_begin, lines, w_begin, length)
                else:
                    for i in range(lines * plan[10] * plan[41]):
                        to[i] = element(band, 0)
