"""Special functions at their edges, on converted operands, where they have no gradient, and in place."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same

EDGES = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-45, -1e-40, 3e38, np.inf, -np.inf, np.nan, 30, -30], np.float32
)
CASES = """
L.igamma(i([1.,2.]),i([.5,.5])) | L.igamma(i([1,2]),i([1,2]))
L.igamma(i([1.],requires_grad=True),i([1.])).sum().backward()
L.igamma(i([1.]),i([1.],requires_grad=True)).sum().backward()
L.igammac(i([1.],requires_grad=True),i([1.])).sum().backward() | L.mvlgamma(i([3.]),2) | L.mvlgamma(i([3]),2)
L.mvlgamma(i([.2]),2) | L.mvlgamma(i([.2]),0) | L.mvlgamma(i([True]),1) | L.mvlgamma(i([3.,2.]),1)
L.mvlgamma(i([3.,2.]),2,out=L.empty(2)) | i([3.]).mvlgamma_(2) | L.polygamma(2,i([1.])) | L.polygamma(-1,i([1.]))
L.polygamma(1,i([1])) | L.polygamma(0,i([1.5])) | i([1.5]).polygamma(2) | i([1.5]).polygamma_(2)
L.polygamma(3,i([-1.5,2,.1])) | L.lgamma(x) | L.lgamma(i([0.,-1,INF,-INF,-.5])) | L.digamma(i([0.,-0.,-1,INF,-INF,-.5]))
L.digamma(x) | L.digamma(i([1,2])) | L.i0(i([1,2])) | L.i0(x.clamp(-80,80)) | L.i0(i([1j])) | L.erfinv(i([1.,-1,2,0.5]))
L.special.zeta(i([1.,2]),i([2.,-1])) | L.special.zeta(2,i([2.,-1])) | L.special.zeta(i([2.]),3)
L.special.zeta(i([2.5]),i([-1.5])) | L.special.zeta(i([0.5]),i([-1.5])) | L.special.bessel_j0(i([2.,-1]).half())
L.special.bessel_j0(i([2,-1])) | L.special.bessel_j0(i([True]))
L.special.bessel_j0(i([2.,-1],requires_grad=True)).requires_grad | L.special.airy_ai(i([2.,-1]).half())
L.special.airy_ai(i([2.,-1,INF,-3,9,120])) | L.special.round(i([2.55,-1.]),decimals=1) | L.special.ndtri(i([0.,.5,1,2]))
L.special.ndtri(i([0.5]).half()) | L.special.log_ndtr(i([0.5]).half()) | L.special.log_ndtr(x) | L.special.ndtr(x)
L.special.erfcx(x) | L.special.entr(x) | L.special.erfcx(i([0.5]).half()) | L.special.i1(i([0.5]).half())
L.special.i0e(x) | L.special.i1e(x) | L.special.i1(x.clamp(-80,80)) | L.lgamma(i([0.5]).bfloat16())
L.igamma(i([0.5]).half(),i([0.5]).half()) | L.special.zeta(i([1.5]).half(),i([.5]).half())
L.special.multigammaln(i([3.]),2) | L.special.softmax(i([3.]),0) | L.special.log_softmax(i([3.]),0,dtype=L.float64)
L.special.logsumexp(i([3.]),0) | L.special.expit(i([3])) | L.igamma(i([1.]),i([1.]),out=L.empty(1,dtype=L.float64))
L.special.xlog1py(0,i([-1.,NAN])) | L.special.xlog1py(i([0.,1]),2)
L.special.zeta(i([2.],requires_grad=True),i([2.])).sum().backward()
L.special.zeta(i([2.]),i([2.],requires_grad=True)).sum().backward() | L.igamma(i([1.]),i([0.,-1,INF,NAN,1]))
L.igamma(i([0.,-1,INF,NAN,1]),i([1.])) | L.igammac(i([0.,-1,INF,NAN,1]),i([1.])) | i([1.]).igamma_(i([1.]))
L.i0_(i([1.])) | L.special.modified_bessel_k0(i([0.,-1,1,5])) | L.special.modified_bessel_k1(i([0.,-1,1,5]))
L.special.scaled_modified_bessel_k0(i([0.,-1,1,5,1e5])) | L.special.scaled_modified_bessel_k1(i([0.,-1,1,5,1e5]))
L.special.bessel_y0(i([0.,-1,1])) | L.special.bessel_y1(i([0.,-1,1])) | L.special.spherical_bessel_j0(i([0.,-1,1,.1,INF]))
"""


@pytest.mark.parametrize(
    "case", [case.strip() for line in CASES.strip().split("\n") for case in line.split("|")]
)
def test_special(case):
    case = case.replace("NAN", "float('nan')").replace("INF", "float('inf')")
    assert_same(case, rtol=2e-6, atol=1e-7, x=EDGES)


@pytest.mark.parametrize(
    "name", ["lgamma", "digamma", "erfinv", "special.ndtri", "special.log_ndtr", "special.i1"]
)
def test_gradients_at_edges(name):
    case = f"L.autograd.grad(L.{name}(v := x.clone().requires_grad_()).sum(), v)"
    assert_same(case, rtol=2e-6, atol=1e-7, x=np.array([0.0, 0.5, 1.0, 2.0, -0.5], np.float32))


@pytest.mark.parametrize("name", ["igamma", "igammac", "special.zeta"])
def test_gradient_for_the_second_operand(name):
    case = f"L.autograd.grad(L.{name}(i([2.0, 3.5]), v := x.clone().requires_grad_()).sum(), v)"
    assert_same(case, rtol=2e-6, atol=1e-7, x=np.array([0.5, 2.0], np.float32))


FAMILIES = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
]
FAMILIES += [f"shifted_{name}" for name in FAMILIES]
FAMILIES += [
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
]


@pytest.mark.parametrize("name", FAMILIES)
def test_orthogonal_polynomials(name):
    x = np.array([-1.0, 1, 0, 0.3, -0.7, 2.5, -3])
    for n in ("0", "1", "2", "5", "9", "30", "-1", "2.7"):
        assert_same(f"L.special.{name}(x, {n})", rtol=1e-10, atol=1e-12, x=x)
    n = np.array([0, 1, 2, 5, 9, 12, -3])
    for case in (
        "(x, n)",
        "(2, n)",
        "(n, n)",
        "(x.half(), n)",
        "(x.clone().requires_grad_(), n).requires_grad",
    ):
        assert_same(f"L.special.{name}{case}", rtol=1e-4, atol=1e-5, x=x, n=n)
