"""The largest elements and the means of windows, and back."""

import numpy as np

from samples.sample import FLOATS, REAL, Sample

_LINES = (((2, 3, 7),), ((3, 8),), ((0, 2, 5),))
_PICTURES = (((2, 3, 5, 7),), ((3, 6, 6),), ((0, 2, 5, 5),), ((1, 1, 4, 140),))
_VOLUMES = (((2, 2, 4, 5, 6),), ((1, 4, 4, 4),))
_PLACES = np.array([[[[3, 7], [10, 13]], [[0, 5], [8, 15]]]])


def _distinct(x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Numbers that differ from each other by more than what gradients are tested with, in an order that is random."""
    if x.dtype.kind != "f":
        return (x,)
    order = np.argsort(x, axis=None).argsort().reshape(x.shape)
    return ((order / 8).astype(x.dtype),)


def _max(name: str, shapes: tuple, *args: object, dtypes: tuple = ("float32",), **kwargs: object) -> Sample:
    return Sample(f"nn.functional.{name}", shapes, args, kwargs, dtypes=dtypes, prepare=_distinct)


def _avg(name: str, shapes: tuple, *args: object, dtypes: tuple = ("float32",), **kwargs: object) -> Sample:
    return Sample(f"nn.functional.{name}", shapes, args, kwargs, dtypes=dtypes)


POOLING = [
    Sample("max_pool1d", _LINES, (2,), dtypes=FLOATS, prepare=_distinct),
    _max("max_pool1d", _LINES, 3, 1, 1, 2, return_indices=True),
    _max("max_pool2d", _PICTURES, 2, dtypes=REAL),
    _max("max_pool2d", _PICTURES, 3, 2, 1, return_indices=True),
    _max("max_pool2d", _PICTURES, (2, 3), (1, 2), (1, 1), (2, 1), True, return_indices=True),
    _max("max_pool3d", _VOLUMES, 2, 2, 1, return_indices=True),
    _max("max_pool3d", _VOLUMES, (2, 1, 3), (1, 2, 3), ceil_mode=True, return_indices=True),
    _max("adaptive_max_pool1d", _LINES, 3, dtypes=FLOATS),
    _max("adaptive_max_pool2d", _PICTURES[:2], (3, 2), return_indices=True, dtypes=REAL),
    _max("adaptive_max_pool3d", _VOLUMES, (2, None, 4), return_indices=True),
    _avg("avg_pool1d", _LINES, 2, dtypes=FLOATS),
    _avg("avg_pool2d", _PICTURES, 2, dtypes=REAL),
    _avg("avg_pool2d", _PICTURES, 3, 2, 1, True, False),
    _avg("avg_pool2d", _PICTURES, (3, 4), (1, 3), (1, 2), divisor_override=5),
    _avg("avg_pool3d", _VOLUMES, 3, 2, 1, dtypes=REAL),
    _avg("avg_pool3d", _VOLUMES, (2, 1, 3), 2, 0, True, divisor_override=3),
    _avg("adaptive_avg_pool1d", _LINES, 4, dtypes=FLOATS),
    _avg("adaptive_avg_pool2d", _PICTURES, (3, None), dtypes=REAL),
    _avg("adaptive_avg_pool2d", _PICTURES[:2], 1, dtypes=FLOATS),
    _avg("adaptive_avg_pool3d", _VOLUMES, 3),
    Sample("nn.functional.lp_pool1d", _LINES, (2, 3), low=0.5, dtypes=FLOATS),
    Sample("nn.functional.lp_pool2d", _PICTURES[:2], (3, (2, 3), 1), low=0.5, dtypes=FLOATS),
    Sample("nn.functional.lp_pool3d", _VOLUMES, (2, 2), low=0.5, dtypes=("float32",)),
    Sample("nn.functional.max_unpool1d", (((2, 3),),), (np.array([[0, 3, 4], [1, 2, 5]]), 2), dtypes=FLOATS),
    Sample("nn.functional.max_unpool2d", (((1, 2, 2, 2),),), (_PLACES, 2), dtypes=REAL),
    Sample(
        "nn.functional.max_unpool3d",
        (((1, 2, 2, 2),),),
        (np.arange(8).reshape(1, 2, 2, 2) * 8 + 3, 2, 2, 0, (4, 4, 4)),
        dtypes=FLOATS,
    ),
]
