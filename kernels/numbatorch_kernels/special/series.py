"""Sums of powers and of Chebyshev polynomials. Their coefficients are arrays: constants of the compiled code, and
of one type whatever their number, so that a sum is compiled once."""

from __future__ import annotations

from numbatorch_kernels.callee import callee


@callee
def horner(x, coefficients):
    """c0 xⁿ + c1 xⁿ⁻¹ + ... + cn: the highest power first, as in Cephes."""
    total = 0.0
    for k in range(len(coefficients)):
        total = total * x + coefficients[k]
    return total


@callee
def chebyshev(x, coefficients):
    """c0 Tn(x/2) + ... + cn/2 T0, the highest first, as in Cephes; by Clenshaw's rule."""
    b0, b1, b2 = 0.0, 0.0, 0.0
    for k in range(len(coefficients)):
        b2 = b1
        b1 = b0
        b0 = x * b1 - b2 + coefficients[k]
    return 0.5 * (b0 - b2)
