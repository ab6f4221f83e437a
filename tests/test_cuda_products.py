"""Matrix products and convolutions on CUDA: parts of k, and tiles of the size that a real GPU gets."""

from types import SimpleNamespace

import numpy as np
import pytest

import numbatorch as torch
from numbatorch.nn import functional as F
from numbatorch_kernels.cuda import DeviceArray, compat, launch, tiles
from numbatorch_kernels.gemm import cuda as gemm

rng = np.random.default_rng(0)


def on_both(function, *shapes, dtype=torch.float32):
    """What `function` makes of the same random numbers on the CPU and on cuda, in float64."""
    arrays = [torch.tensor(rng.standard_normal(shape)).to(dtype) for shape in shapes]
    return [
        function(*[x.detach().to(device) for x in arrays]).detach().cpu().double().numpy()
        for device in ("cpu", "cuda")
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    "shapes", [((1, 1100), (1100, 1)), ((2, 3, 700), (2, 700, 5)), ((20, 600), (600, 17))], ids=str
)
def test_long_sums_are_cut_into_parts(shapes, dtype):
    cpu, cuda = on_both(torch.matmul, *shapes, dtype=dtype)
    np.testing.assert_allclose(cuda, cpu, rtol=1e-2 if dtype is torch.bfloat16 else 1e-4, atol=1e-4)


def test_parts_with_a_bias():
    cpu, cuda = on_both(lambda c, a, b: torch.addmm(c, a, b, alpha=2, beta=0.5), (3, 4), (3, 600), (600, 4))
    np.testing.assert_allclose(cuda, cpu, rtol=1e-4, atol=1e-4)


def test_parts_are_added_in_the_same_order_every_time():
    a, b = (
        torch.tensor(rng.standard_normal(n), dtype=torch.float32, device="cuda")
        for n in ((1, 1100), (1100, 1))
    )
    assert len({(a @ b).item() for _ in range(3)}) == 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("transposed", [False, True])
def test_narrow_convolutions_and_their_gradients(transposed, dtype):
    def gradients(x, w, bias):
        x, w, bias = (t.requires_grad_() for t in (x, w, bias))
        y = (F.conv_transpose2d if transposed else F.conv2d)(x, w, bias, stride=2, padding=1)
        (y * y).sum().backward()
        return torch.cat([y.flatten(), x.grad.flatten(), w.grad.flatten(), bias.grad.flatten()])

    shapes = ((2, 3, 5, 4), (3, 2, 3, 3), (2,)) if transposed else ((2, 3, 5, 4), (2, 3, 3, 3), (2,))
    cpu, cuda = on_both(gradients, *shapes, dtype=dtype)
    np.testing.assert_allclose(cuda, cpu, rtol=0.05, atol=0.3)


@pytest.mark.skipif(not compat.SIMULATED, reason="the GPU has these tiles")
@pytest.mark.parametrize("tile", [tiles.GPU_SMALL, tiles.GPU_LARGE])
def test_tiles_of_the_size_of_a_gpu(tile, monkeypatch):
    kernels = gemm.products.f4._replace(small=tiles.product_of("f4", gemm.STRIDED, tile))
    monkeypatch.setattr(gemm.products, "f4", kernels)
    monkeypatch.setattr(tiles, "SMALL", tile)
    a, b = rng.standard_normal((70, 19)).astype(np.float32), rng.standard_normal((19, 67)).astype(np.float32)
    out = DeviceArray.empty((70, 67), "f4")
    gemm.gemm(out, DeviceArray.from_host(a), DeviceArray.from_host(b.T.copy()).transpose((1, 0)))
    np.testing.assert_allclose(out.copy_to_host(), a @ b, rtol=1e-5, atol=1e-5)


def test_numbers_of_narrow_types_reach_the_driver_as_such():
    kinds = [SimpleNamespace(name=name) for name in ("float32", "complex64", "uint8")]
    values = launch._native((0.5, 1 + 2j, 3), kinds, None)
    assert values == [0.5, 1.0, 2.0, 3]
    assert [value.dtype.name for value in values] == ["float32", "float32", "float32", "uint8"]
