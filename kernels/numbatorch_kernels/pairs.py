"""Complex expressions in real ones: every value becomes a pair, its real and its imaginary part.

A kernel that computes with complex numbers is written like any other, out of real functions: LLVM vectorises
it, and the CPU and CUDA need no complex functions of their own.

    z * w    ->    re = z.re w.re - z.im w.im
                   im = z.re w.im + z.im w.re

Infinities, NaN and branch cuts are those of C99 (Annex G), as PyTorch's are. The inverse functions follow
W. Kahan, "Branch Cuts for Complex Elementary Functions, or: Much Ado About Nothing's Sign Bit" (1987).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from numbatorch_kernels import expr, primitives
from numbatorch_kernels.expr import BodyError, Expr, Scalar, constant, topological
from numbatorch_kernels.primitives import (
    abs,
    asinh,
    atan2,
    copysign,
    cos,
    cosh,
    exp,
    expm1,
    inf,
    isnan,
    log,
    log1p,
    maximum,
    minimum,
    nan,
    pi,
    sin,
    sinh,
    sqrt,
    where,
)
from numbatorch_kernels.scalar import hypot


class Pair(NamedTuple):
    """A value in parts, expressions or numbers. `im` is None for one that is real by nature: a constant, a
    modulus, a truth value. (A real tensor among complex ones is converted: its imaginary parts are zeros,
    which make NaN with infinities.)"""

    re: Expr
    im: Expr | None

    def __add__(self, other):
        im = self.im if other.im is None else other.im if self.im is None else self.im + other.im
        return Pair(self.re + other.re, im)

    def __neg__(self):
        return Pair(-self.re, None if self.im is None else -self.im)

    def __sub__(self, other):
        im = self.im if other.im is None else -other.im if self.im is None else self.im - other.im
        return Pair(self.re - other.re, im)

    def __mul__(self, other):
        (a, b), (c, d) = self, other
        if b is None or d is None:
            return Pair(a * c, a * d if d is not None else b * c if b is not None else None)
        return Pair(a * c - b * d, a * d + b * c)

    def __truediv__(self, other):
        if other.im is None:
            return Pair(self.re / other.re, None if self.im is None else self.im / other.re)
        return _quotient(self, other)

    @property
    def parts(self) -> tuple[Expr, Expr]:
        """Both parts."""
        return self.re, constant(0) if self.im is None else self.im


def _quotient(z: Pair, w: Pair) -> Pair:
    """z / w, scaled so that nothing overflows: R. L. Smith, Algorithm 116 (1962)."""
    (a, b), (c, d) = z.parts, w.parts
    wide = abs(c) >= abs(d)
    none = (c == 0) & (d == 0)
    ratio = where(none, 0, where(wide, d / c, c / d))
    scale = where(none, 0, where(wide, c + d * ratio, c * ratio + d))
    re = where(none, a, where(wide, a + b * ratio, a * ratio + b))
    im = where(none, b, where(wide, b - a * ratio, b * ratio - a))
    return Pair(re / scale, im / scale)


def _modulus(x, y):
    assert hypot.body is not None
    return hypot.body(x, y)


def _damped(u, v):
    """u v, and 0 where v is, even if u is infinite."""
    return where(v == 0, where(u < 0, -v, v), u * v)


def _i(z: Pair) -> Pair:
    re, im = z.parts
    return Pair(-im, re)


def _minus_i(z: Pair) -> Pair:
    re, im = z.parts
    return Pair(im, -re)


def _exp(z: Pair) -> Pair:
    x, y = z.parts
    # Where e^x overflows and e^x cos y might not, e^80 is multiplied last.
    large = x > 80
    size, rest = exp(where(large, x - 80, x)), where(large, math.exp(80), 1)
    vague = (abs(x) == inf) & ((abs(y) == inf) | isnan(y))
    re = where(vague, where(x < 0, 0, inf), _damped(size, cos(y)) * rest)
    im = where(y == 0, y, where(vague & (x < 0), 0, _damped(size, sin(y)) * rest))
    return Pair(re, im)


def _log(z: Pair) -> Pair:
    x, y = z.parts
    longer, shorter = maximum(abs(x), abs(y)), minimum(abs(x), abs(y))
    ratio = where((longer == 0) | (longer == inf), 0, shorter / longer)
    # Near the unit circle log|z| comes from |z|² - 1, which is exact enough there.
    near = (longer > 0.5) & (longer < 1.5)
    rest = where(near, (longer - 1) * (longer + 1) + shorter * shorter, ratio * ratio)
    modulus = log(where(near, 1, longer)) + 0.5 * log1p(rest)
    return Pair(where((abs(x) == inf) | (abs(y) == inf), inf, modulus), atan2(y, x))


def _log1p(z: Pair) -> Pair:
    x, y = z.parts
    small = _modulus(x, y) < 0.5
    squares = x * (2 + x) + y * y
    inner = where(squares == 0, x, 0.5 * log1p(squares))
    return Pair(where(small, inner, log(_modulus(x + 1, y))), atan2(y, x + 1))


def _expm1(z: Pair) -> Pair:
    x, y = z.parts
    half = sin(0.5 * y)
    return Pair(expm1(x) * cos(y) - 2 * half * half, exp(x) * sin(y))


def _sqrt(z: Pair) -> Pair:
    x, y = z.parts
    longer, shorter = maximum(abs(x), abs(y)), minimum(abs(x), abs(y))
    flat = (longer == 0) | (longer == inf)
    ratio, part = where(flat, 0, shorter / longer), where(flat, 1, abs(x) / longer)
    major = sqrt(longer) * sqrt(0.5 * (part + sqrt(1 + ratio * ratio)))
    minor = where(longer == 0, 0, abs(y) / (2 * major))
    re, im = where(x >= 0, major, minor), copysign(where(x >= 0, minor, major), y)
    endless, infinite = abs(y) == inf, abs(x) == inf
    re = where(endless | (x == inf), inf, where(infinite, y * 0, re))
    im = where(infinite, where(x < 0, copysign(inf, y), y * 0), where(isnan(x) | isnan(y), x + y, im))
    return Pair(re, where(endless, y, im))


def _endless(x, y):
    """Whether x is infinite and y has no direction, NaN or infinite."""
    return (abs(x) == inf) & (y - y != 0)


def _sinh(z: Pair) -> Pair:
    x, y = z.parts
    zero = where(cos(y) < 0, -x, x)  # even of an infinite y, whose cosine is NaN
    re = where(x == 0, zero, where(_endless(x, y), inf, _damped(cos(y), sinh(x))))
    return Pair(re, where(y == 0, y, _damped(cosh(x), sin(y))))


def _cosh(z: Pair) -> Pair:
    x, y = z.parts
    zero = copysign(0.0, x) * copysign(1.0, where(abs(y) == inf, y, sin(y)))
    im = where((x == 0) | (y == 0), zero, sinh(x) * sin(y))
    return Pair(where(_endless(x, y), inf, _damped(cosh(x), cos(y))), im)


def _tanh(z: Pair) -> Pair:
    x, y = z.parts
    s, wave = sinh(x), sin(y) * cos(y)
    under = s * s + cos(y) * cos(y)
    re = where(x == 0, x, where(abs(x) > 20, copysign(1.0, x), s * sqrt(1 + s * s) / under))
    im = where(y == 0, y, where(abs(x) == inf, copysign(0.0, wave), wave / under))
    return Pair(re, im)


def _boxed(z: Pair) -> tuple[Pair, Expr]:
    """z, where infinite as a large number in the same direction, and whether it is infinite."""
    x, y = z.parts
    infinite = (abs(x) == inf) | (abs(y) == inf)
    x, y = (where(infinite, where(abs(part) == inf, copysign(1e18, part), part * 0), part) for part in (x, y))
    return Pair(x, y), infinite


def _asin(z: Pair) -> Pair:
    box, infinite = _boxed(z)
    lower, upper = _sqrt(_ONE - box), _sqrt(_ONE + box)
    im = asinh(lower.re * upper.im - lower.im * upper.re)
    return Pair(atan2(box.re, (lower * upper).re), where(infinite, copysign(inf, z.parts[1]), im))


def _acos(z: Pair) -> Pair:
    box, infinite = _boxed(z)
    lower, upper = _sqrt(_ONE - box), _sqrt(_ONE + box)
    im = asinh(upper.re * lower.im - upper.im * lower.re)
    return Pair(2 * atan2(lower.re, upper.re), where(infinite, -copysign(inf, z.parts[1]), im))


def _acosh(z: Pair) -> Pair:
    box, infinite = _boxed(z)
    lower, upper = _sqrt(box - _ONE), _sqrt(box + _ONE)
    (a, b), (c, d) = lower.parts, upper.parts
    return Pair(where(infinite, inf, asinh(a * c + b * d)), 2 * atan2(b, c))


def _atanh(z: Pair) -> Pair:
    x, y = z.parts
    longer, shorter = maximum(abs(x), abs(y)), minimum(abs(x), abs(y))
    far = longer > 1e9
    ratio = where(longer == inf, 0, shorter / longer)
    from_afar = where(longer == inf, 0, abs(x) / longer / longer / (1 + ratio * ratio))
    left = 1 - abs(x)
    re = where(far, from_afar, 0.25 * log1p(4 * abs(x) / (left * left + y * y)))
    im = where(far, copysign(0.5 * pi, y), 0.5 * atan2(2 * y, left * (1 + abs(x)) - y * y))
    return Pair(copysign(re, x), im)


def _turned(function: Callable[[Pair], Pair]) -> Callable[[Pair], Pair]:
    """-i f(i z), which is how sin, tan, asin and atan come from sinh, tanh ..., and these from those."""
    return lambda z: _minus_i(function(_i(z)))


def _pow(z: Pair, p: Pair) -> Pair:
    inner = _log(z) * p
    power, none = _exp(inner), inner.re == -inf
    return Pair(where(none, 0, power.re), where(none, where(inner.parts[1] > 0, 0.0, -0.0), power.im))


def _sgn(z: Pair) -> Pair:
    x, y = z.parts
    modulus = _modulus(x, y)
    unit = z / Pair(modulus, constant(0))  # as of complex numbers: the zeros beside a part become positive
    return Pair(where(modulus == 0, 0, unit.re), where(modulus == 0, 0, unit.parts[1]))


def _where(condition: Pair, a: Pair, b: Pair) -> Pair:
    test = truth(condition)
    im = None if a.im is None and b.im is None else where(test, a.parts[1], b.parts[1])
    return Pair(where(test, a.re, b.re), im)


def truth(z: Pair) -> Expr:
    """Whether a value is not zero."""
    if z.im is None:
        return z.re if expr.is_boolean(z.re) else z.re != 0
    return (z.re != 0) | (z.im != 0)


def _equal(z: Pair, w: Pair) -> Pair:
    return Pair((z.re == w.re) & (z.parts[1] == w.parts[1]), None)


def _unequal(z: Pair, w: Pair) -> Pair:
    return Pair((z.re != w.re) | (z.parts[1] != w.parts[1]), None)


def _of_parts(function: Callable) -> Callable:
    """A real function of the real and the imaginary part."""
    return lambda z: Pair(function(*z.parts), None)


def _by(number: float, function: Callable) -> Callable:
    """A function times a number."""
    return lambda z: Pair(constant(number), None) * function(z)


def _on_real_parts(function: Scalar) -> Callable:
    """Comparisons and connectives: what is compared is real, or its real part counts."""
    return lambda *args: Pair(function(*[a.re for a in args]), None)


_ONE = Pair(constant(1), None)

RULES: dict[Scalar, Callable[..., Pair]] = {
    expr.add: Pair.__add__,
    expr.sub: Pair.__sub__,
    expr.mul: Pair.__mul__,
    expr.div: Pair.__truediv__,
    expr.neg: Pair.__neg__,
    expr.eq: _equal,
    expr.ne: _unequal,
    expr.where: _where,
    expr.logical_not: lambda z: Pair(~truth(z), None),
    **{
        f: _on_real_parts(f)
        for f in (expr.lt, expr.le, expr.bit_and, expr.bit_or, expr.bit_xor, expr.bit_not)
    },
    expr.absolute: lambda z: Pair(abs(z.re) if z.im is None else _modulus(*z), None),
    expr.conj: lambda z: Pair(z.re, None if z.im is None else -z.im),
    expr.real: _of_parts(lambda x, y: x),
    expr.imag: _of_parts(lambda x, y: y),
    expr.times_i: _i,
    expr.sgn: _sgn,
    primitives.angle: _of_parts(lambda x, y: where(isnan(x) | isnan(y), nan, atan2(y, x))),
    primitives.complex_of: lambda a, b: Pair(a.re, b.re),
    primitives.exp: _exp,
    primitives.exp2: lambda z: _exp(z * Pair(constant(math.log(2)), None)),
    primitives.expm1: _expm1,
    primitives.log: _log,
    primitives.log2: _by(1 / math.log(2), _log),
    primitives.log10: _by(1 / math.log(10), _log),
    primitives.log1p: _log1p,
    primitives.sqrt: _sqrt,
    primitives.rsqrt: lambda z: _ONE / _sqrt(z),
    primitives.pow: _pow,
    primitives.sigmoid: lambda z: _ONE / (_ONE + _exp(-z)),
    primitives.sinh: _sinh,
    primitives.cosh: _cosh,
    primitives.tanh: _tanh,
    primitives.sin: _turned(_sinh),
    primitives.cos: lambda z: _cosh(_i(z)),
    primitives.tan: _turned(_tanh),
    primitives.asin: _asin,
    primitives.acos: _acos,
    primitives.acosh: _acosh,
    primitives.acosh_slope: lambda z: _ONE / (_sqrt(z - _ONE) * _sqrt(z + _ONE)),
    primitives.asinh: _turned(_asin),
    primitives.atanh: _atanh,
    primitives.atan: _turned(_atanh),
}


def lower(outputs: Sequence[Expr], symbols: dict[int, Pair]) -> list[Pair]:
    """`outputs`, of primitives alone, in parts, where `symbols` has the parts of the inputs by position.

    Raises BodyError for a function that complex numbers do not have.
    """
    done: dict[Expr, Pair] = {}
    for node in topological(outputs):
        if node.function == "symbol":
            done[node] = symbols[node.args[0]]
        elif node.function == "constant":
            value = node.args[0]
            number = isinstance(value, complex)
            done[node] = (
                Pair(constant(value.real), constant(value.imag)) if number else Pair(constant(value), None)
            )
        elif node.function in RULES:
            done[node] = RULES[node.function](*[done[a] for a in node.args])
        else:
            raise BodyError(f"calls {node.function.name}, which complex numbers do not have")
    return [done[o] for o in outputs]
