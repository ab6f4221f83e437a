"""Derivatives of functions of tensors: Jacobians, Hessians, and their products with vectors.

A function here takes tensors and returns a tensor or a tuple of them; `inputs` and what comes back have the
same form, a tensor or a tuple. Common to all:

create_graph  the results can be differentiated again, also with respect to `inputs`
strict        raise RuntimeError where a result does not depend on an input at all, which otherwise gives
              zeros

The product of a Jacobian with a vector from the right (`jvp`, `hvp`) is made of two backward passes: the
gradient J^T u is linear in u, and its own gradient with respect to u is J v (the "double backward trick").
`torch.func` has the same as functions of functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numbatorch import ops
from numbatorch.autograd.api import grad
from numbatorch.autograd.levels import Level, Linear
from numbatorch.autograd.mode import enable_grad, set_grad_enabled, state
from numbatorch.tensor import Tensor

Tensors = Tensor | tuple[Tensor, ...]

_WITH_VECTOR = "The vector v can only be None if {} is a single Tensor with a single element."


# --- public


def vjp(
    func: Callable,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """`func(*inputs)`, and v^T J: the gradients of the outputs weighted by `v`, which has their shapes.

    >>> torch.autograd.functional.vjp(lambda x: x.exp().sum(1), torch.zeros(2, 2), torch.tensor([1.0, 2.0]))
    (tensor([2., 2.]), tensor([[1., 1.],
            [2., 2.]]))
    """
    with enable_grad():
        several, inputs = _tuple(inputs, "inputs", "vjp")
        inputs = _leaves(inputs, create_graph)
        outputs_several, outputs = _call(func, inputs, "vjp", strict)
        if v is None and (len(outputs) != 1 or outputs[0].numel() != 1):
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a "
                "single element."
            )
        weights = None if v is None else _vector(v, outputs, outputs_several, "vjp", create_graph)
    with set_grad_enabled(create_graph or state.enabled):
        found = _grad(outputs, inputs, weights, create_graph)
        found = _filled(found, inputs, strict, create_graph, "back")
    return _shown(outputs, outputs_several, create_graph), _shown(found, several, create_graph)


def jvp(
    func: Callable,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """`func(*inputs)`, and J v: how the outputs change when the inputs move along `v`, which has their
    shapes.

    >>> torch.autograd.functional.jvp(lambda x: x.exp().sum(1), torch.zeros(2, 2), torch.ones(2, 2))
    (tensor([2., 2.]), tensor([2., 2.]))
    """
    with enable_grad():
        several, inputs = _tuple(inputs, "inputs", "jvp")
        inputs = _leaves(inputs, create_graph)
        direction = _direction(v, inputs, several, "jvp", create_graph)
        outputs_several, outputs = _call(func, inputs, "jvp", strict)
        dummies = tuple([ops.zeros_like(out, requires_grad=True) for out in outputs])
        linear = _grad(outputs, inputs, dummies, create_graph=True)
        _must_require_grad(linear, "grad_inputs", strict)
    with set_grad_enabled(create_graph or state.enabled):
        found = _grad(linear, dummies, direction, create_graph)
        found = _filled(found, outputs, strict, create_graph, "back_trick")
    return _shown(outputs, outputs_several, create_graph), _shown(found, outputs_several, create_graph)


def jacobian(
    func: Callable,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """J: for each output and each input a tensor of shape output.shape + input.shape; a tuple (over outputs)
    of tuples (over inputs) where there are several.

    One backward pass for each element of the outputs (strategy "reverse-mode") or, after one backward pass,
    one more for each element of the inputs ("forward-mode"). `vectorize` is accepted and changes nothing;
    PyTorch's forward mode demands it.

    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has '
            'more outputs than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use '
            '"reverse-mode".'
        )
    forward = strategy == "forward-mode"
    if forward and create_graph:
        raise NotImplementedError(
            'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not '
            'supported together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strict and forward:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not '
            'supported together (yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    with enable_grad():
        several, inputs = _tuple(inputs, "inputs", "jacobian")
        inputs = _leaves(inputs, create_graph)
        outputs_several, outputs = _call(func, inputs, "jacobian", strict)
        if strict and vectorize:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported "
                "together. Please either set `strict=False` or `vectorize=False`."
            )
        level = Level()
        rows = (
            jacobian_columns(level, outputs, inputs, False)
            if forward
            else jacobian_rows(level, outputs, inputs, create_graph, strict)
        )
    parts = tuple([_detached(row, create_graph) for row in rows])
    whole: Any = parts if several else tuple([part[0] for part in parts])
    return whole if outputs_several else whole[0]


def hessian(
    func: Callable,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function with one element: the Jacobian of its gradient; for several inputs
    a tuple of tuples.

    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several, inputs = _tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def single(*values: Tensor) -> Tensor:
        return _single(*_call(func, values, "hessian", strict), "hessian").squeeze()

    def gradient(*values: Tensor) -> tuple[Tensor, ...]:
        found = jacobian(single, values, create_graph=True)
        _must_require_grad(found, "jacobian", strict)
        return found

    found = jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if several else found[0][0]


def vhp(
    func: Callable,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function with one element, and v^T H, the gradient of gradient * v.

    >>> torch.autograd.functional.vhp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    several, inputs, direction, output, gradient = _gradient("vhp", func, inputs, v, create_graph, strict)
    with set_grad_enabled(create_graph or state.enabled):
        found = _grad(gradient, inputs, direction, create_graph)
        found = _filled(found, inputs, strict, create_graph, "double_back")
    return _shown((output,), False, create_graph), _shown(found, several, create_graph)


def hvp(
    func: Callable,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function with one element, and H v. As H is symmetric, `vhp` gives the same with one
    backward pass less.

    >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    several, inputs, direction, output, gradient = _gradient("hvp", func, inputs, v, create_graph, strict)
    with enable_grad():
        dummies = tuple([ops.zeros_like(x, requires_grad=True) for x in inputs])
        linear = _grad(gradient, inputs, dummies, create_graph=True)
    with set_grad_enabled(create_graph or state.enabled):
        found = _grad(linear, dummies, direction, create_graph)
        found = _filled(found, inputs, strict, create_graph, "double_back_trick")
    return _shown((output,), False, create_graph), _shown(found, several, create_graph)


def _gradient(
    function: str, func: Callable, inputs: Any, v: Tensors | None, create_graph: bool, strict: bool
) -> tuple[bool, tuple[Tensor, ...], tuple[Tensor, ...] | None, Tensor, tuple]:
    """Whether there are several inputs; these as new tensors; the direction; the value; its gradient."""
    with enable_grad():
        several, inputs = _tuple(inputs, "inputs", function)
        inputs = _leaves(inputs, create_graph)
        direction = _direction(v, inputs, several, function, create_graph)
        output = _single(*_call(func, inputs, function, strict), function)
        gradient = _grad((output,), inputs, None, create_graph=True)
        _must_require_grad(gradient, "jacobian", strict)
    return several, inputs, direction, output, gradient


# --- Jacobians


def jacobian_rows(
    level: Level,
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    create_graph: bool,
    strict: bool = False,
) -> list[tuple[Tensor, ...]]:
    """The Jacobian by backward passes, a row each: for each output a tuple over the inputs."""
    result = []
    for number, out in enumerate(outputs):
        rows: list[list[Tensor]] = [[] for _ in inputs]
        for element in out.reshape(-1).unbind():
            found = _grad((element,), inputs, None, create_graph, retain_graph=True)
            for place, (row, slope, x) in enumerate(zip(rows, found, inputs)):
                if slope is None and strict:
                    raise RuntimeError(
                        f"Output {number} of the user-provided function is independent of input {place}. "
                        "This is not allowed in strict mode."
                    )
                if slope is not None and strict and create_graph and not slope.requires_grad:
                    raise RuntimeError(
                        f"The jacobian of the user-provided function is independent of input {number}. This "
                        "is not allowed in strict mode when create_graph=True."
                    )
                row.append(ops.zeros_like(x) if slope is None else slope)
        result.append(tuple([_block(row, out, x, 0) for row, x in zip(rows, inputs)]))
    return result


def jacobian_columns(
    level: Level, outputs: Sequence[Tensor], inputs: Sequence[Tensor], create_graph: bool
) -> list[tuple[Tensor, ...]]:
    """The Jacobian by the double backward trick, a column each: for each output a tuple over the inputs."""
    linear = Linear(level, outputs, inputs)
    columns: list[list[list[Tensor]]] = [[[] for _ in inputs] for _ in outputs]
    for place, x in enumerate(inputs):
        for direction in ops.eye(x.numel(), dtype=x.dtype, device=x.device).reshape(x.numel(), *x.shape):
            for number, slope in enumerate(linear.along(place, direction, create_graph)):
                columns[number][place].append(slope)
    return [
        tuple([_block(column, out, x, -1) for column, x in zip(row, inputs)])
        for row, out in zip(columns, outputs)
    ]


def _block(parts: list[Tensor], out: Tensor, x: Tensor, dim: int) -> Tensor:
    stacked = ops.stack(parts, dim) if parts else x.new_zeros(0)
    return stacked.reshape((*out.shape, *x.shape))


# --- what goes in


def _tuple(value: Any, what: str, function: str) -> tuple[bool, tuple[Tensor, ...]]:
    """Whether it was a tuple, and the tuple."""
    several = isinstance(value, tuple)
    values = value if several else (value,)
    for place, x in enumerate(values):
        if not isinstance(x, Tensor):
            which = f"value at index {place}" if several else f"given {what}"
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the "
                f"{which} has type {type(x)}."
            )
    return several, values


def _leaves(inputs: tuple[Tensor, ...], create_graph: bool, requires_grad: bool = True) -> tuple[Tensor, ...]:
    """New tensors on the same memory: the function may also use the inputs without being given them."""
    return tuple(
        [
            x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_(requires_grad)
            for x in inputs
        ]
    )


def _call(func: Callable, inputs: tuple, function: str, strict: bool) -> tuple[bool, tuple[Tensor, ...]]:
    several, outputs = _tuple(func(*inputs), "outputs of the user-provided function", function)
    _must_require_grad(outputs, "outputs", strict)
    return several, outputs


def _single(several: bool, outputs: tuple[Tensor, ...], function: str) -> Tensor:
    if several:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {function} should contain a single element"
        )
    return outputs[0]


def _direction(
    v: Tensors | None, inputs: tuple[Tensor, ...], several: bool, function: str, create_graph: bool
) -> tuple[Tensor, ...] | None:
    """`v` for a product from the right; None stands for the number 1."""
    if v is not None:
        return _vector(v, inputs, several, function, create_graph)
    if len(inputs) != 1 or inputs[0].numel() != 1:
        raise RuntimeError(_WITH_VECTOR.format("the input to the user-provided function"))
    return None


def _vector(
    v: Tensors, like: tuple[Tensor, ...], several: bool, function: str, create_graph: bool
) -> tuple[Tensor, ...]:
    values = _leaves(_tuple(v, "v", function)[1], create_graph, requires_grad=False)
    if len(values) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(values)}."
            if several
            else "The given v should contain a single Tensor."
        )
    for place, (x, other) in enumerate(zip(values, like)):
        if x.shape != other.shape:
            entry = f"Entry {place} in " if several else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {other.shape} but got {x.shape}.")
    return values


# --- what comes out


def _grad(
    outputs: Sequence,
    inputs: Sequence,
    weights: Sequence | None,
    create_graph: bool,
    retain_graph: bool | None = None,
) -> tuple:
    """`grad`, where outputs may be missing or independent of everything."""
    given = (None,) * len(outputs) if weights is None else weights
    pairs = [(out, w) for out, w in zip(outputs, given) if out is not None and out.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    return grad(
        [o for o, _ in pairs], inputs, [w for _, w in pairs], retain_graph, create_graph, allow_unused=True
    )


def _shown(values: tuple[Tensor, ...], several: bool, create_graph: bool) -> Any:
    values = _detached(values, create_graph)
    return values if several else values[0]


def _detached(values: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    return values if create_graph else tuple([value.detach() for value in values])


def _filled(found: tuple, like: tuple[Tensor, ...], strict: bool, create_graph: bool, stage: str) -> tuple:
    """`found` with zeros where there is nothing; an error instead if `strict`."""
    for place, slope in enumerate(found):
        if strict and slope is None:
            raise RuntimeError(_INDEPENDENT[stage].format(place))
        if strict and create_graph and not slope.requires_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {place}. This is not "
                "allowed in strict mode when create_graph=True."
            )
    return tuple([ops.zeros_like(x) if slope is None else slope for slope, x in zip(found, like)])


_INDEPENDENT = {
    "back": "The output of the user-provided function is independent of input {}. This is not allowed in "
    "strict mode.",
    "back_trick": "The gradient with respect to the input is independent of entry {} in the grad_outputs "
    "when using the double backward trick to compute forward mode gradients. This is not allowed in strict "
    "mode.",
    "double_back": "The jacobian of the user-provided function is independent of input {}. This is not "
    "allowed in strict mode.",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {} in the "
    "grad_jacobian. This is not allowed in strict mode as it prevents from using the double backward trick "
    "to replace forward mode AD.",
}

_CONSTANT = {
    "jacobian": "While computing the hessian, found that the jacobian of the user-provided function with "
    "respect to input {} is independent of the input. This is not allowed in strict mode. You should ensure "
    "that your function is twice differentiable and that the jacobian depends on the inputs (this would be "
    "violated by a linear function for example).",
    "grad_inputs": "The gradient with respect to input {} is independent of the inputs of the user-provided "
    "function. This is not allowed in strict mode.",
    "outputs": "Output {} of the user-provided function does not require gradients. The outputs must be "
    "computed in a differentiable manner from the input when running in strict mode.",
}


def _must_require_grad(values: tuple, what: str, strict: bool) -> None:
    if not strict:
        return
    for place, value in enumerate(values):
        if value is None:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {place}. This is not "
                "allowed in strict mode."
            )
        if not value.requires_grad:
            raise RuntimeError(_CONSTANT[what].format(place))
