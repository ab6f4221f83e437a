"""Special functions against SciPy's in float64, to a few units in the last place."""

import numpy as np
import pytest

import numbatorch as torch

scipy = pytest.importorskip("scipy.special")
L = torch.special
# function, SciPy's, the interval of each operand, and how many units in the last place (of 1, for small results)
CASES = [
    (L.gammaln, scipy.gammaln, [(1e-3, 30)], 8),
    (L.gammaln, scipy.gammaln, [(-5, 0)], 32),
    (L.digamma, scipy.digamma, [(1e-3, 30)], 4),
    (L.digamma, scipy.digamma, [(-4.9, -0.1)], 600),
    (lambda x: L.polygamma(1, x), lambda x: scipy.polygamma(1, x), [(-4.9, 20)], 8),
    (lambda x: L.polygamma(4, x), lambda x: scipy.polygamma(4, x), [(0.1, 20)], 8),
    (L.zeta, scipy.zeta, [(1.01, 20), (0.1, 50)], 4),
    (L.gammainc, scipy.gammainc, [(0.1, 20), (0.01, 30)], 8),
    (L.gammainc, scipy.gammainc, [(20, 300), (10, 400)], 16),
    (L.gammaincc, scipy.gammaincc, [(0.1, 20), (2, 30)], 8),
    (L.gammaincc, scipy.gammaincc, [(200, 1e4), (100, 2e4)], 16),
    (L.erfinv, scipy.erfinv, [(-0.9999999, 0.9999999)], 4),
    (L.erfcx, scipy.erfcx, [(-5, 100)], 20),
    (L.ndtr, scipy.ndtr, [(-10, 8)], 4),
    (L.log_ndtr, scipy.log_ndtr, [(-40, 5)], 12),
    (L.ndtri, scipy.ndtri, [(1e-12, 1)], 4),
    (L.entr, scipy.entr, [(0, 5)], 4),
    (L.xlog1py, scipy.xlog1py, [(-2, 2), (-0.9, 5)], 4),
    (L.i0, scipy.i0, [(-30, 30)], 4),
    (L.i0e, scipy.i0e, [(-300, 300)], 4),
    (L.i1, scipy.i1, [(-30, 30)], 4),
    (L.i1e, scipy.i1e, [(-300, 300)], 4),
    (L.modified_bessel_k0, scipy.k0, [(0, 30)], 4),
    (L.modified_bessel_k1, scipy.k1, [(0, 30)], 4),
    (L.scaled_modified_bessel_k0, scipy.k0e, [(0, 300)], 4),
    (L.scaled_modified_bessel_k1, scipy.k1e, [(0, 300)], 4),
    (L.bessel_j0, scipy.j0, [(-50, 50)], 4),
    (L.bessel_j1, scipy.j1, [(-50, 50)], 4),
    (L.bessel_y0, scipy.y0, [(0, 50)], 4),
    (L.bessel_y1, scipy.y1, [(0, 50)], 4),
    (L.spherical_bessel_j0, lambda x: scipy.spherical_jn(0, x), [(0, 50)], 4),
    (L.airy_ai, lambda x: scipy.airy(x)[0], [(-15, 10)], 40),
    (torch.logit, scipy.logit, [(0.01, 0.99)], 4),
    (torch.sinc, np.sinc, [(-3, 3)], 4),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1].__name__} {case[2]}")
def test_against_scipy(case):
    ours, theirs, intervals, limit = case
    rng = np.random.default_rng(0)
    operands = [rng.uniform(*interval, 4000) for interval in intervals]
    got, want = ours(*map(torch.tensor, operands)).numpy(), theirs(*operands)
    errors = np.abs(got - want) / np.spacing(np.maximum(np.abs(want), 1))
    relative = np.abs(got - want) / np.spacing(np.abs(want))
    assert errors.max() <= limit, f"{errors.max():.1f} ulp at {[x[errors.argmax()] for x in operands]}"
    assert np.median(relative) <= 4


def test_float32_is_rounded_once():
    x = np.linspace(0.1, 20, 2000, dtype=np.float32)
    for name in ("gammaln", "digamma", "i0e", "bessel_j0"):
        wide = getattr(scipy, {"bessel_j0": "j0"}.get(name, name))(x.astype(np.float64))
        got = getattr(L, name)(torch.tensor(x)).numpy()
        assert (np.abs(got - wide) <= 0.51 * np.spacing(np.abs(wide).astype(np.float32))).all()


def test_numbers_of_wide_range():
    assert torch.special.gammainc(torch.tensor(1e10, dtype=torch.float64), 1e10 * torch.ones(())).item() == (
        pytest.approx(scipy.gammainc(1e10, 1e10), rel=1e-14)
    )
    assert (
        torch.nextafter(torch.tensor(torch.inf), torch.tensor(0.0)).item() == torch.finfo(torch.float32).max
    )
    assert torch.gcd(torch.tensor(2**62), torch.tensor(3 * 2**40)).item() == 2**40
