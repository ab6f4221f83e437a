"""Resizing, padding, shuffling, folding against PyTorch: modules, complaints, many sizes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same
from parity.test_nn_parity import assert_same as assert_tensors
from parity.test_nn_parity import both

# Modules and the shapes of inputs to them.


MODES = {
    3: ["nearest", "nearest-exact", "linear", "area"],
    4: ["nearest", "nearest-exact", "bilinear", "bicubic", "area", "bilinear+", "bicubic+", "lanczos+"],
    5: ["nearest", "nearest-exact", "trilinear", "area"],
}


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize(("n", "mode"), [(n, mode) for n, modes in MODES.items() for mode in modes])
def test_sizes(n, mode, kind):
    """Sizes of all kinds, the same, smaller, larger, one, and factors that are not whole."""
    x = np.random.default_rng(n).standard_normal((1, 2, 9, 14, 5)[:n]).astype(kind)
    asked = [f"size={(s, s + 4, 5)[: n - 2]}" for s in (1, 2, 3, 9, 18, 31)]
    asked += [f"scale_factor={s}" for s in (0.37, 0.5, 0.9, 1.0, 1.3, 2.0, 3.7)]
    asked += [f"scale_factor={s}, recompute_scale_factor=True" for s in (0.7, 1.3)]
    if mode.endswith("+"):
        asked = [f"{a}, antialias=True" for a in asked]
    if mode.rstrip("+") in ("linear", "bilinear", "bicubic", "trilinear"):
        asked += [f"{a}, align_corners=True" for a in asked]
    tolerance = 1e-12 if kind == "float64" else 2e-5
    for a in asked:
        case = f"F.interpolate(x, mode={mode.rstrip('+')!r}, {a})"
        assert_same(case, rtol=tolerance, atol=tolerance, x=x)


@pytest.mark.parametrize("mode", MODES[4])
def test_bytes(mode):
    """Bytes are rounded; PyTorch computes some of them in integers, which may give the next one."""
    x = np.random.default_rng(0).integers(0, 256, (1, 3, 8, 9)).astype(np.uint8)
    more = ", antialias=True" if mode.endswith("+") else ""
    assert_same(f"F.interpolate(x, (5, 13), mode={mode.rstrip('+')!r}{more}).float()", atol=1, x=x)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [False, True])
def test_grids(mode, padding, align):
    """Places inside, far outside, at the ends and halfway between elements; pictures of one element."""
    rng = np.random.default_rng(0)
    ends = rng.choice([-3.7, -1, -0.6, -0.2, 0, 0.2, 0.5, 1, 2.1, 40], (2, 5, 7, 2))
    for kind, size in (("float32", (4, 6)), ("float64", (5, 3)), ("float32", (1, 4))):
        x = rng.standard_normal((2, 3, *size)).astype(kind)
        tolerance = 1e-11 if kind == "float64" else 2e-5
        for grid in (ends, rng.uniform(-1.5, 1.5, (2, 4, 3, 2))):
            case = f"F.grid_sample(x, g, {mode!r}, {padding!r}, {align})"
            assert_same(case, rtol=tolerance, atol=tolerance, x=x, g=grid.astype(kind))
    if mode != "bicubic":
        x, g = rng.standard_normal((2, 3, 4, 2, 5)), rng.uniform(-1.5, 1.5, (2, 2, 3, 4, 3))
        assert_same(f"F.grid_sample(x, g, {mode!r}, {padding!r}, {align})", rtol=1e-11, atol=1e-11, x=x, g=g)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [False, True])
def test_gradients_of_grids(mode, padding, align):
    """Of more points than the kernel takes at a time."""

    def compute(t):
        x, g = (t.rand(2, 3, 4, 5) * 2).requires_grad_(), (t.rand(2, 9, 11, 2) * 3 - 1.5).requires_grad_()
        y = t.nn.functional.grid_sample(x, g, mode, padding, align)
        (y * y).sum().backward()
        return y, x.grad, g.grad

    for a, b in zip(*both(compute), strict=True):
        assert_tensors(a, b, rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 3, 1, 1), (2, 1, 2, 3, 4)])
@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore:Since version 1.3.0")
def test_affine_grids(size, kind):
    n = len(size) - 2
    theta = np.random.default_rng(0).standard_normal((2, n, n + 1)).astype(kind)
    for align in (False, True):
        assert_same(f"F.affine_grid(theta, {size}, {align})", rtol=1e-5, atol=1e-6, theta=theta)


COMPLAINTS = """
F.interpolate(X4, 0); F.interpolate(X4, -1); F.interpolate(X4[:, :, :0], 2); F.interpolate(X4[:0], 2)
F.interpolate(X4[:, :0], 2); F.interpolate(X3[:, :0], 2); F.interpolate(X3[..., :0], 2); F.interpolate(X3, 0)
F.interpolate(X5[:, :0], 2); F.interpolate(X5[:, :, :, :0], 2); F.interpolate(X5, 0); F.interpolate(X4, scale_factor=0.1)
F.interpolate(X4[:, :0], 2, mode="bilinear"); F.interpolate(X4, 0, mode="bicubic"); F.interpolate(X4, scale_factor=-1)
F.interpolate(X4, 0, mode="bilinear", antialias=True); F.interpolate(X4, (2, 2, 2)); F.interpolate(X4, (2.5, 2))
F.interpolate(X4, scale_factor=(2, 2, 2)); F.interpolate(X4, scale_factor=0.1, mode="area"); F.interpolate(X4)
F.interpolate(X4, 2, 2); F.interpolate(X4, 2, recompute_scale_factor=True); F.interpolate(X4, 2, align_corners=True)
F.interpolate(X4, 2, mode="linear"); F.interpolate(X3, 2, mode="bilinear"); F.interpolate(X3, 2, mode="bicubic")
F.interpolate(X2, 2); F.interpolate(X2, 2, mode="cubic"); F.interpolate(X4, 2, mode="foo")
F.interpolate(X4, 2, antialias=True); F.interpolate(X4, 2, mode="lanczos")
F.grid_sample(X4, X4[..., :2], mode="foo"); F.grid_sample(X4, X4[..., :2], padding_mode="foo")
F.grid_sample(X4, X4[..., :3], align_corners=True); F.grid_sample(X4, X4[:1, ..., :2], align_corners=True)
F.grid_sample(X4, X5[..., :3], align_corners=True); F.grid_sample(X3, X3[..., :1], align_corners=True)
F.grid_sample(X5, X5[..., :2], align_corners=True); F.grid_sample(X5, X5[..., :3], "bicubic", align_corners=True)
F.grid_sample(X4[:, :, :0], X4[..., :2], align_corners=True); F.grid_sample(X4[:0], X4[:0, ..., :2], align_corners=True)
F.grid_sample(X4[:, :0], X4[..., :2], align_corners=True); F.grid_sample(X4, X4[..., :2].double(), align_corners=True)
F.grid_sample(X4, X4[..., :2]); F.affine_grid(X3[:, :2, :3], (2, 3, 4, 4)); F.affine_grid(X3[:, :2, :3].int(), (2, 3, 4, 4))
F.affine_grid(X3[:, :3, :3], (2, 3, 4, 4)); F.affine_grid(X3[:, :2, :3], (2, 3, 4, 4, 4))
F.affine_grid(X3[:, :2, :3], (2, 3, 4)); F.affine_grid(X3[:, :2, :3], (2, 3, 0, 4))
F.affine_grid(X3[:, :2, :3], (2, 3, 1, 4), align_corners=True); F.affine_grid(X3[:1, :2, :3], (2, 3, 4, 4))
F.interpolate(X4, 2, mode="lanczos", align_corners=True); F.local_response_norm(X2, 2)
F.local_response_norm(X3, 0); F.local_response_norm(X3, -2); L.nn.CircularPad1d(1)(X4); L.nn.CircularPad3d(1)(X3)
L.nn.ReflectionPad1d(9)(X3); F.upsample(X3, 6); F.upsample_nearest(X3, 6); F.upsample_bilinear(X4, 6)
"""


@pytest.mark.parametrize("line", COMPLAINTS.strip().splitlines())
def test_complaints(line):
    shapes = {f"X{n}": np.ones((2, 3, 4, 4, 4)[:n], np.float32) for n in range(2, 6)}
    for case in line.split("; "):
        assert_same(case, **shapes)


KINDS = "float16 bfloat16 float64 uint8 int8 int16 int32 int64 bool complex64".split()


@pytest.mark.parametrize("size", [6, 70])
@pytest.mark.parametrize(("n", "mode"), [(n, mode) for n, modes in MODES.items() for mode in modes])
def test_dtypes(n, mode, size):
    """PyTorch's CPU takes them, or refuses them in the same words."""
    if n == 5 and size == 70:
        return
    more = ", antialias=True" if mode.endswith("+") else ""
    x = np.ones((1, 2, 4, 4, 4)[:n], np.float32)
    for kind in KINDS:
        case = f"F.interpolate(x.to(L.{kind}), {size}, mode={mode.rstrip('+')!r}{more})"
        assert_same(case, rtol=1e-2, x=x)
