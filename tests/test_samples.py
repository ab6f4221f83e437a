"""Every row of the table: gradients against differences of values, to second order; CUDA against the CPU."""

import numpy as np
import pytest
from samples import DIFFERENTIABLE, SAMPLES, Sample, results, tensors

import numbatorch as torch


def _small(sample: Sample) -> tuple:
    """The case with the fewest elements that has some."""
    cases = [s for s in sample.shapes if all(0 not in shape for shape in s)]
    return min(cases, key=lambda shapes: sum(np.prod(s, initial=1) for s in shapes))


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


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.id)
def test_cuda_computes_what_the_cpu_computes(sample):
    shapes = _small(sample)
    dtype = "float32" if sample.order and not sample.complex else sample.dtypes[0]
    found = []
    for device in ("cpu", "cuda"):
        operands = [
            t.to(device) for t in tensors(torch, sample.arrays(shapes, dtype), (dtype,) * len(shapes))
        ]
        if sample.order:
            for t in operands:
                t.requires_grad_()
        outputs = list(results(sample.call(torch, operands)))
        assert all(o.device.type == device for o in outputs)
        grads = []
        if sample.order:
            sum((o * o).sum().real for o in outputs if o.requires_grad).backward()
            grads = [t.grad for t in operands]
        found.append(
            [
                x.detach().cpu().to(torch.complex128 if x.is_complex() else torch.float64).numpy()
                for x in (*outputs, *grads)
                if x is not None
            ]
        )
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
