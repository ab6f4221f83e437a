"""Special functions."""

from samples.sample import FLOATS, Sample

# One shape, because kernels of special functions are slow to compile, and their layouts are those of all.
ONE = (((3, 4),),)
TWO = (((3, 4), (4,)),)
MOST = (*FLOATS, "int64", "bool")

SPECIAL = [
    Sample("lgamma", ONE, low=0.1, high=5, dtypes=MOST, integers=(1, 6)),
    Sample("digamma", ONE, low=0.3, high=5, dtypes=MOST, integers=(1, 6)),
    Sample("Tensor.polygamma", ONE, args=(2,), low=0.5, high=3, dtypes=MOST, integers=(1, 6), tol=4),
    Sample(
        "mvlgamma",
        ONE,
        args=(2,),
        low=1,
        high=3,
        dtypes=("float32", "float64", "int64", "bool"),
        integers=(1, 6),
    ),
    Sample("erfinv", ONE, low=-0.9, high=0.9, dtypes=MOST),
    Sample("special.erfcx", ONE, dtypes=MOST, tol=4),
    Sample("special.ndtr", ONE, dtypes=MOST, tol=2),
    Sample("special.log_ndtr", ONE, dtypes=MOST),
    Sample("special.ndtri", ONE, low=0.1, high=0.9, dtypes=MOST, tol=4),
    Sample("special.entr", ONE, low=0.1, dtypes=MOST),
    Sample("special.xlog1py", TWO, low=-0.8, integers=(1, 6), dtypes=MOST),
    Sample("i0", ONE, dtypes=MOST),
    Sample("special.i0e", ONE, low=0.1, dtypes=MOST),
    Sample("special.i1", ONE, low=0.1, dtypes=MOST),
    Sample("special.i1e", ONE, low=0.1, dtypes=MOST),
    Sample("special.zeta", TWO, low=1.1, high=4, integers=(2, 6), dtypes=MOST, order=0),
    Sample("igamma", TWO, low=0.3, dtypes=MOST, order=0),
    Sample("igammac", TWO, low=0.3, dtypes=MOST, order=0, tol=2),
    Sample("special.bessel_j0", ONE, dtypes=MOST, order=0),
    Sample("special.bessel_y1", ONE, low=0.1, dtypes=MOST, order=0, tol=2),
    Sample("special.modified_bessel_k0", ONE, low=0.1, dtypes=MOST, order=0, tol=2),
    Sample("special.airy_ai", ONE, dtypes=MOST, order=0),
    Sample("special.legendre_polynomial_p", ONE, args=(5,), dtypes=MOST, order=0, tol=20),
]
