"""Reductions and softmax."""

from samples.sample import FLOATS, INTEGERS, REAL, Sample

_DIMS = (((3, 4),), ((2, 3, 5),))
REDUCTIONS = (
    [
        sample
        for name in ("sum", "mean", "prod", "amax", "amin", "any", "all", "logsumexp", "var", "std", "norm")
        for sample in (
            Sample(
                name,
                _DIMS,
                kwargs={"dim": 1},
                order=0 if name in ("any", "all") else 2,
                dtypes=FLOATS if name in ("mean", "logsumexp", "var", "std", "norm") else REAL,
                tol=4,
                low=0.3,
            ),
            Sample(
                name,
                _DIMS,
                kwargs={"dim": (0, 1), "keepdim": True}
                if name not in ("prod",)
                else {"dim": 0, "keepdim": True},
                order=0 if name in ("any", "all") else 2,
                dtypes=("float32", "float64"),
                tol=4,
                low=0.3,
            ),
        )
    ]
    + [
        sample
        for name in (
            "sum",
            "mean",
            "prod",
            "max",
            "min",
            "any",
            "all",
            "argmax",
            "argmin",
            "var",
            "std",
            "norm",
        )
        for sample in (
            Sample(
                name,
                (((5,),), ((3, 4),), ((),), ((2, 3, 7),))
                if name not in ("var", "std")
                else (((5,),), ((3, 4),)),
                order=0 if name in ("any", "all", "argmax", "argmin") else 2,
                dtypes=FLOATS if name in ("mean", "var", "std", "norm") else (*FLOATS, *INTEGERS),
                tol=40
                if name == "prod"
                else 4,  # the test weighs it with its cosine, that of 1151 close to 0
                low=0.3,
            ),
        )
    ]
    + [
        Sample("max", _DIMS, args=(1,), dtypes=(*FLOATS, *INTEGERS)),
        Sample("min", _DIMS, args=(1,), dtypes=(*FLOATS, *INTEGERS)),
        Sample("argmax", _DIMS, args=(1,), order=0),
        Sample("argmin", _DIMS, args=(1,), order=0, kwargs={"keepdim": True}),
        Sample("nn.functional.softmax", _DIMS, kwargs={"dim": 1}, dtypes=FLOATS),
        Sample("nn.functional.softmax", _DIMS, kwargs={"dim": 0}, dtypes=FLOATS),
        Sample("nn.functional.log_softmax", _DIMS, kwargs={"dim": 1}, dtypes=FLOATS),
        Sample("nn.functional.log_softmax", _DIMS, kwargs={"dim": -1}, dtypes=FLOATS),
    ]
)
