"""Pooling against PyTorch: modules, complaints, windows at the edges, numbers that are no numbers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same
from parity.test_nn_parity import complaint

import numbatorch

# Modules and the shapes of inputs to them, with and without a batch.


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.nn.FractionalMaxPool2d(2),
        lambda t: t.nn.FractionalMaxPool2d(2, 3, 0.5),
        lambda t: t.nn.FractionalMaxPool3d(2, output_ratio=1.5),
        lambda t: t.nn.FractionalMaxPool3d((2, 0, 1), 3),
    ],
)
def test_constructors_complain_the_same(make):
    ours, theirs = (complaint(lambda t=t: make(t)) for t in (numbatorch, torch))
    assert ours == theirs


# ---- numbers at the edges ----


def edges(shape):
    """Numbers, infinities, NaNs and many equal ones."""
    rng = np.random.default_rng(0)
    return rng.choice(np.array([-np.inf, np.inf, np.nan, 0, -0.0, 1, 1, 2, -3], np.float32), shape)


@pytest.mark.parametrize(
    "case",
    [
        "F.max_pool2d(x, 2, return_indices=True)",
        "F.max_pool2d(x, 3, 2, 1, return_indices=True)",
        "F.max_pool2d(x, 4, 2, 2, return_indices=True)",
        "F.max_pool2d(x, 3, 1, 1, 2, return_indices=True)",
        "F.max_pool2d(x.transpose(2, 3), (1, 4), return_indices=True)",
        "F.max_pool2d(x.to(memory_format=L.channels_last), 2)",
        "F.max_pool2d(x[..., ::2], 3, return_indices=True)",
        "F.max_pool2d(x.half(), 3, 2, return_indices=True)",
        "F.max_pool2d(x.bfloat16(), 3, 2, return_indices=True)",
        "F.max_pool2d(x.nan_to_num(0, 9, -9).to(L.int16), 3, 2, 1, return_indices=True)",
        "F.max_pool2d(x.nan_to_num(0, 9, -9).to(L.uint8), 2, return_indices=True)",
        "F.max_pool1d(x[0], 17, 5, 8, return_indices=True)",
        "F.max_pool1d(x[0], 5, 3, 2)",
        "F.max_pool3d(x, 3, 2, 1, return_indices=True)",
        "F.adaptive_max_pool2d(x, (3, 5), return_indices=True)",
        "F.adaptive_max_pool2d(x, (4, 1), return_indices=True)",
        "F.avg_pool2d(x, 3, 2, 1)",
        "F.avg_pool2d(x, 2)",
        "F.avg_pool2d(x, (1, 3), 3)",
        "F.adaptive_avg_pool2d(x, (3, 5))",
        "F.avg_pool1d(L.ones(2, 3, 9), 3)",
        "F.avg_pool2d(L.ones(2, 3, 9, 9), 3, 1, 1, count_include_pad=False)",
        "F.avg_pool2d(L.arange(-50, 50).view(1, 10, 10), 3)",
        "F.avg_pool2d(L.arange(-50, 50).view(1, 10, 10), 3, divisor_override=-2)",
        "F.max_pool2d(i(7.0).expand(1, 3, 3), 2, return_indices=True)",
        "F.max_pool2d(L.zeros(1, 1, 4), (2, 2), 2, (1, 1), (3, 1))",
        "L.max_pool1d(x[0], 2), L.max_pool2d(x, 2), L.max_pool3d(x, 2), L.max_pool1d_with_indices(x[0], 2)",
        "L.avg_pool1d(x[0], 2), L.adaptive_avg_pool1d(x[0], 3), L.adaptive_max_pool1d(x[0], 3)",
        "F.max_pool2d(x, [2], []), F.max_pool2d(x, 2, ()), F.max_pool2d(x, i(2))",
    ],
)
def test_edges(case):
    assert_same(case, rtol=1e-6, x=edges((2, 3, 12, 17)))


@pytest.mark.parametrize("width", [1500, 3000])
def test_windows_wider_than_what_is_kept_close_by(width):
    x = np.random.default_rng(0).standard_normal((2, 4000)).astype(np.float32)
    assert_same(f"F.avg_pool1d(x, {width}, 300)", rtol=1e-5, atol=1e-6, x=x)
    assert_same(f"F.adaptive_avg_pool1d(x, {4000 // width})", rtol=1e-5, atol=1e-6, x=x)
    assert_same(f"F.max_pool1d(x, {width}, 300, return_indices=True)", x=x)
    assert_same("F.avg_pool1d(x, 3, 1)", rtol=1e-5, atol=1e-6, x=x)


# ---- complaints; X1 to X5 are of so many dimensions ----

COMPLAINTS = """
F.max_pool2d(X2, 2); F.max_pool2d(X5, 2); F.max_pool1d(X1, 2); F.max_pool1d(X4, 2); F.max_pool3d(X3, 2)
F.max_pool2d(X4, 0); F.max_pool2d(X4, 2, 0); F.max_pool2d(X4, 2, -1); F.max_pool2d(X4, 2, dilation=0)
F.max_pool2d(X4, 2, padding=2); F.max_pool2d(X4, 2, padding=-1); F.max_pool2d(X4, 5); F.max_pool2d(X4, (0, 2), 2)
F.max_pool2d(X4, (1, 2, 3)); F.max_pool2d(X4, 2, (1, 2, 3)); F.max_pool2d(X4, 2, 2, (1, 2, 3)); F.max_pool2d(X4, [])
F.max_pool2d(X4, 2, 2, 0, (1, 2, 3)); F.max_pool2d(X4, "a"); F.max_pool2d(X4, 2.5); F.max_pool2d(X4, 2, ceil_mode=1)
F.max_pool1d(X3, (1, 2)); F.max_pool1d(X3, 2, (1, 2)); F.max_pool1d(X3, 2, 2, (1, 2)); F.max_pool1d(X3, 2, 2, 0, (1, 2))
F.max_pool1d(X3, 0); F.max_pool1d(X3, 2, 0); F.max_pool1d(X3, 2, 2, 2); F.max_pool1d(X3, 2, 2, -1); F.max_pool1d(X3, 7)
F.max_pool1d(X3, 2, 2, 0, 0); F.max_pool1d(X3, 2, -1); F.max_pool1d(X3, "a"); F.max_pool1d(X3.requires_grad_(), 7)
F.max_pool1d(X1, 2, return_indices=True); F.max_pool1d(X3, 7, return_indices=True); F.max_pool1d(X3[:0], 2)
F.max_pool1d(X3[:, :0], 2); F.max_pool1d(X3[..., :0], 2); F.max_pool1d(X2[:0], 2); F.max_pool2d(X4[:0], 2)
F.max_pool2d(X4[:, :0], 2); F.max_pool2d(X4[:, :, :0], 2); F.max_pool2d(X3[:0], 2); F.max_pool3d(X5[:0], 2)
F.max_pool3d(X5, 0); F.max_pool3d(X5, 2, 0); F.max_pool3d(X5, 2, -1); F.max_pool3d(X5, 2, padding=2); F.max_pool3d(X5, 7)
F.max_pool3d(X5, 2, dilation=0); F.max_pool3d(X5, (1, 2)); F.max_pool3d(X5, 2, (1, 2)); F.max_pool3d(X5, 2, 2, (1, 2))
F.max_pool3d(X5, 2, 2, 0, (1, 2)); F.max_pool3d(X5[:, :0], 2); F.max_pool3d(X4[:0], 2); F.max_pool3d(X4[:, :, :0], 2)
F.avg_pool2d(X2, 2); F.avg_pool2d(X5, 2); F.avg_pool1d(X1, 2); F.avg_pool1d(X4, 2); F.avg_pool3d(X3, 2)
F.avg_pool2d(X4, 0); F.avg_pool2d(X4, 2, 0); F.avg_pool2d(X4, 2, padding=2); F.avg_pool2d(X4, 2, padding=-1)
F.avg_pool2d(X4, 5); F.avg_pool2d(X4, (1, 2, 3)); F.avg_pool2d(X4, 2, (1, 2, 3)); F.avg_pool2d(X4, 2, 2, (1, 2, 3))
F.avg_pool2d(X4, 2, divisor_override=0); F.avg_pool3d(X5, 2, divisor_override=0); F.avg_pool2d(X4, (2.0, 1))
F.avg_pool1d(X3, (1, 2)); F.avg_pool1d(X3, 2, (1, 2)); F.avg_pool1d(X3, 2, 2, (1, 2)); F.avg_pool1d(X3, 0)
F.avg_pool1d(X3, 0, 2); F.avg_pool1d(X3, 2, 2, 2); F.avg_pool1d(X3, 7); F.avg_pool1d(X3, 2, -1); F.avg_pool2d(X4, 2, 2, "a")
F.avg_pool3d(X5, 0); F.avg_pool3d(X5, 2, 0); F.avg_pool3d(X5, 2, padding=2); F.avg_pool3d(X5, (1, 2)); F.avg_pool3d(X5, 7)
F.avg_pool3d(X5, 2, (1, 2)); F.avg_pool3d(X5, 2, 2, (1, 2)); F.avg_pool3d(X5, (0, 2, 2), 2); F.avg_pool3d(X5[:, :0], 2)
F.avg_pool2d(X4[:, :0], 2); F.avg_pool1d(X3[:, :0], 2); F.avg_pool1d(X2[:0], 2); F.avg_pool3d(X5[:0], 2)
F.adaptive_avg_pool2d(X2, 2); F.adaptive_avg_pool2d(X5, 2); F.adaptive_avg_pool2d(X4, (1, 2, 3))
F.adaptive_avg_pool2d(X4, (1,)); F.adaptive_avg_pool2d(X4, -1); F.adaptive_avg_pool2d(X4, 0); F.adaptive_avg_pool2d(X4[:0], 2)
F.adaptive_avg_pool2d(X4[:, :0], 2); F.adaptive_avg_pool2d(X4[:, :, :0], 2); F.adaptive_avg_pool2d(X4[:, :, :0], 1)
F.adaptive_avg_pool2d(X2, 1); F.adaptive_avg_pool2d(X2, (1, 1)); F.adaptive_avg_pool2d(X4, (2.0, 2))
F.adaptive_avg_pool1d(X1, 2); F.adaptive_avg_pool1d(X4, 2); F.adaptive_avg_pool1d(X3, (2, 2)); F.adaptive_avg_pool1d(X3, -1)
F.adaptive_avg_pool1d(X3, 0); F.adaptive_avg_pool1d(X3[..., :0], 2); F.adaptive_avg_pool1d(X3, 2.0)
F.adaptive_avg_pool1d(X3, None); F.adaptive_avg_pool3d(X3, 2); F.adaptive_avg_pool3d(X5, (2, 2)); F.adaptive_avg_pool3d(X5, -1)
F.adaptive_avg_pool3d(X5[:, :, :0], 2); F.adaptive_max_pool2d(X2, 2); F.adaptive_max_pool2d(X5, 2)
F.adaptive_max_pool2d(X4, (1, 2, 3)); F.adaptive_max_pool2d(X4, -1); F.adaptive_max_pool2d(X4, 0)
F.adaptive_max_pool2d(X4[:0], 2); F.adaptive_max_pool2d(X4[:, :0], 2); F.adaptive_max_pool2d(X4[:, :, :0], 2)
F.adaptive_max_pool1d(X1, 2); F.adaptive_max_pool1d(X4, 2); F.adaptive_max_pool1d(X3, (2, 2)); F.adaptive_max_pool1d(X3, -1)
F.adaptive_max_pool1d(X3[..., :0], 2); F.adaptive_max_pool1d(X3[:, :0], 2); F.adaptive_max_pool1d(X3, None)
F.adaptive_max_pool3d(X3, 2); F.adaptive_max_pool3d(X5, (2, 2)); F.adaptive_max_pool3d(X5, -1); F.adaptive_max_pool3d(X5, 0)
F.lp_pool2d(X4, 2, 0); F.lp_pool1d(X3, 2, 7); F.max_unpool2d(X4, X4.int(), 2); F.max_unpool2d(X4, X4[..., :1].long(), 2)
F.max_unpool2d(X4, X4.long() * 99, 2); F.max_unpool2d(X4, X4.long() * -1, 2); F.max_unpool2d(X2, X2.long(), 2)
F.max_unpool2d(X4, X4.long(), 2, output_size=(19, 19)); F.max_unpool2d(X4, X4.long(), 2, output_size=(5, 5, 5))
F.max_unpool2d(X4[:, :0], X4[:, :0].long(), 2); F.max_unpool1d(X3, X3.long() * 77, 2); F.max_unpool1d(X3, X3.int(), 2)
F.max_unpool1d(X3, X3[..., :3].long(), 2); F.max_unpool1d(X1, X1.long(), 2); F.max_unpool3d(X5, X5.long() * 999, 2)
F.max_unpool3d(X5, X5.int(), 2); F.max_unpool3d(X5, X5[..., :1].long(), 2); F.max_unpool3d(X3, X3.long(), 2)
F.max_unpool3d(X5, X5.long(), 2, 0); F.max_unpool2d(X4, X4.long(), (2, 2, 2)); F.fractional_max_pool2d(X4, 2)
F.fractional_max_pool2d(X4, 2, output_size=7); F.fractional_max_pool2d(X4, 2, output_ratio=0.5)
F.fractional_max_pool2d(X2, 2, output_size=2); F.fractional_max_pool2d(X4, 2, output_size=2, _random_samples=X2)
F.fractional_max_pool2d(X4, (2, 2, 2), output_size=2); F.fractional_max_pool2d(X4, 2, output_size=(2, 2, 2))
F.fractional_max_pool3d(X5, 2); F.fractional_max_pool3d(X5, 2, output_size=7); F.fractional_max_pool3d(X3, 2, output_size=2)
"""


@pytest.mark.parametrize("line", COMPLAINTS.strip().splitlines())
def test_complaints(line):
    shapes = {f"X{n}": np.ones((2, 3, 4, 4, 4)[:n] if n > 2 else (3, 4)[:n], np.float32) for n in range(1, 6)}
    for case in line.split("; "):
        assert_same(case, **shapes)


KINDS = "float16 bfloat16 float64 uint8 int8 int16 int32 int64 bool complex64".split()


@pytest.mark.parametrize(
    "case",
    [
        "F.max_pool1d(x[0], 2)",
        "F.max_pool1d(x[0], 2, return_indices=True)",
        "F.max_pool2d(x, 2)",
        "F.max_pool3d(x, 2)",
        "F.avg_pool1d(x[0], 2)",
        "F.avg_pool2d(x, 2)",
        "F.avg_pool3d(x, 2)",
        "F.adaptive_avg_pool1d(x[0], 2)",
        "F.adaptive_avg_pool2d(x, 2)",
        "F.adaptive_avg_pool3d(x, 2)",
        "F.adaptive_max_pool1d(x[0], 2)",
        "F.adaptive_max_pool2d(x, 2)",
        "F.adaptive_max_pool3d(x, 2)",
        "F.max_unpool1d(x[0], (x[0].real > 5).long(), 2)",
        "F.max_unpool3d(x, (x.real > 5).long(), 2)",
        "F.fractional_max_pool2d(x, 2, output_size=2)",
        "F.lp_pool2d(x, 2, 2)",
    ],
)
def test_dtypes(case):
    """PyTorch's CPU takes them, or refuses them in the same words."""
    for kind in KINDS:
        assert_same(case.replace("x", f"x.to(L.{kind})"), rtol=2e-2, x=np.ones((1, 2, 4, 4), np.float32))
