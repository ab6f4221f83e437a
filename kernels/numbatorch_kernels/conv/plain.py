"""Convolutions as plain loops, row by row of the result: for integers, which have no tile.

A table of numbers describes the shapes, three directions each: see `table_of` in __init__.py.
"""

from __future__ import annotations

from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.pointer import offset


def plain_forward(out, x, w, bias, biased, table, start, stop):
    """The correlation of contiguous x and w: rows start:stop of out."""
    channels, inputs = table[1], table[2]
    depth, height, width = table[3], table[4], table[5]
    in_depth, in_height, in_width = table[6], table[7], table[8]
    kd, kh, kw = table[9], table[10], table[11]
    per_group = channels // table[0]
    for row in range(start, stop):
        image, channel = row // (height * depth) // channels, row // (height * depth) % channels
        od, oh = row // height % depth, row % height
        to = offset(out, row * width)
        for ow in range(width):
            to[ow] = bias[channel] if biased else element(out, 0)
        for c in range(inputs):
            plane = (image * table[0] * inputs + channel // per_group * inputs + c) * in_depth
            for a in range(kd):
                d = od * table[12] - table[15] + a * table[18]
                for b in range(kh):
                    h = oh * table[13] - table[16] + b * table[19]
                    if d < 0 or d >= in_depth or h < 0 or h >= in_height:
                        continue
                    source = offset(x, ((plane + d) * in_height + h) * in_width)
                    taps = offset(w, (((channel * inputs + c) * kd + a) * kh + b) * kw)
                    for k in range(kw):
                        left, step, tap = k * table[20] - table[17], table[14], taps[k]
                        first = max(0, -(left // step))
                        last = min(width, (in_width - 1 - left) // step + 1)
                        for ow in range(first, last):
                            to[ow] += source[ow * step + left] * tap


def plain_for_input(out, y, w, bias, biased, table, start, stop):
    """The other way round: what was read is written. Rows start:stop of out, which is what was `x`."""
    outputs, inputs = table[1] // table[0], table[2]
    depth, height, width = table[6], table[7], table[8]
    y_depth, y_height, y_width = table[3], table[4], table[5]
    kd, kh, kw = table[9], table[10], table[11]
    channels = table[0] * inputs
    for row in range(start, stop):
        image, channel = row // (height * depth) // channels, row // (height * depth) % channels
        d, h = row // height % depth, row % height
        group, c = channel // inputs, channel % inputs
        to = offset(out, row * width)
        for i in range(width):
            to[i] = bias[channel] if biased else element(out, 0)
        for o in range(group * outputs, (group + 1) * outputs):
            for a in range(kd):
                far = d + table[15] - a * table[18]
                od = far // table[12]
                for b in range(kh):
                    deep = h + table[16] - b * table[19]
                    oh = deep // table[13]
                    if od * table[12] != far or oh * table[13] != deep:
                        continue
                    if od < 0 or od >= y_depth or oh < 0 or oh >= y_height:
                        continue
                    source = offset(y, (((image * table[1] + o) * y_depth + od) * y_height + oh) * y_width)
                    taps = offset(w, (((o * inputs + c) * kd + a) * kh + b) * kw)
                    for k in range(kw):
                        left, step, tap = k * table[20] - table[17], table[14], taps[k]
                        first = max(0, -(left // step))
                        last = min(y_width, (width - 1 - left) // step + 1)
                        for ow in range(first, last):
                            to[ow * step + left] += source[ow] * tap
