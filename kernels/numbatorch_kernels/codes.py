"""Numbers by which an op tells a kernel what to do. They are apart from the kernels, whose modules load Numba."""

from typing import NamedTuple

# How `scan.scan`, `index.reduce` and `bag.bag` combine elements.
SUM, PRODUCT, LOGSUMEXP, MAXIMUM, MINIMUM, MEAN = range(6)

# Which element of a line `select.select` takes.
RANK, MEDIAN, NANMEDIAN = range(3)


class Geometry(NamedTuple):
    """How the kernel of a convolution moves over an image, a number for each direction; padding is what comes
    before."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1


# Which neighbours of a place `grid_sample` looks at, and what it sees outside of the picture.
BILINEAR, NEAREST, BICUBIC = range(3)
ZEROS, BORDER, REFLECTION = range(3)

# What `info` of a matrix with such numbers is, where their singular values are wanted.
INFINITE, NAN = -1, -2
