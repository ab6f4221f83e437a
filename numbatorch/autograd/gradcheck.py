"""`gradcheck` and `gradgradcheck`: compare gradients with differences of the function's values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch.autograd.api import grad
from numbatorch.autograd.levels import Level, Linear
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
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether d func / d input, for every input that requires grad, agrees with (f(x + eps) - f(x - eps)) / 2
    eps. Of complex numbers, both parts are moved, and both parts of the result watched.

    check_undefined_grad  also: outputs that no gradient comes back for count as zeros
    check_grad_dtypes     also: gradients have the dtypes of their inputs
    check_forward_ad      also the derivatives from the front (`torch.func.jvp`)
    nondet_tol            how far two backward passes may differ

    `fast_mode` and `check_batched_grad` are accepted and change nothing: the whole Jacobian is compared.
    Inputs should be float64 or complex128. Raises GradcheckError where values disagree by more than atol +
    rtol |numerical|, or returns False if `raise_exception` is False.

    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.sin, (x,))
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    arguments = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    active = _check_inputs(arguments)
    try:
        if not any(_active(o) for o in _tuple(func(*arguments))):
            _check_constant(func, arguments, active, eps)
            return True
        if check_backward_ad:
            _check(func, arguments, active, eps, atol, rtol, nondet_tol, check_grad_dtypes)
        if check_forward_ad:
            _check_forward(func, arguments, active, eps, atol, rtol)
        if check_backward_ad:
            _check_zeros(func, arguments, active, check_undefined_grad)
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
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the gradient of the gradient of `func` agrees with differences of the gradient; see
    `gradcheck`. The weights of the outputs are random, unless given."""
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    if check_undefined_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_undefined_grad=True requires check_rev_over_rev to be True")
    if check_batched_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_batched_grad=True requires check_rev_over_rev to be True")
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
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
    )


def _tuple(value: Any) -> tuple:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _active(value: Any) -> bool:
    return isinstance(value, TensorBase) and value._requires_grad


def _check_inputs(arguments: tuple) -> list:
    """The inputs that require grad. Raises ValueError if there are none."""
    active = []
    for position, tensor in enumerate(arguments):
        if not _active(tensor):
            continue
        active.append(tensor)
        if tensor.dtype.name not in ("float64", "complex128"):
            warnings.warn(
                f"Input #{position} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double precision floating "
                "point or complex. ",
                stacklevel=3,
            )
        if not all(step > 0 or n <= 1 for step, n in zip(tensor.stride(), tensor.shape)):
            raise RuntimeError(
                f"The {position}th input has a dimension with stride 0. gradcheck only supports inputs that "
                "are non-overlapping to be able to compute the numerical gradients correctly. You should "
                "call .contiguous on the input before passing it to gradcheck."
            )
    if not active:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have "
            "requires_grad=True."
        )
    return active


def _check_constant(func: Callable, arguments: tuple, active: list, eps: float) -> None:
    for number in range(len(_tuple(func(*arguments)))):
        if any(_numerical(func, arguments, tensor, number, eps).any() for tensor in active):
            raise GradcheckError("Numerical gradient for function expected to be zero")


def _check(
    func: Callable,
    arguments: tuple,
    active: list,
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    check_dtypes: bool,
) -> None:
    for number in range(len(_tuple(func(*arguments)))):
        # Recorded anew, because taking differences changes the inputs in place.
        output = _tuple(func(*arguments))[number]
        if not _active(output):
            continue
        analytical = _analytical(output, active, check_dtypes)
        again = _analytical(_tuple(func(*arguments))[number], active)
        for position, tensor in enumerate(active):
            if np.abs(analytical[position] - again[position]).max(initial=0) > nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output "
                    "multiple times gives different values, although analytical gradient matches numerical "
                    f"gradient.The tolerance for nondeterminism was {nondet_tol}."
                )
            numerical = _numerical(func, arguments, tensor, number, eps)
            if not np.isclose(analytical[position], numerical, rtol, atol, equal_nan=True).all():
                raise GradcheckError(
                    f"Jacobian mismatch for output {number} with respect to input "
                    f"{position},\nnumerical:{numerical}\nanalytical:{analytical[position]}\n"
                )


def _check_forward(
    func: Callable, arguments: tuple, active: list, eps: float, atol: float, rtol: float
) -> None:
    """The derivatives from the front, of real inputs."""
    outputs = [o for o in _tuple(func(*arguments)) if _active(o)]
    linear = Linear(Level(), outputs, active)
    directions = [list(_unit_tensors(tensor)) for tensor in active]
    tangents = [[linear.along(k, v, False) for v in directions[k]] for k in range(len(active))]
    for position, tensor in enumerate(active):
        if tensor.is_complex():
            continue  # a direction of its own for i, which the differences have in one number
        for number in range(len(outputs)):
            values = [t[number].detach().contiguous().cpu().numpy().reshape(-1) for t in tangents[position]]
            numerical = _numerical(func, arguments, tensor, number, eps)
            analytical = np.stack(values) if values else np.zeros_like(numerical)
            if not np.isclose(analytical, numerical, rtol, atol, equal_nan=True).all():
                raise GradcheckError(
                    f"Jacobian computed with forward mode mismatch for output {number} with respect to input "
                    f"{position},\nnumerical:{numerical}\nanalytical:{analytical}\n"
                )


def _check_zeros(func: Callable, arguments: tuple, active: list, undefined: bool) -> None:
    """From zeros come zeros, also where some of the outputs get no gradient at all."""
    outputs = [o for o in _tuple(func(*arguments)) if _active(o)]
    for place in range(-1, len(outputs) if undefined and len(outputs) > 1 else 0):
        outputs = [o for o in _tuple(func(*arguments)) if _active(o)]
        chosen = [o for k, o in enumerate(outputs) if k != place]
        try:
            found: tuple[Any, ...] = grad(
                chosen, active, [o.new_zeros(o.shape) for o in chosen], allow_unused=True
            )
        except RuntimeError as error:
            if place < 0:
                raise
            raise GradcheckError(
                'Expected backward function to handle undefined output grads. Please look at "Notes about '
                'undefined output gradients" in "tools/autograd/derivatives.yaml"'
            ) from error
        if any(g is not None and g.ne(0).any().item() for g in found):
            if place < 0:
                raise GradcheckError("backward not multiplied by grad_output")
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero. "
                'Please look at "Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'
            )


def _analytical(output: Tensor, active: list, check_dtypes: bool = False) -> list[np.ndarray]:
    """For each input the Jacobian (input elements x output elements) by backward passes, one an output
    element."""
    columns: list[list[np.ndarray]] = [[] for _ in active]
    for seed in _unit_tensors(output):
        found: tuple[Any, ...] = grad(output, active, seed, retain_graph=True, allow_unused=True)
        for column, tensor, g in zip(columns, active, found, strict=True):
            if check_dtypes and g is not None and g.dtype is not tensor.dtype:
                raise GradcheckError("Gradient has dtype mismatch")
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
