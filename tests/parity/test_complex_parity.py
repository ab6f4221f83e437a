"""Complex tensors against PyTorch: what does not fit a row of the table of samples."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same

Z = np.array([[1 + 2j, -0.5j, 3], [0.25 - 1j, -2, 0]], np.complex64)
R = np.array([1.5, -2.0, 0.5], np.float32)

VIEWS = """z.real, z.imag, z.t().real, z[:, ::2].imag
L.view_as_real(z), L.view_as_real(z.t()), L.view_as_complex(L.view_as_real(z)[::2])
z.real.zero_(), z
z.imag.add_(1), z
setattr(z, 'real', L.tensor([1., 2., 3.])), z
setattr(z, 'imag', 7), z
L.view_as_real(z).mul_(2), z
z.real.stride(), z.imag.storage_offset(), L.view_as_real(z).stride()
z.mH, z.H, z.adjoint(), z.mT, z[None].mH
r.real is r, r.conj() is r, L.resolve_conj(z), z.resolve_neg()
L.view_as_real(r)
L.view_as_complex(r)
L.view_as_complex(L.ones(3, 4)[:, ::2])
L.view_as_complex(L.ones(3, 3)[:, :2])
L.imag(r)
r.H
L.ones(2, 2, 2).H
L.ones(2).mH"""

NUMBERS = """L.tensor([1, 2.5, 3j]), L.tensor(1j), L.tensor([True, 1j])
L.tensor(1 + 2j).item(), z.tolist(), complex(L.tensor(2.0)), float(L.tensor(1 + 0j)), int(L.tensor(2 + 0j))
float(L.tensor(1j))
int(L.tensor(1j))
L.full((2,), 1j), L.zeros(2, dtype=L.complex64), L.eye(2, dtype=L.complex128)
z.to(L.bool), r.to(L.complex128), r.to(L.cfloat), z.to(L.complex128).dtype
z + 1, z * 2.5, 2j - r, r * 1j, r / (1 + 1j), z == 3, z != z, 2 ** z, z ** 2
z.dtype, (z + L.tensor(1.0, dtype=L.float64)).dtype, (r.double() * 1j).dtype, (L.tensor([1, 2]) * 1j).dtype
L.complex(r, r.double())
L.complex(L.tensor([1]), L.tensor([1]))
L.polar(L.tensor([1]), L.tensor([1]))
L.is_complex(z), z.is_conj(), z.is_neg(), z.is_floating_point()
L.isclose(z, z + 1e-9), L.allclose(z, z), L.equal(z, z), L.isreal(z), L.isreal(r), L.count_nonzero(z)
L.where(L.tensor([True, False, True]), z, r), r.masked_fill(L.tensor([True, False, True]), 2)
r.masked_fill(L.tensor([True, False, True]), 1j)
r.clone().fill_(1j)
r.clone().add_(z[0])
L.add(r, r, alpha=1j)
L.tensor([1j], dtype=L.float32)
L.any(z), L.all(z), z.any(1), z.all(0), L.logical_not(z), L.logical_and(z, z), z.nonzero()
repr(z), repr(z.conj_physical()), repr(L.tensor([1e5 + 1j, 1e-5j])), repr(L.tensor([complex('nan'), complex('inf')]))
L.nan_to_num(L.tensor([complex(float('nan'), float('inf'))]), nan=1, posinf=2)
L.manual_seed(3) and L.randn(3, dtype=L.complex64), L.rand(2, dtype=L.complex128)"""

REFUSED = """L.sign(z)
L.floor(z)
L.ceil(z)
L.trunc(z)
L.round(z)
L.frac(z)
L.clamp(z, 0)
L.maximum(z, z)
L.fmin(z, z)
L.fmod(z, z)
z // 2
z % 2
z < z
z >= 1
L.atan2(z, z)
L.hypot(z, z)
L.copysign(z, r)
L.xlogy(z, z)
L.erf(z)
L.logit(z)
L.max(z)
L.argmax(z)
L.sort(z)
L.cummax(z, 0)
L.arange(3, dtype=L.complex64)
~z
z.clone().abs_()
F.relu(z)
F.gelu(z)
F.softplus(z)
F.leaky_relu(z)
F.elu(z)
F.mish(z)
F.logsigmoid(z)
F.softmax(z, 0)
F.mse_loss(z, z)
z.clone().requires_grad_().sum().backward()"""


@pytest.mark.parametrize("case", [*VIEWS.splitlines(), *NUMBERS.splitlines(), *REFUSED.splitlines()])
def test_same(case):
    assert_same(case, rtol=1e-6, atol=1e-7, z=Z, r=R)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, np.inf, -np.inf, 1e-30, 1e30, 0.5]
PLANE = np.array([complex(a, b) for a in SPECIAL for b in SPECIAL], np.complex128)
FINITE = PLANE[np.isfinite(PLANE)]


@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "abs", "angle", "sgn", "sinh", "cosh", "isinf", "isfinite", "isnan"]
)
def test_infinities(name):
    assert_same(f"L.{name}(z)", rtol=1e-12, atol=1e-100, z=PLANE)


@pytest.mark.parametrize(
    "name", ["asin", "acosh", "asinh", "atan", "sin", "cos", "tan", "tanh", "log1p", "expm1"]
)
def test_branch_cuts(name):
    """Which side of a cut a value is on is told by the sign of a zero."""
    assert_same(f"L.{name}(z)", rtol=1e-12, atol=1e-15, z=FINITE)


@pytest.mark.parametrize("name", ["sin", "cos", "sinh", "cosh", "tan", "tanh"])
def test_signs_of_zeros(name):
    """On the axes; the square root behind lands on the side that the sign tells."""
    axis = [0.0, -0.0, *(sign * x for x in (1.0, 2.0, 4.0) for sign in (1, -1))]
    plane = np.array([complex(a, b) for a in axis for b in axis])
    assert_same(f"L.{name}(z).sqrt()", rtol=1e-12, atol=1e-15, z=plane)
    assert_same(f"[L.signbit(x) for x in (L.{name}(z).real, L.{name}(z).imag)]", z=plane)


INF, NAN = np.inf, np.nan
EDGES = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, INF, -INF]
CORNERS = np.array([complex(a, b) for a in EDGES for b in EDGES])
SIGNS = "[L.where(x.isnan(), 2, L.signbit(x)) for x in (y.real, y.imag)]"


def test_powers_of_zeros_and_infinities():
    """Of tensors 0 ** 0 is NaN, and the zeros of others have signs."""
    z, p = (x.ravel() for x in np.meshgrid(CORNERS[np.abs(CORNERS) < 3], CORNERS[np.isfinite(CORNERS)]))
    assert_same("z ** p, L.float_power(z, p), L.pow(0, p)", rtol=1e-10, atol=1e-15, z=z, p=p)
    assert_same(f"[{SIGNS} for y in [z ** p]]", z=z, p=p)
    assert_same("z ** 0, z ** 0j, z.clone().pow_(0.0), L.zeros(3) ** 0j", z=CORNERS)
    gradients = "[L.autograd.grad((z ** n).real.sum(), z) for z.requires_grad in [True] for n in (0, 1, 2, 0j, 1 + 1j)]"
    assert_same(gradients, z=np.array([0, 1 + 1j, 2j]))


@pytest.mark.parametrize("case", ["1 / z", "L.reciprocal(z)", "z / w", "L.div(z, w * 0)"])
def test_quotients_of_zeros_and_infinities(case):
    z, w = (x.ravel() for x in np.meshgrid(CORNERS, CORNERS))
    assert_same(case, z=z, w=w, rtol=1e-12)
    assert_same(f"[{SIGNS} for y in [{case}]]", z=z, w=w)


def test_signs_of_directions():
    assert_same(f"[{SIGNS} for y in [L.sgn(z)]]", z=np.array([complex(-0.0, 1), complex(1, -0.0), -0.0, -2j]))


@pytest.mark.parametrize("dim", [0, 1])
def test_turns_of_logcumsumexp(dim):
    """An imaginary part goes on from that of the larger term, beyond π too."""
    random = np.random.default_rng(0)
    z = random.uniform(-2, 2, (40, 50)) + 1j * random.uniform(-9, 9, (40, 50))
    assert_same(f"L.logcumsumexp(z, {dim}), L.logcumsumexp(z[0, 0], 0)", z=z, rtol=1e-9)
    assert_same(
        "L.logcumsumexp(z, 0)", z=np.array([9j, -1 + 9j, complex(-INF, 4), 5j, complex(INF, 3), 2, NAN])
    )
    assert_same(
        "[L.autograd.grad(L.logcumsumexp(z, 0).imag.sum(), z) for z.requires_grad in [True]]", z=z, rtol=1e-9
    )
