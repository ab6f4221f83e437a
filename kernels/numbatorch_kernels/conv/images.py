"""The convolution of many small images: each place of the result is a matrix product of its own, whose columns are the
images. What lies outside of an image is not multiplied, where `implicit.py` has zeros: of the gradient of a 5x5 kernel
for images of 14 x 14 that is half.

                                columns: some images
                               +------+
    k: tap and channel, of     |      |     lies there as it is, for the images have been turned: (places, channels,
    the taps inside            +------+     images); the taps of one line of the kernel are neighbours
              +-------+        +------+
    channels  |weights|        | out  |     turned back in the end
              +-------+        +------+
"""

from __future__ import annotations

from math import inf

from numbatorch_kernels.callee import callee
from numbatorch_kernels.conv.implicit import at_least
from numbatorch_kernels.gemm.matrix import element
from numbatorch_kernels.gemm.pack import pack
from numbatorch_kernels.gemm.tile import tile, tile_columns, tile_rows
from numbatorch_kernels.pointer import offset


@callee
def first_inside(shifts, count, place):
    """The first of `count` ascending shifts with which a place reads at 0 or behind it."""
    k = 0
    while k < count and place + shifts[k] < 0:
        k += 1
    return k


@callee
def end_inside(shifts, count, place, size):
    """Behind the last with which it reads before `size`; 0 if none does."""
    k = count
    while k > 0 and place + shifts[k - 1] >= size:
        k -= 1
    return k


@callee
def turn_in(to, width, x, plan, channels, many):
    """`many` images from x on, as (places, channels, images)."""
    depth, height, across = plan[11], plan[12], plan[13]
    for place in range(depth * height * across):
        d, h, w = place // (height * across), place // across % height, place % across
        source = offset(x, d * plan[16] + h * plan[17] + w * plan[18])
        pack(offset(to, place * channels * width), width, source, plan[14], plan[15], many, channels)


@callee
def turn_out(out, made, width, plan, rows, many):
    """(rows, places, images) to `many` images of the result."""
    lines, columns = plan[5] * plan[6], plan[7]
    for r in range(rows):
        for image in range(many):
            for line in range(lines):
                d, h = line // plan[6], line % plan[6]
                to = offset(out, image * plan[20] + r * plan[21] + d * plan[22] + h * plan[23])
                source = offset(made, (r * lines + line) * columns * width + image)
                for w in range(columns):
                    to[w * plan[24]] = source[w * width]


def correlate_images(out, x, weights, bias, scratch, plan, floor, shares, start, stop):
    """As `implicit.correlate`, with a plan of `plan.images_of`."""
    groups, rows_all, channels, images = plan[0], plan[1], plan[2], plan[4]
    m_pieces, m_rows = plan[31], plan[32]
    taps_d, taps_h, taps_w = plan[25], plan[26], plan[27]
    far = offset(plan, 33)
    down = offset(far, taps_d)
    right = offset(down, taps_h)
    height, width = tile_rows(scratch), tile_columns(scratch)
    padded_rows = (rows_all + height - 1) // height * height
    k_all, places = taps_d * taps_h * taps_w * channels, plan[5] * plan[6] * plan[7]
    turned = offset(scratch, start * plan[29])
    made = offset(turned, plan[28])
    one, none, unbounded = element(out, 1), element(out, 0), element(out, -inf)
    items = groups * m_pieces * ((images + width - 1) // width)
    for item in range(start * items // shares, stop * items // shares):
        m_first, group = item % m_pieces * m_rows, item // m_pieces % groups
        image, rows = item // (m_pieces * groups) * width, min(m_rows, rows_all - m_first)
        many = min(width, images - image)
        turn_in(
            turned, width, offset(x, image * plan[14] + group * channels * plan[15]), plan, channels, many
        )
        for place in range(places):
            d, h, w = place // (plan[6] * plan[7]), place // plan[7] % plan[6], place % plan[7]
            d, h, w = d * plan[8], h * plan[9], w * plan[10]
            a_first, a_end = first_inside(far, taps_d, d), end_inside(far, taps_d, d, plan[11])
            b_first, b_end = first_inside(down, taps_h, h), end_inside(down, taps_h, h, plan[12])
            first, end = first_inside(right, taps_w, w), end_inside(right, taps_w, w, plan[13])
            goals, row_step = offset(made, place * width), places * width
            if a_first >= a_end or b_first >= b_end or first >= end:
                for r in range(rows):
                    alone = at_least(bias[(group * padded_rows + m_first + r) * width], element(out, floor))
                    for i in range(width):
                        goals[r * row_step + i] = alone
                continue
            for a in range(a_first, a_end):
                for b in range(b_first, b_end):
                    begins, ends = a == a_first and b == b_first, a == a_end - 1 and b == b_end - 1
                    line = ((d + far[a]) * plan[12] + h + down[b]) * plan[13] + w + right[first]
                    source = offset(turned, line * channels * width)
                    tap = (a * taps_h + b) * taps_w + first
                    left = offset(weights, group * plan[30] + m_first * k_all + tap * channels * height)
                    depth, least = (end - first) * channels, element(out, floor) if ends else unbounded
                    for i in range(0, rows, height):
                        goal = offset(goals, i * row_step)
                        add = offset(bias, (group * padded_rows + m_first + i) * width)
                        old, old_row, scale = goal, row_step, one
                        if begins:
                            old, old_row, scale = add, width, one if plan[3] else none
                        tile(offset(left, i * k_all), height, 1, height, source, width, depth, one, scale,
                             old, old_row, goal, row_step, height, width, least)  # fmt: skip
        to = offset(out, plan[19] + image * plan[20] + (group * rows_all + m_first) * plan[21])
        turn_out(to, made, width, plan, rows, many)
