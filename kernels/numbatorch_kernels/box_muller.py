"""Two uniform numbers to two normal numbers: radius sqrt(-2 log(1 - u)), angle 2 pi v.

G. Box and M. Muller, Annals of Mathematical Statistics 29 (1958). For float32, log, sin and cos are those of
Cephes (S. Moshier), with the operations of PyTorch's AVX2 kernel in the same order, fused ones included: the
numbers are its own to the last bit. Arguments lie in (0, 1] and [0, 2 pi): no case is special, and LLVM
vectorises.
"""

from __future__ import annotations

import math

from numba.extending import intrinsic
from numpy import float32 as f4
from numpy import int32, uint32

from numbatorch_kernels.callee import callee
from numbatorch_kernels.half import bits_float, float_bits


@intrinsic
def fma(typingctx, a, b, c):
    """a b + c, rounded once."""
    return a(a, b, c), lambda context, builder, signature, args: builder.fma(*args)


# Constants must be float32 before they meet a float32: Numba would go to float64 otherwise.
_ZERO, _HALF, _ONE, _TWO, _TWO_PI, _FOUR_OVER_PI = map(f4, (0, 0.5, 1, 2, 2 * math.pi, 4 / math.pi))
_SQRT_HALF, _LN2_HIGH, _LN2_LOW = map(f4, (math.sqrt(0.5), 0.693359375, -2.12194440e-4))
_L0, _L1, _L2 = map(f4, (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1))
_L3, _L4, _L5 = map(f4, (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1))
_L6, _L7, _L8 = map(f4, (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1))
_PI_A, _PI_B, _PI_C = map(f4, (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8))  # -pi / 4
_C0, _C1, _C2 = map(f4, (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2))
_S0, _S1, _S2 = map(f4, (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1))


@callee
def _log(x):
    """log x, x > 0 normal: exponent times log 2, and a polynomial of the mantissa, in [sqrt 1/2, sqrt 2)."""
    bits = int32(float_bits(x))
    exponent = f4(int32((bits >> int32(23)) - int32(126)))
    x = bits_float(uint32((bits & int32(0x007FFFFF)) | int32(0x3F000000)))
    small = x < _SQRT_HALF
    exponent -= _ONE if small else _ZERO
    x = (x - _ONE) + (x if small else _ZERO)
    square = x * x
    y = fma(fma(fma(fma(_L0, x, _L1), x, _L2), x, _L3), x, _L4)
    y = fma(fma(fma(fma(y, x, _L5), x, _L6), x, _L7), x, _L8) * x
    y = fma(y, square, exponent * _LN2_LOW)
    y = fma(-square, _HALF, y)
    return fma(exponent, _LN2_HIGH, x + y)


@callee
def _sin_cos(x):
    """sin x and cos x of a float32 x >= 0: polynomials of the distance to an even multiple of pi / 4."""
    octant = (int32(x * _FOUR_OVER_PI) + int32(1)) & int32(~1)
    k = f4(octant)
    x = fma(k, _PI_C, fma(k, _PI_B, fma(k, _PI_A, x)))
    square = x * x
    cosine = fma(fma(_C0, square, _C1), square, _C2)
    cosine = fma(cosine * square, square, -(square * _HALF)) + _ONE
    sine = fma(fma(_S0, square, _S1), square, _S2)
    sine = fma(sine * square, x, x)
    swap = (octant & int32(2)) != int32(0)
    sine_sign = uint32((octant & int32(4)) << int32(29))
    cosine_sign = uint32((~(octant - int32(2)) & int32(4)) << int32(29))
    return (
        bits_float(uint32(float_bits(cosine if swap else sine) ^ sine_sign)),
        bits_float(uint32(float_bits(sine if swap else cosine) ^ cosine_sign)),
    )


@callee
def box_muller_f4(u, v):
    """Two independent standard normal numbers, the cosine's first, from u and v in [0, 1)."""
    radius = f4(math.sqrt(-_TWO * _log(_ONE - u)))
    sine, cosine = _sin_cos(_TWO_PI * v)
    return radius * cosine, radius * sine


@callee
def box_muller_f8(u, v):
    """The same in float64, with the C library's functions, as in PyTorch."""
    radius = math.sqrt(-2.0 * math.log(1.0 - u))
    angle = 2.0 * math.pi * v
    return radius * math.cos(angle), radius * math.sin(angle)
