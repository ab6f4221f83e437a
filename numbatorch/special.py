"""`torch.special`: the special functions under the names that they have in SciPy."""

from __future__ import annotations

from numbatorch.ops import airy_ai as airy_ai
from numbatorch.ops import bessel_j0 as bessel_j0
from numbatorch.ops import bessel_j1 as bessel_j1
from numbatorch.ops import bessel_y0 as bessel_y0
from numbatorch.ops import bessel_y1 as bessel_y1
from numbatorch.ops import chebyshev_polynomial_t as chebyshev_polynomial_t
from numbatorch.ops import chebyshev_polynomial_u as chebyshev_polynomial_u
from numbatorch.ops import chebyshev_polynomial_v as chebyshev_polynomial_v
from numbatorch.ops import chebyshev_polynomial_w as chebyshev_polynomial_w
from numbatorch.ops import digamma as digamma
from numbatorch.ops import entr as entr
from numbatorch.ops import erf as erf
from numbatorch.ops import erfc as erfc
from numbatorch.ops import erfcx as erfcx
from numbatorch.ops import erfinv as erfinv
from numbatorch.ops import exp2 as exp2
from numbatorch.ops import expm1 as expm1
from numbatorch.ops import hermite_polynomial_h as hermite_polynomial_h
from numbatorch.ops import hermite_polynomial_he as hermite_polynomial_he
from numbatorch.ops import i0 as i0
from numbatorch.ops import i0e as i0e
from numbatorch.ops import i1 as i1
from numbatorch.ops import i1e as i1e
from numbatorch.ops import igamma, igammac, lgamma, mvlgamma, sigmoid
from numbatorch.ops import laguerre_polynomial_l as laguerre_polynomial_l
from numbatorch.ops import legendre_polynomial_p as legendre_polynomial_p
from numbatorch.ops import log1p as log1p
from numbatorch.ops import log_ndtr as log_ndtr
from numbatorch.ops import log_softmax as log_softmax
from numbatorch.ops import logit as logit
from numbatorch.ops import logsumexp as logsumexp
from numbatorch.ops import modified_bessel_i0 as modified_bessel_i0
from numbatorch.ops import modified_bessel_i1 as modified_bessel_i1
from numbatorch.ops import modified_bessel_k0 as modified_bessel_k0
from numbatorch.ops import modified_bessel_k1 as modified_bessel_k1
from numbatorch.ops import ndtr as ndtr
from numbatorch.ops import ndtri as ndtri
from numbatorch.ops import polygamma as polygamma
from numbatorch.ops import round as round
from numbatorch.ops import scaled_modified_bessel_k0 as scaled_modified_bessel_k0
from numbatorch.ops import scaled_modified_bessel_k1 as scaled_modified_bessel_k1
from numbatorch.ops import shifted_chebyshev_polynomial_t as shifted_chebyshev_polynomial_t
from numbatorch.ops import shifted_chebyshev_polynomial_u as shifted_chebyshev_polynomial_u
from numbatorch.ops import shifted_chebyshev_polynomial_v as shifted_chebyshev_polynomial_v
from numbatorch.ops import shifted_chebyshev_polynomial_w as shifted_chebyshev_polynomial_w
from numbatorch.ops import sinc as sinc
from numbatorch.ops import softmax as softmax
from numbatorch.ops import spherical_bessel_j0 as spherical_bessel_j0
from numbatorch.ops import xlog1py as xlog1py
from numbatorch.ops import xlogy as xlogy
from numbatorch.ops import zeta as zeta

expit = sigmoid
gammainc = igamma
gammaincc = igammac
gammaln = lgamma
multigammaln = mvlgamma
psi = digamma
