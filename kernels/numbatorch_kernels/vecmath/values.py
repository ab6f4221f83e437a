"""What the functions of this package are written in: plain Python on `Value`s, one LLVM instruction each.

A body such as `exp` runs once, when a caller is compiled, on `Value`s that stand for the numbers to come.
There are no branches in it: `where` chooses between two results, and tricks on the bits of a number replace
the rest. So LLVM turns a loop over a body into vector instructions, with no call left. Against functions
that Numba compiles from Python's bytecode this compiles several times faster, one body serves float32 and
float64, and no fastmath flag of a caller reaches the instructions: it would break the roundings that they
rely on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from numbatorch_kernels.callee import callee


@dataclass(frozen=True, eq=False)
class Format:
    """An IEEE 754 format: a number is (-1)^sign 2^(exponent - bias) 1.mantissa."""

    suffix: str
    numba: types.Type
    real: ir.Type
    integer: ir.Type
    mantissa: int  # bits
    bias: int

    @property
    def magic(self) -> float:
        """1.5 * 2^mantissa. Added to it, x is rounded to an integer, in the lowest bits of the sum."""
        return 1.5 * 2.0**self.mantissa

    @property
    def tiny(self) -> float:
        """2^-bias rounded up: the smallest number that is not subnormal."""
        return 2.0 ** (1 - self.bias)

    @property
    def epsilon(self) -> float:
        """From 1 to the next number."""
        return 2.0**-self.mantissa


F32 = Format("f32", types.float32, ir.FloatType(), ir.IntType(32), 23, 127)
F64 = Format("f64", types.float64, ir.DoubleType(), ir.IntType(64), 52, 1023)
_FORMATS = {F32.real: F32, F32.integer: F32, F64.real: F64, F64.integer: F64}


def _lane(type: ir.Type) -> ir.Type:
    """The type of one number of a vector; of what is no vector, itself."""
    return type.element if isinstance(type, ir.VectorType) else type


def _as_many(type: ir.Type, lane: ir.Type) -> ir.Type:
    """A vector of as many `lane`s as `type` has; what is no vector has one."""
    return ir.VectorType(lane, type.count) if isinstance(type, ir.VectorType) else lane


PerFormat = dict[Format, tuple[float, ...]]  # constants that differ between float32 and float64


class Value:
    """A number, an integer or a truth value that will be known when the compiled function runs; or a vector of
    these, which LLVM need not be talked into then."""

    __slots__ = ("builder", "llvm")

    def __init__(self, builder: ir.IRBuilder, llvm: ir.Value):
        self.builder, self.llvm = builder, llvm

    @property
    def format(self) -> Format:
        """The format of a number, or the one with as many bits as an integer."""
        return _FORMATS[_lane(self.llvm.type)]

    @property
    def is_real(self) -> bool:
        return _lane(self.llvm.type) in (F32.real, F64.real)

    def new(self, llvm: ir.Value) -> Value:
        """The result of an instruction."""
        return Value(self.builder, llvm)

    def like(self, other: Value | float) -> Value:
        """`other` itself, or, if it is a plain number, a constant of this value's type."""
        if isinstance(other, Value):
            return other
        number, own = float(other) if self.is_real else other, self.llvm.type
        return self.new(ir.Constant(own, [number] * own.count if isinstance(own, ir.VectorType) else number))

    def _apply(self, real: str, integer: str, b: Value | float) -> Value:
        instruction = getattr(self.builder, real if self.is_real else integer)
        return self.new(instruction(self.llvm, self.like(b).llvm))

    def _compare(self, sign: str, b: Value | float) -> Value:
        compare = self.builder.fcmp_ordered if self.is_real else self.builder.icmp_signed
        return self.new(compare(sign, self.llvm, self.like(b).llvm))

    def __add__(self, b):
        return self._apply("fadd", "add", b)

    def __radd__(self, a):
        return self.like(a) + self

    def __sub__(self, b):
        return self._apply("fsub", "sub", b)

    def __rsub__(self, a):
        return self.like(a) - self

    def __mul__(self, b):
        return self._apply("fmul", "mul", b)

    def __rmul__(self, a):
        return self.like(a) * self

    def __truediv__(self, b):
        return self.new(self.builder.fdiv(self.llvm, self.like(b).llvm))

    def __rtruediv__(self, a):
        return self.like(a) / self

    def __neg__(self):
        return self.new(self.builder.fneg(self.llvm))

    def __abs__(self):
        return _call("llvm.fabs", self)

    def __lt__(self, b):
        return self._compare("<", b)

    def __le__(self, b):
        return self._compare("<=", b)

    def __gt__(self, b):
        return self._compare(">", b)

    def __ge__(self, b):
        return self._compare(">=", b)

    def equals(self, b: Value | float) -> Value:
        return self._compare("==", b)

    def is_nan(self) -> Value:
        return self.new(self.builder.fcmp_unordered("uno", self.llvm, self.llvm))

    # The rest is for integers and truth values.

    def __and__(self, b):
        return self.new(self.builder.and_(self.llvm, self.like(b).llvm))

    def __or__(self, b):
        return self.new(self.builder.or_(self.llvm, self.like(b).llvm))

    def __xor__(self, b):
        return self.new(self.builder.xor(self.llvm, self.like(b).llvm))

    def __invert__(self):
        return self.new(self.builder.not_(self.llvm))

    def __lshift__(self, count: int):
        return self.new(self.builder.shl(self.llvm, self.like(count).llvm))

    def __rshift__(self, count: int):
        """Logical: zeros come in from the left. (AVX2 has no arithmetic one for 64 bits.)"""
        return self.new(self.builder.lshr(self.llvm, self.like(count).llvm))


def _call(name: str, *args: Value) -> Value:
    """An LLVM intrinsic whose arguments and result are of one type."""
    first = args[0]
    real = first.llvm.type
    function = first.builder.module.declare_intrinsic(name, [real], ir.FunctionType(real, [real] * len(args)))
    return first.new(first.builder.call(function, [a.llvm for a in args]))


def fma(a: Value | float, b: Value | float, c: Value | float) -> Value:
    """a * b + c, rounded once. At least one of the three is a Value."""
    model = next(v for v in (a, b, c) if isinstance(v, Value))
    a, b, c = model.like(a), model.like(b), model.like(c)
    own = model.llvm.type
    if not isinstance(own, ir.VectorType):
        return model.new(model.builder.fma(a.llvm, b.llvm, c.llvm))
    name = f"llvm.fma.v{own.count}{model.format.suffix}"
    function = cgutils.get_or_insert_function(model.builder.module, ir.FunctionType(own, [own] * 3), name)
    return model.new(model.builder.call(function, [a.llvm, b.llvm, c.llvm]))


def where(condition: Value, a: Value | float, b: Value | float) -> Value:
    """a where the condition holds, else b. At least one of the two is a Value."""
    model = a if isinstance(a, Value) else b
    assert isinstance(model, Value)
    return model.new(model.builder.select(condition.llvm, model.like(a).llvm, model.like(b).llvm))


def clamp(x: Value, low: float | None = None, high: float | None = None) -> Value:
    """x, but at least `low` and at most `high`; NaN stays."""
    if low is not None:
        x = where(x < low, low, x)
    return x if high is None else where(x > high, high, x)


def sqrt(x: Value) -> Value:
    """The square root, rounded correctly."""
    return _call("llvm.sqrt", x)


def rint(x: Value) -> Value:
    """The nearest integer, half to even."""
    return _call("llvm.rint", x)


def copysign(magnitude: Value, sign: Value) -> Value:
    """The first, with the sign of the second."""
    return _call("llvm.copysign", magnitude, sign)


def bits(x: Value) -> Value:
    """The integer that is stored where the number x is stored."""
    return x.new(x.builder.bitcast(x.llvm, _as_many(x.llvm.type, x.format.integer)))


def number(integer: Value) -> Value:
    """The number whose bits are these: the inverse of `bits`."""
    return integer.new(
        integer.builder.bitcast(integer.llvm, _as_many(integer.llvm.type, integer.format.real))
    )


def counted(small: Value, bias: int = 0) -> Value:
    """small - bias as a number, `small` an integer from 0 to 2^mantissa. (AVX2 converts no 64-bit ones.)"""
    format = small.format
    shifted = number(small | ((format.mantissa + format.bias) << format.mantissa))  # 2^mantissa + small
    return shifted - (2.0**format.mantissa + bias)


def widen(x: Value) -> Value:
    """float32 to float64."""
    return x.new(x.builder.fpext(x.llvm, F64.real))


def narrow(x: Value) -> Value:
    """float64 to float32, int64 to int32 (the lowest bits)."""
    if x.llvm.type == F64.real:
        return x.new(x.builder.fptrunc(x.llvm, F32.real))
    return x.new(x.builder.trunc(x.llvm, F32.integer))


def polynomial(x: Value, coefficients: Sequence[Value | float]) -> Value:
    """c0 + c1 x + c2 x^2 + ..., by Horner's rule: fewest operations; other elements fill the waits."""
    *lower, total = coefficients
    for c in reversed(lower):
        total = fma(total, x, c)
    return x.like(total)


def polynomial_by_pairs(x: Value, coefficients: Sequence[float]) -> Value:
    """`polynomial` as (c0 + c1 x) + x^2 ((c2 + c3 x) + ...): half the wait, for long functions; rounded more
    often."""
    terms: list[Value | float] = [
        fma(x, high, low) for low, high in zip(coefficients[::2], coefficients[1::2], strict=False)
    ]
    return polynomial(x * x, terms + list(coefficients[len(coefficients) // 2 * 2 :]))


def nearest(x: Value, factor: float, offset: float = 0) -> tuple[Value, Value]:
    """The integer n nearest to x * factor: as a number, and as `t`, whose lowest bits hold n + offset."""
    magic = x.format.magic + offset
    t = fma(x, factor, magic)
    return t - magic, t


def two_to_the(t: Value) -> Value:
    """2^n, where the lowest bits of t hold n + bias."""
    return number(bits(t) << t.format.mantissa)


def two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """a + b without error: the rounded sum and what it lacks. (Knuth)"""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def table(values: Sequence[float], position: Value) -> Callable[[int], Value]:
    """A table of float64 constants: `table(values, position)(k)` is values[position + k]."""
    builder, module = position.builder, position.builder.module
    array = ir.Constant(ir.ArrayType(F64.real, len(values)), [ir.Constant(F64.real, v) for v in values])
    constant = ir.GlobalVariable(module, array.type, module.get_unique_name("table"))
    constant.initializer, constant.global_constant, constant.linkage = array, True, "internal"

    def at(k: int) -> Value:
        address = builder.gep(constant, [ir.Constant(F64.integer, 0), (position + k).llvm], inbounds=True)
        return position.new(builder.load(address))

    return at


def vectorised(body: Callable[..., Value]) -> tuple[Callable, Callable]:
    """The body as functions that compiled code can call: of float32 and of float64."""
    return _function(body, F32), _function(body, F64)


def _function(body: Callable[..., Value], format: Format) -> Callable:
    arity = body.__code__.co_argcount

    @intrinsic
    def emit(typingctx, operands):
        def codegen(context, builder, signature, args):
            return body(*(Value(builder, builder.extract_value(args[0], k)) for k in range(arity))).llvm

        return format.numba(types.UniTuple(format.numba, arity)), codegen

    def unary(x):
        return emit((x,))

    def binary(x, y):
        return emit((x, y))

    function = unary if arity == 1 else binary
    function.__name__ = function.__qualname__ = f"{body.__name__}_{format.suffix}"
    function.__doc__, function.__module__ = body.__doc__, body.__module__
    # A function of its own: no fastmath flag of a caller reaches it. LLVM inlines it, whatever its size.
    return callee(forceinline=True)(function)
