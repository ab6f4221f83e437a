"""What complex numbers have: ops of their own, and the ops of real numbers that take them too."""

from samples.sample import COMPLEX, Sample

_ONE = (((5,),), ((2, 3),), ((),))
_TWO = (((3, 4), (3, 4)), ((3, 1), (4,)))
_THREE = (((3,), (3,), (3,)),)
_FLOATS = ("float32", "float64")


def _complex(name: str, shapes: tuple = _ONE, **options) -> Sample:
    return Sample(name, shapes, dtypes=COMPLEX, **{"tol": 8, **options})


COMPLEXES = [
    *[
        _complex(name)
        for name in (
            *("exp", "log", "log2", "log10", "log1p", "expm1", "sqrt", "rsqrt", "reciprocal", "square"),
            *("sin", "cos", "tan", "sinh", "cosh", "tanh", "sigmoid", "neg", "conj", "abs", "angle", "sgn"),
            *("sum", "mean", "prod", "view_as_real", "real", "imag", "conj_physical"),
        )
    ],
    *[_complex(name, tol=64) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")],
    *[
        _complex(name, order=0)
        for name in ("isnan", "isinf", "isfinite", "isreal", "any", "all", "nan_to_num", "logical_not")
    ],
    _complex("exp2", (((5,),),)),
    _complex("pow", args=(2,)),
    _complex("pow", args=(3,)),
    _complex("pow", args=(0.5,)),
    _complex("pow", args=(1 - 0.5j,), tol=64),
    _complex("pow", _TWO, tol=64),
    *[_complex(name, _TWO, mixed=True) for name in ("add", "mul", "div")],
    _complex("sub", _TWO),
    _complex("add", _TWO, kwargs={"alpha": 2 - 1j}),
    _complex("mul", args=(2j,)),
    _complex("eq", _TWO, order=0),
    _complex("ne", _TWO, order=0),
    _complex("isclose", _TWO, order=0),
    _complex("addcmul", _THREE, kwargs={"value": 0.5j}),
    _complex("addcdiv", _THREE, kwargs={"value": 0.5}, low=0.3),
    _complex("lerp", _THREE),
    _complex("lerp", (((3,), (3,)),), args=(0.3,)),
    Sample("complex", _TWO, dtypes=_FLOATS),
    Sample("polar", _TWO, dtypes=_FLOATS, tol=4, low=0.3),
    Sample("view_as_complex", (((3, 2),), ((2,),)), dtypes=("float32", "float64", "int64")),
    Sample("angle", order=1),
    _complex("sum", (((3, 4),),), args=(1,)),
    _complex("mean", (((3, 4),),), args=(0,)),
    _complex("prod", (((3, 4),),), args=(1,)),
    _complex("logsumexp", (((3, 4),),), args=(1,)),
    _complex("var", (((5,),),)),
    _complex("std", (((3, 4),),), args=(1,)),
    _complex("norm", (((5,),),)),
    _complex("cumsum", (((3, 4),),), args=(1,)),
    _complex("cumprod", (((3, 4),),), args=(1,), tol=64),
    _complex("logcumsumexp", (((3, 4),), ((2, 5, 3),)), args=(1,), tol=64),
    _complex("mm", (((3, 4), (4, 5)), ((17, 33), (33, 9))), tol=16),
    _complex("bmm", (((2, 3, 4), (2, 4, 5)),)),
    _complex("mv", (((3, 4), (4,)),)),
    _complex("dot", (((5,), (5,)),)),
    _complex("outer", (((3,), (4,)),)),
    _complex("addmm", (((5,), (3, 4), (4, 5)),), kwargs={"beta": 0.5j, "alpha": 2.0}, tol=16),
    _complex("nn.functional.linear", (((3, 4), (5, 4), (5,)),), tol=16),
    _complex("adjoint", (((2, 3),), ((2, 3, 4),))),
    _complex("Tensor.__getitem__", (((4, 3),),), args=(slice(1, None, 2),)),
    _complex("flip", (((5,),),), args=((0,),)),
]
