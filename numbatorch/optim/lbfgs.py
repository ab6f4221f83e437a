"""L-BFGS, and the line search that finds a step with the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import sqrt
from typing import Any, NamedTuple

from numbatorch.autograd import enable_grad, no_grad
from numbatorch.ops import cat, mul, view_as_real, zeros_like
from numbatorch.optim.optimizer import Optimizer
from numbatorch.tensor import Tensor


class LBFGS(Optimizer):
    """p += t d, where d is -g times an estimate of the inverse Hessian, made of the last changes of p and g.

    All parameters are one vector: there is one group, and they are on one device. A step makes up to `max_iter`
    iterations, and evaluates `closure` up to `max_eval` times (by default 1.25 max_iter). It ends early where the largest
    gradient is at most `tolerance_grad`, or the loss or p hardly change: `tolerance_change`. With
    line_search_fn="strong_wolfe" t is searched for; otherwise t is lr.

    J. Nocedal and S. Wright, Numerical Optimization, algorithms 7.4 and 3.5; the cubic interpolation and the rules that
    keep it inside of its bracket are those of M. Schmidt's minFunc.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    # ---- all parameters as one vector ----

    def _gradient(self) -> Tensor:
        grads = [zeros_like(p) if p.grad is None else p.grad for p in self._params()]
        return cat([(view_as_real(g) if g.is_complex() else g).reshape(-1) for g in grads])

    def _move(self, t: Any, direction: Tensor) -> None:
        begin = 0
        for param in self._params():
            p = view_as_real(param) if param.is_complex() else param
            p.add_(direction[begin : begin + p.numel()].view_as(p), alpha=float(t))
            begin += p.numel()

    # ---- a step ----

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:
        """Move the parameters; `closure` computes the gradients, and returns the loss."""
        (group,) = self.param_groups
        evaluate = enable_grad()(closure)
        first_param = group["params"][0]
        state = self.state[first_param]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = evaluate()
        state["func_evals"] += 1
        grad = self._gradient()
        if grad.abs().max() > group["tolerance_grad"]:
            self._iterate(evaluate, group, state, float(first_loss), grad)
        return first_loss

    def _iterate(self, evaluate: Callable, group: dict, state: dict, loss: float, grad: Tensor) -> None:
        lr, change = float(group["lr"]), group["tolerance_change"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        d, t = state.get("d"), state.get("t")
        before, loss_before = state.get("prev_flat_grad"), state.get("prev_loss")
        memory = {name: state.get(name) for name in ("old_dirs", "old_stps", "ro", "H_diag")}
        evaluations, iterations = 1, 0
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d = grad.neg()
                memory.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            else:
                alphas = state.setdefault("al", [None] * group["history_size"])
                d = _direction(memory, alphas, grad, before, d, t)
            before = grad.clone() if before is None else before.copy_(grad)
            loss_before = loss
            t = min(1.0, 1.0 / float(grad.abs().sum())) * lr if state["n_iter"] == 1 else lr
            slope = float(grad.dot(d))
            if slope > -change:
                break
            spent = 0
            if group["line_search_fn"]:
                here = Point(0.0, loss, grad.clone(), slope)
                found, spent = strong_wolfe(
                    self._along(evaluate, d),
                    here,
                    t,
                    float(d.abs().max()),
                    group["max_eval"] - evaluations,
                    change,
                )
                loss, grad, t = found.loss, found.grad, found.t
                self._move(t, d)
            else:
                self._move(t, d)
                if iterations != group["max_iter"]:
                    loss, grad, spent = float(evaluate()), self._gradient(), 1
            evaluations += spent
            state["func_evals"] += spent
            if (
                iterations == group["max_iter"]
                or evaluations >= group["max_eval"]
                or grad.abs().max() <= group["tolerance_grad"]
                or d.mul(t).abs().max() <= change
                or abs(loss - loss_before) < change
            ):
                break
        state.update(d=d, t=t, **memory, prev_flat_grad=before, prev_loss=loss_before)

    def _along(self, evaluate: Callable, d: Tensor) -> Callable[[float], Point]:
        """The loss as a function of the step along d. The parameters are put back."""
        start = [param.clone() for param in self._params()]

        def at(t: float) -> Point:
            self._move(t, d)
            loss, grad = float(evaluate()), self._gradient()
            for param, value in zip(self._params(), start, strict=True):
                param.copy_(value)
            return Point(t, loss, grad, float(grad.dot(d)))

        return at


def _direction(memory: dict, alphas: list, grad: Tensor, before: Any, d: Any, t: Any) -> Tensor:
    """-H g, where H is the estimate after the last change of p and of g has been taken into it (algorithm 7.4).

    `alphas`, as long as the memory may become, is scratch.
    """
    changes, moves, inverse = memory["old_dirs"], memory["old_stps"], memory["ro"]
    y, s = grad.sub(before), d.mul(t)
    ys = y.dot(s)
    if ys > 1e-10:
        if len(changes) == len(alphas):
            for column in (changes, moves, inverse):
                column.pop(0)
        changes.append(y)
        moves.append(s)
        inverse.append(1.0 / ys)
        memory["H_diag"] = ys / y.dot(y)
    q = grad.neg()
    for i in reversed(range(len(changes))):
        alphas[i] = moves[i].dot(q) * inverse[i]
        q.add_(changes[i] * -alphas[i])
    r = mul(q, memory["H_diag"])
    for i in range(len(changes)):
        beta = changes[i].dot(r) * inverse[i]
        r.add_(moves[i] * (alphas[i] - beta))
    return r


# ---- the line search ----


class Point(NamedTuple):
    """Where a step of t leads: the loss, its gradient, and its slope along the direction."""

    t: float
    loss: float
    grad: Tensor
    slope: float


def strong_wolfe(
    at: Callable[[float], Point],
    start: Point,
    t: float,
    length: float,
    most: int,
    tolerance: float,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> tuple[Point, int]:
    """A step with the strong Wolfe conditions, and how often the loss was evaluated for it.

    `at` evaluates, `t` is the first guess, `length` the largest element of the direction; after `most` evaluations
    the best step so far is taken. First steps grow until a bracket holds a minimum, then the bracket shrinks.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + c1 * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    before, point, evaluations, rounds, done = start, at(t), 1, 0, False
    bracket = None
    while rounds < most:
        if too_high(point) or (rounds > 1 and point.loss >= before.loss):
            bracket = [before, point]
            break
        if flat(point):
            bracket, done = [point], True
            break
        if point.slope >= 0:
            bracket = [before, point]
            break
        bounds = point.t + 0.01 * (point.t - before.t), point.t * 10
        t = cubic_minimum(before, point, bounds)
        before, point = point, at(t)
        evaluations, rounds = evaluations + 1, rounds + 1
    if bracket is None:
        bracket = [start, point]
    low, high = (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
    stalled = False
    while not done and rounds < most:
        least, largest = sorted(p.t for p in bracket)
        if (largest - least) * length < tolerance:
            break
        t = cubic_minimum(bracket[0], bracket[1])
        margin = 0.1 * (largest - least)
        near_an_end = min(largest - t, t - least) < margin
        if near_an_end and (stalled or t >= largest or t <= least):
            t = largest - margin if abs(t - largest) < abs(t - least) else least + margin
            stalled = False
        else:
            stalled = near_an_end
        point = at(t)
        evaluations, rounds = evaluations + 1, rounds + 1
        if too_high(point) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
        else:
            done = flat(point)
            if not done and point.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = point
    return bracket[low], evaluations


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic with the losses and slopes of two points has its minimum, within bounds: the points, if none
    are given (Nocedal and Wright, 3.59)."""
    if a.t > b.t:
        a, b = b, a
    least, most = bounds or (a.t, b.t)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    d2 = sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(t, least), most)
