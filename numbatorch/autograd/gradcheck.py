"""`gradcheck` and `gradgradcheck`: compare gradients with differences of the function's values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch.autograd.api import grad
from numbatorch.autograd.mode import enable_grad, no_grad
from numbatorch.base import TensorBase

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


class GradcheckError(RuntimeError):
    """The gradient of a function is wrong."""


def gradcheck(
    func: Callable,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
    **ignored: Any,
) -> bool:
    """Whether d func / d input, for every input that requires grad, agrees with (f(x + eps) - f(x - eps)) / 2
    eps. Of complex numbers, both parts are moved, and both parts of the result watched.

    Inputs should be float64 or complex128. Raises GradcheckError where they disagree by more than atol + rtol |numerical|,
    or returns False if `raise_exception` is False.

    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.sin, (x,))
    True
    """
    arguments = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    try:
        _check(func, arguments, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    **ignored: Any,
) -> bool:
    """Whether the gradient of the gradient of `func` agrees with differences of the gradient; see
    `gradcheck`."""
    arguments = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    if grad_outputs is None:
        random = np.random.default_rng(0)
        with no_grad():
            outputs = _tuple(func(*arguments))
        seeds = []
        for o in outputs:
            values = random.standard_normal(o.shape) + (
                1j * random.standard_normal(o.shape) if o.is_complex() else 0
            )
            seeds.append(o.new_tensor(values.tolist()).reshape(o.shape).requires_grad_())
        grad_outputs = tuple(seeds)
    elif isinstance(grad_outputs, TensorBase):
        grad_outputs = (grad_outputs,)

    def first_gradient(*values):
        ours, theirs = values[: len(arguments)], values[len(arguments) :]
        active = [v for v in ours if _active(v)]
        outputs = [o for o in _tuple(func(*ours)) if o.requires_grad]
        return grad(outputs, active, list(theirs)[: len(outputs)], create_graph=True, materialize_grads=True)

    return gradcheck(
        first_gradient,
        (*arguments, *grad_outputs),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
    )


def _tuple(value: Any) -> tuple:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _active(value: Any) -> bool:
    return isinstance(value, TensorBase) and value._requires_grad


def _check(func: Callable, arguments: tuple, eps: float, atol: float, rtol: float, nondet_tol: float) -> None:
    active = [a for a in arguments if _active(a)]
    if not active:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    for position, tensor in enumerate(active):
        if tensor.dtype.name not in ("float64", "complex128"):
            warnings.warn(
                f"Input #{position} requires gradient and is not a double precision floating point or "
                f"complex. This check will likely fail "
                "if all the inputs are not of double precision floating point or complex.",
                stacklevel=4,
            )
    for number in range(len(_tuple(func(*arguments)))):
        output = _tuple(func(*arguments))[
            number
        ]  # recorded anew, because taking differences changes the inputs in place
        if not output.requires_grad:
            continue
        analytical = _analytical(output, active)
        again = _analytical(_tuple(func(*arguments))[number], active)
        for position, tensor in enumerate(active):
            if np.abs(analytical[position] - again[position]).max(initial=0) > nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output "
                    "multiple times gives different values."
                )
            numerical = _numerical(func, arguments, tensor, number, eps)
            a = analytical[position]
            close = np.isclose(a, numerical, rtol, atol, equal_nan=True)
            if not close.all():
                raise GradcheckError(
                    f"Jacobian mismatch for output {number} with respect to input "
                    f"{position},\nnumerical:{numerical}\nanalytical:{a}\n"
                )


def _analytical(output: Tensor, active: list) -> list[np.ndarray]:
    """For each input the Jacobian (input elements x output elements) by backward passes, one an output
    element."""
    columns: list[list[np.ndarray]] = [[] for _ in active]
    for seed in _unit_tensors(output):
        found: tuple[Any, ...] = grad(output, active, seed, retain_graph=True, allow_unused=True)
        for column, tensor, g in zip(columns, active, found, strict=True):
            values = (
                np.zeros(tensor.numel(), tensor.array.dtype)
                if g is None
                else g.detach().contiguous().cpu().numpy().reshape(-1)
            )
            column.append(np.array(values))
    return [np.stack(c, 1) if c else np.zeros((t.numel(), 0)) for c, t in zip(columns, active, strict=True)]


def _unit_tensors(like: Tensor):
    """The tensors that are 1 (and, if complex, i) in one element and 0 elsewhere."""
    for element in range(like.numel()):
        for unit in (1, 1j) if like.is_complex() else (1,):
            seed = like.detach().new_zeros(like.numel())
            seed[element] = unit
            yield seed.reshape(like.shape)


def _numerical(func: Callable, arguments: tuple, tensor: Tensor, number: int, eps: float) -> np.ndarray:
    """The Jacobian of output `number` with respect to `tensor`, by central differences, in the layout of
    `_analytical`."""
    rows = []
    original = tensor.detach().clone()
    view = tensor.detach()
    for element in np.ndindex(*tensor.shape):
        rows.append(_difference(func, arguments, view, original, element, number, eps))
        if tensor.is_complex():
            rows[-1] = rows[-1] + 1j * _difference(func, arguments, view, original, element, number, eps * 1j)
    return np.stack(rows) if rows else np.zeros((0, 0))


def _difference(
    func: Callable, arguments: tuple, view: Tensor, original: Tensor, element: tuple, number: int, step
) -> np.ndarray:
    values = []
    for direction in (1, -1):
        with no_grad():
            view[element] = original[element].item() + direction * step
            output = _tuple(_rerun(func, arguments))[number].detach()
            found = np.array(output.contiguous().cpu().numpy().reshape(-1))
            values.append(found.view(np.float64) if found.dtype == np.complex128 else found)
            view[element] = original[element].item()
    return (values[0] - values[1]) / (2 * abs(step))


def _rerun(func: Callable, arguments: tuple[Tensor | Number, ...]) -> Any:
    """`func` on fresh leaves with the values of `arguments`, recorded, because `func` may itself take
    gradients."""
    with enable_grad():
        return func(
            *[
                a.detach().clone().requires_grad_(a._requires_grad) if isinstance(a, TensorBase) else a
                for a in arguments
            ]
        )
