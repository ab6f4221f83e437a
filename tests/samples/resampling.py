"""Pictures in another size."""

from samples.sample import FLOATS, REAL, Sample

_LINES = (((2, 3, 7),), ((0, 2, 5),))
_PICTURES = (((1, 2, 4, 5),), ((2, 1, 3, 6),))
_SEEN = (((2, 2, 4, 5), (2, 3, 2, 2)), ((1, 3, 1, 6), (1, 2, 5, 2)))
_VOLUMES = (((1, 2, 3, 4, 2),),)


def _resize(shapes: tuple, *args: object, dtypes: tuple[str, ...] = ("float32",), **kwargs: object) -> Sample:
    return Sample("nn.functional.interpolate", shapes, args, kwargs, dtypes=dtypes, tol=4)


RESAMPLING = [
    _resize(_LINES, 9, mode="nearest", dtypes=REAL),
    _resize(_PICTURES, (3, 9), mode="nearest-exact", dtypes=FLOATS),
    _resize(_VOLUMES, scale_factor=2, mode="nearest"),
    _resize(_LINES, scale_factor=2.3, mode="linear", dtypes=FLOATS),
    _resize(_PICTURES, scale_factor=2, mode="bilinear", dtypes=FLOATS),
    _resize(_PICTURES, (7, 3), mode="bilinear", align_corners=True),
    _resize(_PICTURES, (7, 3), mode="bicubic", dtypes=FLOATS),
    _resize(_PICTURES, scale_factor=(1.7, 2.0), mode="bicubic", align_corners=True),
    _resize(_VOLUMES, (5, 4, 3), mode="trilinear"),
    _resize(_PICTURES, (2, 3), mode="bilinear", antialias=True),
    _resize(_PICTURES, (2, 3), mode="bicubic", antialias=True),
    _resize(_PICTURES, (2, 7), mode="lanczos", antialias=True),
    _resize(_PICTURES, (2, 3), mode="area"),
    *[
        Sample(
            "nn.functional.grid_sample", _SEEN, kwargs=kwargs, low=-1.3, high=1.3, dtypes=("float32",), tol=10
        )
        for kwargs in (
            {"align_corners": False},
            {"padding_mode": "reflection", "align_corners": True},
            {"mode": "bicubic", "align_corners": True},
            {"mode": "nearest", "align_corners": True},
        )
    ],
    *[
        Sample(
            "nn.functional.grid_sample",
            (((1, 2, 3, 4, 5), (1, 2, 2, 3, 3)),),
            kwargs={"mode": mode, "align_corners": False},
            low=-1.1,
            high=1.1,
            dtypes=("float32",),
            tol=10,
        )
        for mode in ("bilinear", "nearest")
    ],
    Sample("nn.functional.affine_grid", (((2, 2, 3),),), ((2, 1, 3, 4), False), dtypes=("float32",)),
    Sample("nn.functional.affine_grid", (((1, 3, 4),),), ((1, 1, 2, 3, 4), True), dtypes=("float32",)),
]
