"""Operations on elements: rows derived whole from one scalar body, kernels of every dtype, layout and device, and gradients of
any order.

    exp  = Pointwise("Exp", primitives.exp, result=to_float)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.apply import Row, RowNode, attach
from numbatorch.arguments import no_tensor
from numbatorch.autograd import inplace, mode
from numbatorch.autograd.mode import state
from numbatorch.autograd.node import Node, SavedResult, edges
from numbatorch.base import Kind, Number, TensorBase, wrap
from numbatorch.dtype import DType
from numbatorch.overlap import apart
from numbatorch.plan import GRAIN, Plain, Plan, compute_type
from numbatorch.rules import promoted
from numbatorch.shape import broadcast_pair
from numbatorch.storage import resize_out
from numbatorch_kernels import lift, parallel
from numbatorch_kernels.expr import (
    Expr,
    Scalar,
    conjugate,
    constant,
    gradients,
    substitute,
    symbol,
    symbols_in,
)
from numbatorch_kernels.lift import Operand, Program
from numbatorch_kernels.memory import empty as memory_empty

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

_PLANS = 4096  # shapes remembered per op
LEAST, MOST = -(1 << 63), (1 << 63) - 1  # the integers that a kernel takes


class Gradient:
    """The gradient of a pointwise program, for the inputs that want one: itself a pointwise op, of any
    order."""

    def __init__(self, row: Pointwise, needs: tuple[bool, ...], given: tuple[bool, ...]):
        program = row.program
        arity, outputs = program.arity, len(program.outputs)
        seeds = [conjugate(symbol(arity + k)) if g else constant(0) for k, g in enumerate(given)]
        results = list(program.outputs)
        if row.keeps_result:
            results = [symbol(arity + outputs + k) for k in range(outputs)]
        inputs = [symbol(k) for k in range(arity)]
        if row.vjp is not None:
            wanted = [None if e is None else constant(e) for e in row.vjp(seeds[0], results[0], *inputs)]
        else:
            wanted = gradients(program.outputs, seeds, inputs)
        # PyTorch's gradient of complex numbers is the conjugate of what `gradients` works with.
        wanted = [
            None if e is None or not need else conjugate(e) for e, need in zip(wanted, needs, strict=True)
        ]
        made = [e for e in wanted if e is not None and e.function != "symbol"]
        made = substitute(
            made,
            {y: r for y, r in zip(program.outputs, results, strict=True) if not isinstance(y.function, str)},
        )
        used = symbols_in(made)
        # Results as -1, -2 ...
        self.saves = tuple(
            [k for k in used if k < arity] + [arity + outputs - 1 - k for k in used if k >= arity + outputs]
        )
        self.grads = tuple(k - arity for k in used if arity <= k < arity + outputs)
        order = (
            [arity + k for k in self.grads]
            + [k for k in used if k < arity]
            + [k for k in used if k >= arity + outputs]
        )
        position = {old: new for new, old in enumerate(order)}
        made = substitute(made, {symbol(old): symbol(~new) for old, new in position.items()})
        made = substitute(made, {symbol(~new): symbol(new) for new in position.values()})
        conditions = tuple(position[k] for k in program.conditions if k in position)
        self.row = None
        if made:
            self.row = Pointwise(
                f"{row.name}Backward",
                Program(f"{program.name}_backward", tuple(made), len(order), conditions),
            )
        # Where each input's gradient is found among the results' gradients, which may be passed through, what is made
        # from them, and zeros for an expression that vanished; None: nowhere.
        numbers = iter(range(outputs, outputs + len(made)))
        zeros = outputs + len(made)
        self.sources = [
            (zeros if need else None)
            if e is None
            else e.args[0] - arity
            if e.function == "symbol"
            else next(numbers)
            for e, need in zip(wanted, needs, strict=True)
        ]
        self.vanishes = zeros in self.sources

    def run(self, grads: tuple, saved: tuple) -> list:
        """The gradients for the inputs, None for those that want none."""
        if self.row is not None:
            made = self.row(*[grads[k] for k in self.grads], *saved)
            grads = (*grads, *made) if made.__class__ is tuple else (*grads, made)
        if self.vanishes:
            grads = (*grads, grads[0].new_zeros(grads[0].array.shape))
        return [None if k is None else grads[k] for k in self.sources]


class PointwiseNode(RowNode):
    """A recorded `Pointwise`: its rule is the derived gradient op."""

    __slots__ = ("rule", "shapes")

    rule: Gradient
    shapes: tuple | None  # for each input (shape, kind) where its gradient must be summed or cast to fit

    def backward(self, grad):
        grads = (grad,)
        if self.outputs > 1:
            given = next(g for g in grad if g is not None)
            grads = tuple([given.new_zeros(given.array.shape) if g is None else g for g in grad])
        result = self.rule.run(grads, self.unpack())
        if self.shapes is not None:
            result = [
                g if g is None or like is None else fit(g, *like)
                for g, like in zip(result, self.shapes, strict=True)
            ]
        return result


def fit(grad: Tensor, shape: tuple[int, ...], kind: Kind) -> Tensor:
    """`grad` summed over the dimensions that were broadcast, in the dtype and on the device of the input that
    it belongs to; its real part for a real input."""
    if grad.kind.dtype.is_complex and not kind.dtype.is_complex:
        grad = grad.real.contiguous()
    if grad.array.shape != shape:
        grad = grad.sum_to_size(shape)
    return grad if grad.kind.flat is kind.flat else grad.to(device=kind.device, dtype=kind.dtype)


class Pointwise(Row):
    """An operation on elements, derived whole from one scalar body: kernels of every dtype, layout and
    device, and gradients of any order.

    body        a Scalar, a Python function of scalars, or a Program
    result      the dtype rule, from the operands' common dtype
    conditions  which operands are truth values
    weightless  which operands, besides these, have no say in the common dtype
    tensors     how many of the first operands must be tensors, where PyTorch takes no numbers
    accepts     raises for a common dtype that the operation is not defined for; a body with functions that
                complex numbers do not have refuses these by itself
    uncast      whether results go only into an `out` of their own dtype
    keeps_result  whether the gradient may use the result in place of what made it; where not, the result may be
                overwritten before the way back, as PyTorch's, which keeps operands there
    row_major   whether results lie in memory so, however the operands do
    rounds      whether beside halves a number, or a tensor of one element, becomes a half first, as other tensors do
    """

    copies = False  # whether it computes nothing: the result is the second operand

    def __init__(
        self,
        name: str,
        body: Scalar | Callable | Program,
        *,
        arity: int | None = None,
        result: Callable[[DType], DType] = promoted,
        conditions: tuple[int, ...] = (),
        weightless: tuple[int, ...] = (),
        tensors: int = 0,
        accepts: Callable[[DType], None] | None = None,
        uncast: bool = False,
        rounds: bool = False,
        row_major: bool = False,
        keeps_result: bool = True,
        overload: int = 0,
    ):
        super().__init__(name, PointwiseNode, overload)
        self.vjp = None
        if isinstance(body, Scalar):
            arity = arity or (body.body or body.evaluate).__code__.co_argcount
            inputs = [symbol(k) for k in range(arity)]
            if body.body is not None:
                self.vjp, body = (
                    body.vjp,
                    Program(body.name, (constant(body.body(*inputs)),), arity, conditions),
                )
            else:
                body = Program(body.name, (Expr(body, *inputs),), arity, conditions)
        self.program = body if isinstance(body, Program) else lift.program(body, arity, conditions)
        self.result, self.uncast, self.rounds, self.keeps_result = result, uncast, rounds, keeps_result
        self.tensors, self.row_major = tensors, row_major
        # kernels of the plain case, by kind, or (kind, kind or number type), of operands of one shape
        self.ready: dict[Any, Plain] = {}
        self.over: dict[Any, Callable] = {}  # the same for calls in place, over the first operand
        self.plans: dict[tuple, Plan] = {}
        self._gradients: dict[tuple, Gradient] = {}
        self.weightless, self.accepts = {*conditions, *self.program.conditions, *weightless}, accepts

    # -- the plain case: contiguous operands of one shape on the CPU, or such a one and a number

    def __call__(self, a, b=None, *more):
        if more:
            return self._several((a, b, *more))
        if b is None:
            inputs: tuple = (a,)
            try:
                plain = self.ready.get(a.kind)
            except AttributeError:
                raise no_tensor(a) from None
            if plain is None:
                return self.general(inputs)
            out = plain.make(a.array)
            tracked = a._requires_grad
        else:
            inputs = (a, b)
            try:
                if isinstance(b, TensorBase):
                    plain = self.ready.get((a.kind, b.kind))
                    if plain is None:
                        return self.general(inputs)
                    out = plain.make(a.array, b.array)
                    tracked = a._requires_grad or b._requires_grad
                else:
                    plain = self.ready.get((a.kind, b.__class__))
                    if plain is None or (b.__class__ is int and not LEAST <= b <= MOST):
                        return self.general(inputs)
                    out = plain.make(a.array, b)
                    tracked = a._requires_grad
            except AttributeError:  # of a number
                return self.general(inputs)
        if out is None:
            return self._large(plain, inputs)
        result = wrap(out, plain.kind)
        if tracked and state.enabled and plain.kind.inexact:
            self.record(result, inputs, None)
        return result

    def _several(self, inputs: tuple):
        """The plain case of three and more tensors."""
        try:
            plain = self.ready.get(tuple([x.kind for x in inputs]))
        except AttributeError:  # of a number
            plain = None
        if plain is None:
            return self.general(inputs)
        made = plain.make(*[x.array for x in inputs])
        if made is None:
            return self.general(inputs)
        kind = plain.kind
        results = tuple([wrap(out, kind) for out in made]) if made.__class__ is tuple else wrap(made, kind)
        return self.finish(results, inputs, kind.inexact)

    def _large(self, plain: Plain, inputs: tuple):
        """The plain case of one or two operands that broadcast, or are too large for one thread."""
        a, b = inputs[0], inputs[-1]
        x, kind = a.array, plain.kind
        y = b.array if isinstance(b, TensorBase) else b
        if y is not b and y.shape != x.shape:
            plan = self.plans.get((a.kind, x.shape, b.kind, y.shape))
            if plan is None:
                return self.general(inputs)
            return self.finish(plan.run(inputs), inputs, plan.differentiable, plan)
        size = x.size
        if size * plain.weight > lift.PAST:
            return self.general(inputs)
        out = memory_empty(x.shape, kind.numpy)
        if len(inputs) == 1:
            parallel.run(plain.entry, size, GRAIN, out, x)
        else:
            parallel.run(plain.entry, size, GRAIN, out, x, y)
        return self.finish(wrap(out, kind), inputs, kind.inexact)

    def overwrite(self, a, b=None) -> bool:
        """The plain case in place: over the first operand, which nothing else in the call overlaps, and off the tape.
        Whether this is one."""
        try:
            x, tracked = a.array, a._requires_grad
        except AttributeError:
            raise no_tensor(a) from None
        more: tuple = ()
        if b is None:
            entry = self.over.get(a.kind)
        elif isinstance(b, TensorBase):
            entry, y = self.over.get((a.kind, b.kind)), b.array
            if y.shape != x.shape or (b._storage is not None and b._storage is a._storage):
                return False
            more, tracked = (y,), tracked or b._requires_grad
        else:
            if b.__class__ is int and not LEAST <= b <= MOST:
                return False
            entry, more = self.over.get((a.kind, b.__class__)), (b,)
        if entry is None or (tracked and state.enabled) or mode.inference_used:
            return False
        if x.size < GRAIN:
            entry(x, *more, 0, x.size)
        else:
            parallel.run(entry, x.size, GRAIN, x, *more)
        inplace.changed(a)
        return True

    # -- every other case: a plan for each combination of kinds, shapes and strides

    def general(self, inputs: tuple, out: Tensor | None = None):
        """The operation on tensors and numbers of any layout; into `out` if given, and in place if `out` is
        the first input."""
        if out is not None and out is inputs[0] and len(inputs) < 3 and self.overwrite(*inputs):
            return out
        for x in inputs:
            if x.__class__ is int and not LEAST <= x <= MOST:
                inputs = _in_words(inputs)
        given = inputs
        if out is not None:
            inputs = apart(inputs, out)
        key: list[Any] = []
        for x in inputs:
            if isinstance(x, TensorBase):
                array = x.array
                key += (x.kind, array.shape) if x.kind.contiguous else (x.kind, array.shape, array.strides)
                continue
            try:
                key.append(dt.number_dtype(x))
            except TypeError:
                raise no_tensor(x) from None
        if out is not None:
            key += ("out", out.kind, out.array.shape, out.array.strides, *[x is out for x in given])
        signature = tuple(key)
        plan = self.plans.get(signature)
        if plan is None:
            moved = _on_one_device(inputs)
            if moved is not inputs:
                return self.general(moved, out)
            if (
                out is not None
                and out is not given[0]
                and out.array.shape != (shape := _common_shape(inputs))
            ):
                resize_out(out, shape)
                return self.general(given, out)
            plan = Plan(self, inputs, out)
            if len(self.plans) >= _PLANS:
                self.plans.clear()
            self.plans[signature] = plan
            plan.offer(self, inputs, out)
        if out is None:
            return self.finish(plan.run(inputs), inputs, plan.differentiable, plan)
        else:
            tracked = state.enabled and any(isinstance(x, TensorBase) and x._requires_grad for x in given)
            inplace.check(out, tracked, out is given[0])
            tracked = tracked and plan.differentiable
            kept = self.kept(given, out) if tracked else given
            plan.run(inputs, out)
            inplace.changed(out)
            if tracked:
                inplace.rebase(out, self.record(None, kept, plan, out))
            return out

    def finish(self, results, inputs: tuple, differentiable: bool, plan: Plan | None = None):
        """`results`, on the tape if they belong there."""
        if differentiable and state.enabled:
            for x in inputs:
                if isinstance(x, TensorBase) and x._requires_grad:
                    self.record(results, inputs, plan)
                    break
        return results

    def record(self, results, inputs: tuple, plan: Plan | None, changed: Tensor | None = None) -> Node:
        """Put the call on the tape. `changed` is the tensor that was overwritten, of a call in place."""
        leads, needs = edges(inputs)
        outputs = len(self.program.outputs)
        rule = self._gradients.get(needs) or self.gradient(needs, (True,) * outputs)
        node = PointwiseNode(leads)
        node.row, node.rule, node.shapes = self, rule, None if plan is None else plan.fits
        if rule.saves:
            firsts = results if outputs > 1 else (results if changed is None else changed,)
            node.save(*[inputs[k] if k >= 0 else SavedResult(firsts[-1 - k], -1 - k) for k in rule.saves])
        if changed is None:
            attach(node, results)
        return node

    def kept(self, inputs: tuple, out: Tensor) -> tuple:
        """`inputs`, those copied that the gradient needs and that share the memory that is about to be
        overwritten."""
        _, needs = edges(inputs)
        saves = self.gradient(needs, (True,) * len(self.program.outputs)).saves
        shared = [
            isinstance(x, TensorBase)
            and (x is out or (x._storage is not None and x._storage is out._storage))
            for x in inputs
        ]
        return tuple([x.clone() if s and k in saves else x for k, (x, s) in enumerate(zip(inputs, shared))])

    def gradient(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> Gradient:
        """The derived gradient op for the inputs in `needs`, from the gradients of the results in `given`."""
        key = needs if all(given) else (needs, given)
        rule = self._gradients.get(key)
        if rule is None:
            rule = self._gradients[key] = Gradient(self, needs, given)
        return rule

    def pull_back(self, grad: Tensor, inputs: tuple, needs: tuple[bool, ...]) -> list:
        """The gradients for the inputs in `needs`, from the gradient of the result at `inputs`; for ops that
        have this one as a part."""
        rule = self.gradient(needs, (True,))
        saved = tuple([inputs[k] if k >= 0 else self(*inputs) for k in rule.saves])
        return rule.run((grad,), saved)

    def pull_back_into(self, out: Tensor, grad: Tensor, inputs: tuple, needs: tuple[bool, ...]) -> None:
        """The gradient for the only input in `needs`, which is made of `grad` and other inputs, in the memory of `out`."""
        rule = self.gradient(needs, (True,))
        assert rule.row is not None
        rule.row.general((grad, *[inputs[k] for k in rule.saves]), out)

    def source(self, device: str = "cpu", element: str = "f4") -> str:
        """The text of this op's kernel for contiguous operands of one element type."""
        operands = [
            Operand("b1" if k in self.program.conditions else element, "flat")
            for k in range(self.program.arity)
        ]
        results = [Operand(element, "flat")] * len(self.program.outputs)
        return lift.source(self.program, device, operands, results, compute_type(element))


def _common_shape(inputs: tuple) -> tuple[int, ...]:
    shape: tuple[int, ...] = ()
    for x in inputs:
        if isinstance(x, TensorBase):
            shape = broadcast_pair(shape, x.array.shape)
    return shape


def _in_words(inputs: tuple[Tensor | Number, ...]) -> tuple:
    """`inputs`, with integers that no int64 holds as C has them: among floating-point operands floats, among others modulo
    2**64. Raises OverflowError for those that no uint64 holds either, and RuntimeError beside truth values only, as PyTorch
    mixes no uint64 with bool."""
    inexact = any(
        [x.kind.inexact if isinstance(x, TensorBase) else isinstance(x, float | complex) for x in inputs]
    )
    truths = not inexact and all([x.kind.dtype is dt.bool for x in inputs if isinstance(x, TensorBase)])

    def in_words(x):
        if x.__class__ is not int or LEAST <= x <= MOST:
            return x
        dt.check_word(x)
        if truths:
            raise RuntimeError(
                "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote Bool and UInt64"
            )
        return float(x) if inexact else x - 2 * (MOST + 1)

    return tuple([in_words(x) for x in inputs])


def _on_one_device(inputs: tuple[Tensor | Number, ...]) -> tuple:
    """`inputs`, with 0-d CPU tensors brought to the device of the others. Raises RuntimeError where devices
    are mixed."""
    devices = {x.kind.device: None for x in inputs if isinstance(x, TensorBase)}
    if len(devices) < 2:
        return inputs
    homes = {
        x.kind.device: None for x in inputs if isinstance(x, TensorBase) and (x.array.ndim or not x.kind.cpu)
    }
    if len(homes) == 1:
        (home,) = homes
        return tuple(
            [x.to(home) if isinstance(x, TensorBase) and x.kind.device is not home else x for x in inputs]
        )
    first, second = list(homes)[:2]
    raise RuntimeError(
        f"Expected all tensors to be on the same device, but found at least two devices, {first} and "
        f"{second}!"
    )
