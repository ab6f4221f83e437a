"""Gradients where operands are NaN, infinite or zero, and where the gradient that arrives is: as PyTorch's, in which what an
op masks out stays 0 and NaN is passed on."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same

CASES = [
    "L.maximum(x, x.flip(0))",
    "L.minimum(x, x.flip(0))",
    "L.atan2(x * 0, x)",
    "L.atan2(x, x.flip(0))",
    "L.copysign(x, x.flip(0))",
    "x**-2",
    "x**-0.5",
    "L.xlogy(x, x.flip(0))",
    "L.special.xlog1py(x, x.flip(0))",
    "L.lerp(x, x.flip(0), 0.3)",
    "L.lerp(x, x.flip(0), x.roll(1))",
    "L.digamma(x.abs())",
    "L.special.polygamma(1, x)",
    "F.elu(x)",
    "F.celu(x, 1.5)",
    "F.selu(x)",
    "F.hardtanh(x)",
    "F.relu6(x)",
    "F.softshrink(x)",
    "F.gelu(x)",
    "F.gelu(x, approximate='tanh')",
    "F.silu(x)",
    "F.mish(x)",
    "F.binary_cross_entropy_with_logits(x, x.flip(0), reduction='none')",
    "F.binary_cross_entropy_with_logits(x, x.flip(0).sigmoid(), pos_weight=x.detach().abs(), reduction='none')",
    "F.hinge_embedding_loss(x, x.flip(0).sign(), reduction='none')",
    "F.multi_margin_loss(x[None], L.tensor([2]))",
    "F.multi_margin_loss(x[None], L.tensor([2]), 2)",
    "x.max()",
    "x.min()",
    "x.median()",
    "x.nanmedian()",
    "x.amax(0)",
    "x.quantile(0.3)",
]
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("arriving", [1.0, 0.0, NAN, INF])
@pytest.mark.parametrize("special", [0.0, -0.0, NAN, INF])
def test_gradients(case, special, arriving):
    x = np.array([0.3, special, -1.5, 0.3, 2.0, special, -0.7])
    arrive = "L.where(L.arange(y.numel()).reshape(y.shape) % 2 == 0, arriving, L.ones(()).double())"
    assert_same(
        f"[L.autograd.grad(y, x, {arrive}) for x.requires_grad in [True] for y in [{case}]]",
        x=x,
        arriving=np.array(arriving),
        rtol=1e-6,
        atol=1e-9,
    )
