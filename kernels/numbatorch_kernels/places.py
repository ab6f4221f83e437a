"""Scalar bodies of `grid_sample`: where in a picture a place of the grid lies, and with what weights its neighbours count.

g is from -1 to 1 over n elements; x counts elements.
"""

from numbatorch_kernels.primitives import abs, floor, fmod, where


def aligned(g, n):
    """-1 and 1 are the centres of the outermost elements."""
    return (g + 1) / 2 * (n - 1)


def unaligned(g, n):
    """-1 and 1 are the outer borders."""
    return ((g + 1) * n - 1) / 2


def clipped(x, last):
    """x within 0 .. last; 0 for NaN."""
    return where(x > 0, where(x < last, x, last), 0)


def reflected(x, low, span):
    """x as mirrors at `low` and `low + span` show it."""
    way = abs(x - low)
    rest, turns = fmod(way, span), floor(way / span)
    return where(turns - 2 * floor(turns / 2) == 0, rest + low, span - rest + low)


def nearest(x):
    """The one neighbour has weight 1."""
    return where(abs(x) < 1e30, x * 0, 0) + 1


def linear(x):
    """The weights of the neighbours before and behind."""
    f = x - floor(x)
    return 1 - f, f


def cubic(x):
    """The weights of two neighbours before and two behind, by Keys's function with a = -3/4."""
    f = x - floor(x)
    return _far(f + 1), _near(f), _near(1 - f), _far(2 - f)


def _near(x):
    return (1.25 * x - 2.25) * x * x + 1


def _far(x):
    return ((-0.75 * x + 3.75) * x - 6) * x + 3
