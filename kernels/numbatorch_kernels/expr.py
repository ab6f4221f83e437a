"""Scalar expressions: the graph of a scalar body, its operators and its derivative.

A pointwise op is one Python function of scalars. Calling it once with symbols gives an expression, a graph
whose common parts are one object (hash-consing). From that graph `lift` writes kernels, and `gradients` makes
the graph of the derivative, which is again an expression and can be differentiated again.

    >>> x, g = symbol(0), symbol(1)
    >>> gradients([x * x], [g], [x])
    [add(mul(x1, x0), mul(x1, x0))]

A body stands for real and for complex numbers alike. What differs is what a kernel makes of it: for complex
numbers `pairs` writes it out in real and imaginary parts, and for real ones `on_reals` drops what they do not
have. A derivative is df/dz, and what flows back is the conjugate of PyTorch's gradient, so that the rule for
z z needs no conjugates: d(z z) = 2 z dz. Functions of more than z alone (abs, conj ...) have rules by which
the real dL = Re(g dy) = Re(g' dz) for every dz.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any


class BodyError(TypeError):
    """A scalar body does something that cannot become a kernel."""


class Scalar:
    """A function of scalars: a primitive that a kernel can write down, or a body made of other Scalars.

    name      how it is called, in expressions and in the vector math library
    evaluate  its value for plain numbers
    vjp       vjp(g, y, *args): the gradient for each argument, from the gradient g of the result y; None
              means zero. A body without one is differentiated through what it calls; a primitive without one
              has derivative zero
    body      for a function made of others: how (given symbols, returns an expression)
    text      for a primitive: how a kernel writes it; without one it is a function of the vector math
              library, exp -> exp_f32(x), or
    module    has a function of this name, for float64 and int64 alone: narrower numbers are widened for it
    on_reals  for a function of complex numbers: what it is for real ones, given symbols; None where it is
              nothing: terms with it as a factor vanish
    """

    def __init__(
        self,
        name: str,
        evaluate: Callable,
        vjp: Callable | None = None,
        *,
        body: Callable | None = None,
        text: str | None = None,
        module: str | None = None,
        boolean: bool = False,
        on_reals: Callable | None = None,
    ):
        self.name, self.evaluate, self.vjp, self.body = name, evaluate, vjp, body
        self.text, self.module, self.boolean, self.on_reals = text, module, boolean, on_reals
        self.__doc__ = evaluate.__doc__

    def __call__(self, *args):
        if not any(isinstance(a, Expr) for a in args):
            return self.evaluate(*args)
        if self.body is not None and self.vjp is None:
            return self.body(*args)
        return Expr(self, *map(constant, args))

    def __repr__(self) -> str:
        return f"<scalar {self.name}>"


class Expr:
    """A node: a Scalar applied to expressions, a symbol or a constant. Equal nodes are one object, so `is`
    compares them."""

    __slots__ = ("args", "function")
    _nodes: dict[tuple, Expr] = {}

    function: Any  # a Scalar; or "symbol" / "constant", whose args hold one plain value
    args: tuple

    def __new__(cls, function, *args):
        key = (
            (function, repr(args)) if function == "constant" else (function, args)
        )  # 1, 1.0, True and -0.0 are four constants
        node = cls._nodes.get(key)
        if node is None:
            node = super().__new__(cls)
            node.function, node.args = function, args
            cls._nodes[key] = node
        return node

    def __repr__(self) -> str:
        if self.function == "symbol":
            return f"x{self.args[0]}"
        return (
            repr(self.args[0])
            if self.function == "constant"
            else f"{self.function.name}({', '.join(map(repr, self.args))})"
        )

    __hash__ = object.__hash__

    def __add__(self, other):
        return add(self, other)

    def __radd__(self, other):
        return add(other, self)

    def __sub__(self, other):
        return sub(self, other)

    def __rsub__(self, other):
        return sub(other, self)

    def __mul__(self, other):
        return mul(self, other)

    def __rmul__(self, other):
        return mul(other, self)

    def __truediv__(self, other):
        return div(self, other)

    def __rtruediv__(self, other):
        return div(other, self)

    def __floordiv__(self, other):
        return floordiv(self, other)

    def __rfloordiv__(self, other):
        return floordiv(other, self)

    def __mod__(self, other):
        return mod(self, other)

    def __rmod__(self, other):
        return mod(other, self)

    def __pow__(self, other):
        if is_number(other, 2):
            return self * self
        from numbatorch_kernels.primitives import pow  # pow is defined with log and where, above this file

        return pow(self, other)

    def __rpow__(self, other):
        return constant(other) ** self

    def __neg__(self):
        return neg(self)

    def __abs__(self):
        return absolute(self)

    def __lt__(self, other):
        return lt(self, other)

    def __le__(self, other):
        return le(self, other)

    def __gt__(self, other):
        return lt(other, self)

    def __ge__(self, other):
        return le(other, self)

    def __eq__(self, other):
        return eq(self, other)

    def __ne__(self, other):
        return ne(self, other)

    def __and__(self, other):
        return bit_and(self, other)

    def __or__(self, other):
        return bit_or(self, other)

    def __xor__(self, other):
        return bit_xor(self, other)

    def __lshift__(self, other):
        return shift_left(self, other)

    def __rshift__(self, other):
        return shift_right(self, other)

    def __invert__(self):
        return logical_not(self) if is_boolean(self) else bit_not(self)

    def __bool__(self):
        raise BodyError(
            "branches on a value; write where(condition, a, b) instead of if, and, or, not, min, max"
        )

    def _is_no_number(self, *args):
        raise BodyError(
            "needs a plain number here, but the value is known only when the kernel runs; functions of a "
            "scalar come from numbatorch.scalar"
        )

    __float__ = __int__ = __index__ = __complex__ = __round__ = __trunc__ = __floor__ = __ceil__ = (
        __array__
    ) = _is_no_number

    def __iter__(self):
        raise BodyError("unpacks or loops over a scalar")

    def __getitem__(self, index):
        raise BodyError("indexes a scalar")


def symbol(position: Any) -> Expr:
    """The scalar that stands for input number `position`."""
    return Expr("symbol", position)


def constant(value) -> Expr:
    """`value` as an expression; an expression stays itself."""
    if isinstance(value, Expr):
        return value
    if not isinstance(value, bool | int | float | complex):
        raise BodyError(f"uses {value!r}, which is neither a number nor a scalar of this body")
    return Expr("constant", value)


def is_number(value, number) -> bool:
    """Whether `value` is this plain number, as it stands or as a constant."""
    if isinstance(value, Expr):
        if value.function != "constant":
            return False
        value = value.args[0]
    return type(value) in (int, float) and value == number


def is_boolean(node: Expr) -> bool:
    """Whether the value of `node` is a truth value."""
    if node.function == "constant":
        return isinstance(node.args[0], bool)
    if node.function in (bit_and, bit_or, bit_xor):
        return all(map(is_boolean, node.args))
    return node.function != "symbol" and node.function.boolean


def _product(a, b):
    """a * b, where a factor 1 (which derivatives are full of) disappears."""
    return b if is_number(a, 1) else a if is_number(b, 1) else mul(a, b)


def _floor_mod_vjp(g, y, a, b):
    return g, -(g * floordiv(a, b))


add = Scalar("add", operator.add, lambda g, y, a, b: (g, g), text="({0} + {1})")
sub = Scalar("sub", operator.sub, lambda g, y, a, b: (g, -g), text="({0} - {1})")
mul = Scalar("mul", operator.mul, lambda g, y, a, b: (_product(g, b), _product(g, a)), text="({0} * {1})")
div = Scalar("div", operator.truediv, lambda g, y, a, b: (g / b, -g * (y / b)), text="({0} / {1})")
neg = Scalar("neg", operator.neg, lambda g, y, a: (-g,), text="(-{0})")
floordiv = Scalar("floordiv", operator.floordiv, text="({0} // {1})")
mod = Scalar("mod", operator.mod, _floor_mod_vjp, text="({0} % {1})")
lt = Scalar("lt", operator.lt, text="({0} < {1})", boolean=True)
le = Scalar("le", operator.le, text="({0} <= {1})", boolean=True)
eq = Scalar("eq", operator.eq, text="({0} == {1})", boolean=True)
ne = Scalar("ne", operator.ne, text="({0} != {1})", boolean=True)
bit_and = Scalar("and", operator.and_, text="({0} & {1})")
bit_or = Scalar("or", operator.or_, text="({0} | {1})")
bit_xor = Scalar("xor", operator.xor, text="({0} ^ {1})")
bit_not = Scalar("not", operator.invert, text="(~{0})")
logical_not = Scalar("logical_not", operator.not_, text="(not {0})", boolean=True)
shift_left = Scalar("shift_left", operator.lshift, text="({0} << {1})")
shift_right = Scalar("shift_right", operator.rshift, text="({0} >> {1})")


def _select(condition, a, b):
    """a where the condition holds, else b. Both are computed."""
    return a if condition else b


where: Scalar = Scalar(
    "where",
    _select,
    lambda g, y, c, a, b: (None, where(c, g, 0), where(c, 0, g)),
    text="({1} if {0} else {2})",
)
absolute = Scalar("abs", abs, lambda g, y, a: (real(g) * conjugate(sgn(a)),), text="abs({0})")

# --- what complex numbers have besides: parts, a conjugate, an angle


def _vanish(x):
    """What an imaginary part is for real numbers: nothing."""
    return None


def _itself(x):
    return x


def _unit(x):
    """x / |x|, and 0 for 0"""
    return x / abs(x) if x else x


def _sgn_vjp(g, y, a):
    # Only what turns the number changes its direction: i Im(g y) conj(y) / |a|.
    return (where(a == 0, 0, times_i(imag(g * y)) * conjugate(y) / absolute(a)),)


conj: Scalar = Scalar("conj", lambda x: x.conjugate(), lambda g, y, x: (conjugate(g),), on_reals=_itself)
real: Scalar = Scalar("real", lambda x: x.real, lambda g, y, x: (real(g),), on_reals=_itself)
imag: Scalar = Scalar("imag", lambda x: x.imag, lambda g, y, x: (-times_i(real(g)),), on_reals=_vanish)
times_i: Scalar = Scalar("times_i", lambda x: x * 1j, lambda g, y, x: (times_i(g),), on_reals=_vanish)
sgn: Scalar = Scalar(
    "sgn", _unit, _sgn_vjp, on_reals=lambda x: where(0 < x, constant(1), where(x < 0, constant(-1), 0))
)


def conjugate(x):
    """The conjugate of an expression or number; twice is not at all."""
    x = constant(x)
    if x.function == "constant":
        return constant(x.args[0].conjugate()) if isinstance(x.args[0], complex) else x
    return x.args[0] if x.function is conj else conj(x)


def inputs_of(node: Expr) -> tuple[Expr, ...]:
    """The expressions that a node is made from."""
    return () if isinstance(node.function, str) else node.args


def topological(outputs: Sequence[Expr]) -> list[Expr]:
    """Every node under `outputs`, each after the nodes that it uses."""
    order: list[Expr] = []
    seen: set[Expr] = set()
    stack = [(node, False) for node in reversed(outputs)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(inputs_of(node)))
    return order


def gradients(outputs: Sequence[Expr], seeds: Sequence[Expr], wrt: Sequence[Expr]) -> list[Expr | None]:
    """Sum over outputs of seed * d output / d w, for each w of `wrt`, by reverse accumulation; None where it
    is zero."""
    total: dict[Expr, Expr] = {}

    def accumulate(node, value):
        total[node] = total[node] + value if node in total else constant(value)

    for output, seed in zip(outputs, seeds, strict=True):
        accumulate(output, seed)
    for node in reversed(topological(outputs)):
        if node not in total or isinstance(node.function, str) or node.function.vjp is None:
            continue
        contributions = node.function.vjp(total[node], node, *node.args)
        for argument, value in zip(node.args, contributions, strict=True):
            if value is not None:
                accumulate(argument, value)
    return [total.get(w) for w in wrt]


def substitute(outputs: Sequence[Expr], replacements: dict[Expr, Expr]) -> list[Expr]:
    """`outputs` with every node that is a key of `replacements` replaced."""
    done = dict(replacements)
    for node in topological(outputs):
        if node not in done:
            done[node] = (
                node if isinstance(node.function, str) else Expr(node.function, *(done[a] for a in node.args))
            )
    return [done[o] for o in outputs]


def inline(body: Expr, args: Sequence) -> Expr:
    """`body` with its symbols 0, 1 ... replaced by `args`."""
    # By way of symbols that occur nowhere else, because the arguments may hold the same symbols.
    apart = {symbol(k): symbol(("argument", k)) for k in range(len(args))}
    return substitute(
        substitute([body], apart), {s: constant(a) for s, a in zip(apart.values(), args, strict=True)}
    )[0]


def on_reals(outputs: Sequence[Expr]) -> list[Expr]:
    """`outputs`, of primitives alone, for symbols that are real numbers: without conjugates, imaginary parts
    and the terms that these make vanish."""
    done: dict[Expr, Expr | None] = {}
    for node in topological(outputs):
        if isinstance(node.function, str):
            done[node] = node
            continue
        args = [done[a] for a in node.args]
        if any(a is None for a in args):
            done[node] = _remains(node, args)
        elif node.function.on_reals is not None:
            done[node] = node.function.on_reals(*args)
        else:
            done[node] = Expr(node.function, *args)
    left = [done[o] for o in outputs]
    return [constant(0) if node is None else node for node in left]


def _remains(node: Expr, args: Sequence[Expr | None]) -> Expr | None:
    """What is left of a node of which some arguments, None, have vanished."""
    if node.function in (add, sub):
        kept = next((a for a in args if a is not None), None)
        return -kept if kept is not None and node.function is sub and args[0] is None else kept
    linear = node.function in (mul, neg) or node.function.on_reals is not None
    if (
        linear
        or (node.function is div and args[0] is None)
        or (node.function is where and args[1] is args[2])
    ):
        return None
    return Expr(node.function, *[constant(0) if a is None else a for a in args])


def symbols_in(outputs: Sequence[Expr]) -> list[int]:
    """The positions of the symbols that `outputs` depend on, ascending."""
    return sorted(node.args[0] for node in topological(outputs) if node.function == "symbol")
