"""What singular values and eigenvalues of small matrices have in common, which are computed in float64."""

from __future__ import annotations

import math

from numbatorch_kernels.cpu import shared

LARGEST = 25  # rows and columns of a small matrix: beyond, LAPACK divides and conquers
ROOM = LARGEST * LARGEST


@shared
def rotate(x, one, other, c, s, length):
    """Lines `one` and `other` of x become c one + s other and c other - s one."""
    for i in range(length):
        first, second = x[one * length + i], x[other * length + i]
        x[one * length + i], x[other * length + i] = c * first + s * second, c * second - s * first


@shared
def unit_scale(largest):
    """A power of 2 by which matrices with this largest element are multiplied, so that squares neither overflow nor vanish."""
    if largest == 0 or 1e-100 < largest < 1e100:
        return 1.0
    return 2.0 ** -max(-1000.0, min(1000.0, math.floor(math.log2(largest))))
