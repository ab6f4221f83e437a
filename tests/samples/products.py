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
    Sample("vdot", (((5,), (5,)),), dtypes=(*FLOATS, "int64"), tol=4),
    Sample("outer", (((3,), (4,)),)),
    Sample("ger", (((3,), (4,)),), dtypes=("float32",)),
    Sample("inner", (((3, 4), (2, 4)), ((4,), (4,)), ((), (3, 2))), dtypes=(*FLOATS, "int64"), tol=4),
    Sample("kron", (((2, 3), (4, 2)), ((), (3,)), ((0, 2), (3, 2)))),
    Sample("tensordot", (((2, 3, 4), (3, 4, 5)), ((3, 4), (3, 4))), dtypes=(*FLOATS, "int64"), tol=4),
    Sample("tensordot", (((2, 3, 4), (4, 5, 2)),), args=(([0, 2], [2, 0]),), dtypes=("float32",), tol=4),
    Sample(
        "matmul",
        (
            ((3,), (3,)),
            ((3, 4), (4,)),
            ((4,), (4, 3)),
            ((2, 3, 4), (4, 5)),
            ((2, 1, 3, 4), (5, 4, 2)),
            ((1, 2, 3, 4), (2, 1, 4, 2)),
            ((4,), (2, 4, 3)),
            ((2, 3, 4), (4,)),
        ),
        dtypes=("float32", "float64", "int64"),
        tol=4,
    ),
    Sample(
        "addmm",
        (
            ((3, 5), (3, 4), (4, 5)),
            ((5,), (3, 4), (4, 5)),
            ((3, 1), (3, 4), (4, 5)),
            ((3, 5), (3, 0), (0, 5)),
        ),
        kwargs={"beta": 0.5, "alpha": 2.0},
        dtypes=FLOATS,
        tol=4,
    ),
    Sample(
        "addmm",
        (((3, 5), (3, 4), (4, 5)),),
        kwargs={"beta": 2, "alpha": -1},
        dtypes=("int32", "uint8"),
        order=0,
    ),
    Sample(
        "_addmm_activation",
        (((5,), (3, 4), (4, 5)), ((3, 5), (3, 0), (0, 5)), ((1,), (3, 4), (4, 1)), ((3, 5), (3, 4), (4, 5))),
        kwargs={"beta": 0.5, "alpha": 2.0},
        dtypes=FLOATS,
        order=0,
        tol=4,
    ),
    Sample(
        "_addmm_activation",
        (((5,), (3, 4), (4, 5)),),
        kwargs={"use_gelu": True},
        dtypes=FLOATS,
        order=0,
        tol=4,
    ),
    Sample(
        "baddbmm", (((2, 3, 5), (2, 3, 4), (2, 4, 5)), ((5,), (2, 3, 4), (2, 4, 5))), dtypes=FLOATS, tol=4
    ),
    Sample("addbmm", (((3, 5), (2, 3, 4), (2, 4, 5)),), kwargs={"beta": 0.5}, dtypes=FLOATS, tol=4),
    Sample("addmv", (((3,), (3, 4), (4,)), ((), (3, 4), (4,))), kwargs={"alpha": 0.5}, dtypes=FLOATS, tol=4),
    Sample("addr", (((3, 4), (3,), (4,)), ((4,), (3,), (4,))), kwargs={"beta": 2, "alpha": 3}, tol=4),
    Sample(
        "nn.functional.linear",
        (((3, 4), (5, 4), (5,)), ((2, 3, 4), (5, 4), (5,)), ((4,), (5, 4), (5,))),
        dtypes=("float32", "float64"),
        tol=4,
    ),
    Sample("nn.functional.linear", (((3, 4), (5, 4)),), dtypes=("float32", "float64"), tol=4),
    Sample(
        "nn.functional.bilinear",
        (
            ((2, 3), (2, 4), (5, 3, 4), (5,)),
            ((2, 2, 3), (2, 2, 4), (5, 3, 4), (5,)),
            ((3,), (4,), (5, 3, 4), (5,)),
        ),
        dtypes=("float32", "float64"),
        tol=8,
    ),
    *(
        Sample("cdist", shapes, args=(p,), dtypes=("float32", "float64"), tol=8)
        for p, shapes in (
            (2.0, (((3, 4), (2, 4)), ((2, 1, 3, 2), (4, 5, 2)), ((0, 2), (3, 2)), ((2, 0), (3, 0)))),
            (1.0, (((3, 4), (2, 4)),)),
            (3.0, (((3, 4), (2, 4)),)),
            (float("inf"), (((3, 4), (2, 4)),)),
        )
    ),
    Sample(
        "cdist",
        (((3, 4), (2, 4)), ((2, 3, 4), (5, 4))),
        kwargs={"compute_mode": "use_mm_for_euclid_dist"},
        dtypes=("float32", "float64"),
        tol=32,
    ),
    Sample("pdist", (((4, 3),), ((5, 2),)), dtypes=("float32", "float64"), tol=4),
    Sample("pdist", (((4, 3),),), args=(1.5,), dtypes=("float32", "float64"), tol=8),
    Sample("nn.functional.pairwise_distance", (((3, 4), (3, 4)), ((4,), (2, 3, 4))), tol=8),
    Sample(
        "nn.functional.cosine_similarity",
        (((3, 4), (3, 4)), ((2, 3, 4), (3, 1))),
        dtypes=(*FLOATS, "int64"),
        tol=8,
    ),
    Sample("nn.functional.normalize", (((3, 4),), ((2, 3, 2),)), dtypes=(*FLOATS, "int64"), tol=4),
    Sample("cov", (((3, 4),), ((5,),)), dtypes=("float32", "float64", "int64", "bool"), tol=8),
    Sample("corrcoef", (((3, 4),),), dtypes=("float32", "float64"), tol=16),
]
