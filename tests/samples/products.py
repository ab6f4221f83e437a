"""Matrix products."""

from samples.sample import FLOATS, Sample

PRODUCTS = [
    Sample(
        "mm",
        (((3, 4), (4, 5)), ((1, 1), (1, 1)), ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((17, 33), (33, 9))),
        dtypes=(*FLOATS, "int32", "int64"),
        tol=4,
    ),
    Sample("bmm", (((2, 3, 4), (2, 4, 5)),), dtypes=(*FLOATS, "int64"), tol=4),
    Sample("mv", (((3, 4), (4,)),), dtypes=(*FLOATS, "int64"), tol=4),
    Sample("dot", (((5,), (5,)),), dtypes=(*FLOATS, "int64"), tol=4),
    Sample("outer", (((3,), (4,)),)),
    Sample(
        "matmul",
        (
            ((3,), (3,)),
            ((3, 4), (4,)),
            ((4,), (4, 3)),
            ((2, 3, 4), (4, 5)),
            ((2, 1, 3, 4), (5, 4, 2)),
            ((4,), (2, 4, 3)),
            ((2, 3, 4), (4,)),
        ),
        dtypes=("float32", "float64", "int64"),
        tol=4,
    ),
    Sample(
        "addmm",
        (((3, 5), (3, 4), (4, 5)), ((5,), (3, 4), (4, 5))),
        kwargs={"beta": 0.5, "alpha": 2.0},
        dtypes=("float32", "float64"),
        tol=4,
    ),
    Sample("baddbmm", (((2, 3, 5), (2, 3, 4), (2, 4, 5)),), dtypes=("float32", "float64"), tol=4),
    Sample(
        "nn.functional.linear",
        (((3, 4), (5, 4), (5,)), ((2, 3, 4), (5, 4), (5,)), ((4,), (5, 4), (5,))),
        dtypes=("float32", "float64"),
        tol=4,
    ),
    Sample("nn.functional.linear", (((3, 4), (5, 4)),), dtypes=("float32", "float64"), tol=4),
]
