"""`out=` of the wrong dtype, of another shape, empty, or without contiguous memory: as in PyTorch."""

import pytest
from parity.expressions import assert_same

import numbatorch

OUT = (
    *[
        f"L.zeros(SHAPE, dtype=L.{dtype})"
        for dtype in ("float64", "int64", "bool", "complex64", "float16", "uint8")
    ],
    "L.empty(0, dtype=OWN)",
    "L.zeros(5, 2, dtype=OWN)",
    "L.zeros(3, 4, dtype=OWN).t()",
    "L.zeros(*SHAPE, 2, dtype=OWN)[..., 0]",
)
CASES = (  # the call, the shape and the dtype of its result for float32 and for int64
    ("L.abs(x, out=out)", "(2, 3)", "float32", "int64"),
    ("L.exp(x, out=out)", "(2, 3)", "float32", "float32"),
    ("L.isneginf(x, out=out)", "(2, 3)", "bool", "bool"),
    ("L.add(x, y, out=out)", "(2, 3)", "float32", "int64"),
    ("L.eq(x, y, out=out)", "(2, 3)", "bool", "bool"),
    ("L.clamp(x, 0, 2, out=out)", "(2, 3)", "float32", "int64"),
    ("L.bitwise_and(x, y, out=out)", "(2, 3)", "float32", "int64"),
    ("L.sum(x, 0, out=out)", "(3,)", "float32", "int64"),
    ("L.prod(x, 0, out=out)", "(3,)", "float32", "int64"),
    ("L.sum(x, 0, dtype=L.float64, out=out)", "(3,)", "float64", "float64"),
    ("L.argmax(x, 0, out=out)", "(3,)", "int64", "int64"),
    ("L.all(x, 0, out=out)", "(3,)", "bool", "bool"),
    ("L.norm(x, 2, 0, out=out)", "(3,)", "float32", "float32"),
    ("L.cumsum(x, 0, out=out)", "(2, 3)", "float32", "int64"),
    ("L.mm(x, y.t(), out=out)", "(2, 2)", "float32", "int64"),
    ("L.cat([x, y], out=out)", "(4, 3)", "float32", "int64"),
    ("L.gather(x, 0, i([[0, 1, 0]]), out=out)", "(1, 3)", "float32", "int64"),
    ("L.index_select(x, 0, i([0]), out=out)", "(1, 3)", "float32", "int64"),
)


@pytest.mark.parametrize(("call", "shape", "of_floats", "of_integers"), CASES)
def test_out(call, shape, of_floats, of_integers):
    for dtype, own in (("float32", of_floats), ("int64", of_integers)):
        for text in OUT:
            out = text.replace("SHAPE", shape).replace("OWN", f"L.{own}")
            operands = (
                f"x := i([[1, 2, 0], [3, 1, 2]]).to(L.{dtype}), y := i([[2, 1, 3], [1, 1, 2]]).to(L.{dtype})"
            )
            assert_same(
                f"[{operands}, out := {out}, r := {call}, r is out, out.is_contiguous()][2:]", rtol=1e-3
            )


@pytest.mark.parametrize(
    "call",
    (
        "linalg.solve_triangular(x, x, upper=True, out=out)",
        "ormqr(x, x[0], x, out=out)",
        "linalg.matrix_norm(x, 'nuc', out=out)",
        "linalg.norm(x, 1, out=out)",
        "linalg.norm(x[0], out=out)",
        "linalg.norm(x, 2, dtype=L.float64, out=out)",
        "linalg.vecdot(x, x, out=out)",
        "linalg.cond(x, out=out)",
        "linalg.cross(x, x, out=out)",
        "linalg.cross(x, x, out=x)",
        "linalg.cross(x + 1, x, out=x.t())",
    ),
)
def test_results_of_linear_algebra(call):
    for dtype in ("float32", "float64", "float16", "complex64"):
        assert_same(
            f"(lambda x, out: L.{call})(i([[1.0, 2, 3], [0, 4, 5], [0, 0, 6]]), L.empty(0, dtype=L.{dtype}))",
            rtol=1e-3,
        )


def test_results_are_made_in_out_where_nothing_is_read_of_it():
    x, y = numbatorch.randn(300, 200), numbatorch.randn(200, 300)
    out = numbatorch.empty(300, 300)
    address, version = out.data_ptr(), out._version
    assert numbatorch.matmul(x, y, out=out) is out and out.data_ptr() == address and out._version > version
    assert numbatorch.equal(out, x @ y)
    square = out.clone()
    assert numbatorch.equal(numbatorch.mm(out.t(), square, out=out), square.t() @ square)
    pair = numbatorch.empty(300, 300), numbatorch.empty(300, 300, dtype=numbatorch.int64)
    made, wanted = numbatorch.sort(square, out=pair), square.sort()
    assert made.values is pair[0] and made.indices is pair[1]
    assert numbatorch.equal(pair[0], wanted.values) and numbatorch.equal(pair[1], wanted.indices)
    again = numbatorch.sort(square, out=(square, pair[1]))
    assert numbatorch.equal(again.values, wanted.values) and numbatorch.equal(again.indices, wanted.indices)
