"""Adafactor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from numbatorch.autograd import no_grad
from numbatorch.dtype import finfo
from numbatorch.ops import norm, zeros_like
from numbatorch.optim.fused import counter, loss_of
from numbatorch.optim.optimizer import Optimizer
from numbatorch.tensor import Tensor


class Adafactor(Optimizer):
    """Adam without a mean of gradients, and with a factored mean of squares: means over rows times means over columns.

    With the mean of squares V (of matrices V = R C / mean(R)), which weighs the newest square by t^beta2_decay:

        u = g / sqrt(V), divided by max(1, rms(u) / d)
        p -= max(eps[1], rms(p)) min(lr, 1 / sqrt(t)) u

    N. Shazeer and M. Stern, arXiv:1804.04235.

    beta2_decay     how the weight of a new square falls with the step
    eps             what V and the step are at least; the first is the dtype's epsilon if None
    d               the root mean square of u above which it is scaled down
    weight_decay    p shrinks by lr weight_decay before each step
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; `closure`, if given, computes these and the loss."""
        loss = loss_of(closure)
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if param.is_complex():
                    raise RuntimeError("Adafactor does not support complex parameters")
                state = self.state[param]
                if not state:
                    state.update(_begin(param, group))
                _update(param, -param.grad if group["maximize"] else param.grad, state, group)
        return loss


def _begin(param: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
    grad, shape = param.grad, list(param.shape)
    assert grad is not None
    step = counter(0.0, param, {})
    if param.dim() < 2:
        return {"step": step, "variance": zeros_like(grad)}
    rows, columns = [*shape[:-1], 1], [*shape[:-2], 1, shape[-1]]
    return {"step": step, "row_var": grad.new_zeros(rows), "col_var": grad.new_zeros(columns)}


def _update(param: Tensor, grad: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
    lr, (least_square, least_step) = float(group["lr"]), group["eps"]
    if least_square is None:
        least_square = finfo(param.dtype).eps
    step = float(state["step"].add_(1))
    newest = step ** group["beta2_decay"]
    size = max(least_step, _rms(param)) * min(lr, 1 / step**0.5)
    if group["weight_decay"] != 0:
        param.mul_(1 - lr * group["weight_decay"])
    if grad.dim() > 1:
        rows, columns = state["row_var"], state["col_var"]
        for mean, dim in ((rows, -1), (columns, -2)):
            mean.lerp_(norm(grad, dim=dim, keepdim=True).square_().div_(grad.size(dim)), newest)
        square = (rows @ columns).div_(rows.mean(dim=-2, keepdim=True).clamp_(min=least_square))
    else:
        square = state["variance"].lerp_(grad * grad, newest).clone()
    update = square.clamp_(min=least_square * least_square).rsqrt_().mul_(grad)
    param.add_(update, alpha=-size / max(1.0, _rms(update) / group["d"]))


def _rms(x: Tensor) -> float:
    """The root mean square of all elements."""
    return norm(x, 2).item() / x.numel() ** 0.5
