"""Convolutions."""

import numpy as np

from samples.sample import COMPLEX, FLOATS, REAL, Sample

IMAGES = (((2, 4, 5, 6), (4, 2, 3, 2), (4,)), ((0, 4, 3, 3), (2, 2, 2, 2), (2,)))


def _few(*arrays: np.ndarray) -> list[np.ndarray]:
    """Small integers, whose sums are exact and do not overflow."""
    return [np.clip(a, 0, 3) if a.dtype.kind in "ui" else a for a in arrays]


CONVOLUTIONS = [
    Sample(
        "conv1d",
        (((2, 3, 7), (4, 3, 3), (4,)), ((3, 5), (2, 3, 2), (2,))),
        args=(2, 1),
        dtypes=REAL,
        prepare=_few,
        tol=8,
    ),
    Sample("conv2d", IMAGES, args=((2, 1), (0, 1), 1, 2), dtypes=FLOATS, tol=8),
    Sample("conv2d", (((1, 2, 4, 5), (2, 1, 2, 2), (2,)),), args=(1, "same", 2, 2), dtypes=FLOATS, tol=8),
    Sample("conv2d", (((1, 2, 4, 3), (2, 2, 2, 2), (2,)),), dtypes=COMPLEX, tol=8),
    Sample("conv3d", (((1, 2, 3, 3, 4), (2, 2, 2, 2, 2), (2,)),), dtypes=FLOATS, tol=8),
    Sample(
        "conv_transpose1d",
        (((2, 2, 3), (2, 3, 3), (3,)),),
        args=(2, 1, 1),
        dtypes=(*FLOATS, "int64"),
        prepare=_few,
        tol=8,
    ),
    Sample(
        "conv_transpose2d",
        (((2, 4, 3, 2), (4, 2, 3, 2), (4,)), ((4, 2, 2), (4, 1, 3, 3), (2,))),
        args=((2, 3), 1, 1, 2, 2),
        dtypes=FLOATS,
        tol=8,
    ),
    Sample(
        "conv_transpose3d",
        (((1, 2, 2, 2, 3), (2, 1, 2, 2, 2), (1,)),),
        args=((1, 2, 1),),
        dtypes=FLOATS,
        tol=8,
    ),
]
