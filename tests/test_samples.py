"""Every row of the table: gradients against differences of values, to second order; CUDA against the CPU, and that it does
without the host."""

import numpy as np
import pytest
from samples import DIFFERENTIABLE, SAMPLES, Sample, results, tensors

import numbatorch as torch
from numbatorch_kernels.cuda import faults
from numbatorch_kernels.cuda.array import DeviceArray


def _small(sample: Sample) -> tuple:
    """The case with the fewest elements that has some, if there is one no operand with a single one."""
    cases = [s for s in sample.shapes if all(0 not in shape for shape in s)]
    sizes = {shapes: [np.prod(s, initial=1) for s in shapes] for shapes in cases}
    return min(cases, key=lambda shapes: (min(sizes[shapes]) < 2, sum(sizes[shapes])))


def _differentiable_call(sample: Sample):
    def call(*operands):
        return tuple(
            o for o in results(sample.call(torch, list(operands))) if o.is_floating_point() or o.is_complex()
        )

    return call


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=lambda s: s.id)
def test_gradient_is_the_slope(sample):
    shapes = _small(sample)
    operands = [
        t.requires_grad_()
        for t in tensors(torch, sample.arrays(shapes, sample.wide), (sample.wide,) * len(shapes))
    ]
    assert torch.autograd.gradcheck(_differentiable_call(sample), operands)
    if sample.order > 1:
        assert torch.autograd.gradgradcheck(_differentiable_call(sample), operands)


@pytest.fixture
def downloads(monkeypatch) -> list[int]:
    """How many elements each copy from the device to the host has, but for the marks of wrong indices, and for whether
    a decomposition of each matrix went well."""
    sizes: list[int] = []
    copy_to_host = DeviceArray.copy_to_host

    def counted(array: DeviceArray) -> np.ndarray:
        sizes.append(1 if array.size == faults.MARKS or array.dtype == np.int32 else array.size)
        return copy_to_host(array)

    monkeypatch.setattr(DeviceArray, "copy_to_host", counted)
    return sizes


def _gradients(sample: Sample, device: str, dtype: str, order: int) -> tuple[list, list]:
    """The results on a device, and the gradients of their squares, and of the squares of those, up to an order."""
    shapes = _small(sample)
    arrays = sample.arrays(shapes, dtype)
    operands = [t.to(device) for t in tensors(torch, arrays, (dtype,) * len(shapes))]
    for t in operands if order else ():
        t.requires_grad_()
    outputs = level = list(results(sample.call(torch, operands)))
    gradients = []
    for k in range(order):
        total = sum((o * o).sum().real for o in level if o.requires_grad)
        if not isinstance(total, torch.Tensor):  # all of it is constant
            break
        level = torch.autograd.grad(
            total, operands, create_graph=k + 1 < order, allow_unused=True, materialize_grads=True
        )
        gradients += level
    return outputs, gradients


def _same(sample: Sample, dtype: str, order: int, rtol: float, atol: float, downloads: list[int]) -> None:
    found = []
    for device in ("cpu", "cuda"):
        downloads.clear()
        outputs, gradients = _gradients(sample, device, dtype, order)
        assert all(o.device.type == device for o in (*outputs, *gradients))
        assert max(downloads, default=0) <= 1
        wide = [
            t.detach().cpu().to(torch.complex128 if t.is_complex() else torch.float64)
            for t in (*outputs, *gradients)
        ]
        found.append([t.numpy() for t in wide])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.id)
def test_cuda_computes_what_the_cpu_computes(sample, downloads):
    dtype = "float32" if sample.order and not sample.complex else sample.dtypes[0]
    _same(sample, dtype, min(sample.order, 1), 2e-5, 2e-6, downloads)


@pytest.mark.parametrize("sample", [s for s in DIFFERENTIABLE if s.order > 1], ids=lambda s: s.id)
def test_cuda_differentiates_twice_as_the_cpu_does(sample, downloads):
    _same(sample, sample.wide, 2, 1e-8, 1e-8, downloads)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, i: torch.nn.functional.binary_cross_entropy(x, x),
        lambda x, i: (i // (i + 1), i % (i + 1), torch.fmod(i, i + 1)),
        lambda x, i: torch.index_reduce(x, 0, i, x, "amax"),
        lambda x, i: torch.quantile(x, x),
        lambda x, i: torch.nn.functional.max_unpool1d(x[None], i[None], 1),
        lambda x, i: torch.nn.functional.rrelu(x, training=True),
        lambda x, i: torch.repeat_interleave(x, 3),
    ],
)
def test_nobody_waits_for_a_gpu_to_check_values(call, downloads):
    call(torch.tensor([0.5, 0, 1], device="cuda"), torch.arange(3, device="cuda"))
    assert not downloads


def test_a_gpu_says_later_what_is_no_probability():
    torch.nn.functional.binary_cross_entropy(torch.tensor([1.5], device="cuda"), torch.ones(1, device="cuda"))
    with pytest.raises(torch.AcceleratorError, match="binary_cross_entropy: an index or a value"):
        torch.cuda.synchronize()
