"""Derivatives of functions, as functions.

Each transform calls the function once, on new tensors of the tape, and plays the tape backwards. Derivatives
from the front (`jvp`, `jacfwd`) need no other tape: the gradient J^T u is linear in u, and its own gradient
with respect to u is J v ("double backward trick"), so every operation that can be differentiated twice has
them.

Transforms nest, and their results can be differentiated with respect to tensors that the function uses
without being given them; where no such tensor is found on the tape, the results come without history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from numbatorch import ops
from numbatorch.autograd.api import grad as tape_grad
from numbatorch.autograd.functional import jacobian_columns, jacobian_rows
from numbatorch.autograd.levels import Level, Linear
from numbatorch.autograd.mode import enable_grad, state
from numbatorch.pytree import TreeSpec, tree_flatten, tree_leaves, tree_map, tree_unflatten
from numbatorch.tensor import Tensor

Argnums = int | tuple[int, ...]

_JVP = "jvp(f, primals, tangents)"


# --- public


def grad(func: Callable, argnums: Argnums = 0, has_aux: bool = False) -> Callable:
    """The function that computes the gradient of `func`, which returns one number, with respect to the
    arguments at `argnums` (an int: one nest of tensors; a tuple: a tuple of them). With `has_aux`, `func`
    returns (output, aux), and the gradient function (gradient, aux).

    >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    >>> torch.func.grad(torch.func.grad(lambda x: x**3))(torch.tensor(2.0))
    tensor(12.)
    """
    compute = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = compute(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func: Callable, argnums: Argnums = 0, has_aux: bool = False) -> Callable:
    """Like `grad`, and the function returns (gradient, output), or (gradient, (output, aux)).

    >>> torch.func.grad_and_value(lambda x: (x * x).sum())(torch.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """

    @wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        level = Level()
        with enable_grad():
            arguments, inputs = _enter(level, args, argnums)
            output, aux = _split(func(*arguments, **kwargs), has_aux, "grad_and_value(f)(*args)")
            if not isinstance(output, Tensor):
                raise RuntimeError(
                    f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}"
                )
            if output.ndim != 0:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{output.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            leaves, spec = tree_flatten(inputs)
            found = _grad([output], leaves, None, create_graph=level.seen_from_outside([output]))
        result = level.leave(tree_unflatten(found, spec))
        output, aux = level.leave(output), level.leave(aux)
        return (result, (output, aux)) if has_aux else (result, output)

    return gradient_and_value


def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> tuple:
    """`func(*primals)`, and the function that takes weights of the outputs' form to v^T J, one for each
    primal. With `has_aux`, also the aux that `func` returns beside its output.

    >>> output, pull_back = torch.func.vjp(torch.sin, torch.zeros(2))
    >>> pull_back(torch.tensor([1.0, 2.0]))
    (tensor([1., 2.]),)
    """
    level = Level()
    outputs, spec, aux, inputs = _run(level, func, primals, None, has_aux, "vjp(f, *primals)")
    for output in outputs:
        if not (output.is_floating_point() or output.is_complex()):
            raise RuntimeError(
                "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with "
                f"dtype {output.dtype}"
            )
    leaves, inputs_spec = tree_flatten(inputs)
    outside = level.seen_from_outside(outputs)

    def pull_back(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        weights, weights_spec = tree_flatten(cotangents)
        if weights_spec != spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to "
                f"the function. cotangents: {_form(weights_spec)}, primal output: {_form(spec)}"
            )
        if create_graph is None:
            create_graph = state.enabled and (outside or any(w.requires_grad for w in weights))
        found = _grad(outputs, leaves, weights, create_graph, retain_graph)
        return level.leave(tree_unflatten(found, inputs_spec))

    results = level.leave(tree_unflatten(outputs, spec))
    return (results, pull_back, level.leave(aux)) if has_aux else (results, pull_back)


def jvp(
    func: Callable, primals: tuple, tangents: tuple, *, strict: bool = False, has_aux: bool = False
) -> tuple:
    """`func(*primals)`, and J v: how the outputs change when the primals move along `tangents`, which have
    their form. With `has_aux`, also the aux that `func` returns beside its output.

    strict  raise RuntimeError for an output that does not depend on the primals, which otherwise gives zeros

    >>> torch.func.jvp(lambda x: x * x, (torch.tensor([1.0, 2.0]),), (torch.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    directions, spec = tree_flatten(tangents)
    primals_spec = tree_flatten(primals)[1]
    if primals_spec != spec:
        raise RuntimeError(
            f"{_JVP}: Expected primals and tangents to have the same python structure. For example, if "
            "primals is a tuple of 3 tensors, tangents also must be. Got primals with structure "
            f"{primals_spec} and tangents with structure {spec}"
        )
    _all_tensors(tree_leaves(primals), "primals")
    _all_tensors(directions, "tangents")
    level = Level()
    outputs, outputs_spec, aux, inputs = _run(level, func, primals, None, has_aux, _JVP)
    linear = Linear(level, outputs, tree_leaves(inputs))
    if strict and not all(out.requires_grad for out in outputs):
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is "
            "not allowed with strict=True."
        )
    outside = state.enabled and (level.seen_from_outside(outputs) or any(d.requires_grad for d in directions))
    found = linear(directions, create_graph=outside, retain_graph=outside)
    result = (
        level.leave(tree_unflatten(outputs, outputs_spec)),
        level.leave(tree_unflatten(found, outputs_spec)),
    )
    return (*result, level.leave(aux)) if has_aux else result


def linearize(func: Callable, *primals: Any) -> tuple[Any, Callable]:
    """`func(*primals)`, and the function that takes tangents to J v without calling `func` again.

    >>> output, push_forward = torch.func.linearize(torch.sin, torch.zeros(2))
    >>> push_forward(torch.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    level = Level()
    outputs, spec, _, inputs = _run(level, func, primals, None, False, "linearize(f, *primals)")
    leaves = tree_leaves(inputs)
    linear = Linear(level, outputs, leaves)
    outside = level.seen_from_outside(outputs)

    def push_forward(*tangents: Any) -> Any:
        directions, tangents_spec = tree_flatten(tangents)
        primals_spec = tree_flatten(primals)[1]
        if tangents_spec != primals_spec:
            raise RuntimeError(
                f"Expected the tangents {tangents_spec} to have the same argspec as the primals "
                f"{primals_spec}"
            )
        for place, (direction, leaf) in enumerate(zip(directions, leaves)):
            for what in ("shape", "device", "dtype"):
                given, expected = getattr(direction, what), getattr(leaf, what)
                if given != expected:
                    raise RuntimeError(
                        f"tangent:{place} with {what} {given} in flattened pytree doesn't match the {what} "
                        f"{expected} of the corresponding primal."
                    )
        create_graph = state.enabled and (outside or any(d.requires_grad for d in directions))
        found = linear(directions, create_graph, retain_graph=True)
        return level.leave(tree_unflatten(found, spec))

    return level.leave(tree_unflatten(outputs, spec)), push_forward


def jacrev(
    func: Callable, argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable:
    """The function that computes the Jacobian of `func` with respect to the arguments at `argnums`: for each
    output and each input a tensor of shape output.shape + input.shape. One backward pass for each element of
    the outputs (`chunk_size` is accepted and changes nothing).

    >>> torch.func.jacrev(torch.sin)(torch.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")
    return _jacobian("jacrev", func, argnums, has_aux, jacobian_rows)


def jacfwd(
    func: Callable, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable:
    """The same as `jacrev`, by one pass for each element of the inputs: better where the outputs have more
    elements than the inputs. The function is called once, so that `randomness` has no say.

    >>> torch.func.jacfwd(torch.sin)(torch.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return _jacobian("jacfwd", func, argnums, has_aux, jacobian_columns)


def hessian(func: Callable, argnums: Argnums = 0) -> Callable:
    """The function that computes the second derivatives of `func`: jacfwd(jacrev(func)).

    >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


# --- running


def _enter(level: Level, args: tuple, argnums: Argnums | None) -> tuple[tuple, Any]:
    """`args` with new tensors of `level` at `argnums` (None: everywhere), and those."""
    if argnums is None:
        entered = tree_map(level.enter, args)
        return entered, entered
    chosen = _select(args, argnums)
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    values = [tree_map(level.enter, x) for x in (chosen if isinstance(argnums, tuple) else (chosen,))]
    arguments = list(args)
    for place, value in zip(places, values):
        arguments[place] = value
    return tuple(arguments), tuple(values) if isinstance(argnums, tuple) else values[0]


def _run(
    level: Level, func: Callable, args: tuple, argnums: Argnums | None, has_aux: bool, api: str
) -> tuple[list[Tensor], TreeSpec, Any, Any]:
    """The outputs of `func` on tensors of `level`, flat, and their nest; aux; and those tensors."""
    with enable_grad():
        arguments, inputs = _enter(level, args, argnums)
        output, aux = _split(func(*arguments), has_aux, api)
    outputs, spec = tree_flatten(output)
    if not outputs or (len(outputs) == 1 and outputs[0] is None):
        raise RuntimeError(
            f"{api}: Expected f to be a function that has non-empty output (got output = {outputs})"
        )
    for out in outputs:
        if not isinstance(out, Tensor):
            raise RuntimeError(
                f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(out)}"
            )
    return outputs, spec, aux, inputs


def _grad(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    weights: Sequence[Tensor] | None,
    create_graph: bool,
    retain_graph: bool | None = None,
) -> Sequence[Tensor]:
    """`torch.autograd.grad`, where nothing has to depend on anything."""
    given: Sequence[Any] = [None] * len(outputs) if weights is None else weights
    pairs = [(o, w) for o, w in zip(outputs, given) if o.requires_grad]
    if not pairs:
        return [ops.zeros_like(x) for x in inputs]
    found: Sequence[Any] = tape_grad(
        [o for o, _ in pairs], inputs, [w for _, w in pairs], retain_graph, create_graph, True
    )
    return [ops.zeros_like(x) if g is None else g for x, g in zip(inputs, found)]


def _jacobian(api: str, func: Callable, argnums: Argnums, has_aux: bool, compute: Callable) -> Callable:
    @wraps(func)
    def jacobian(*args: Any) -> Any:
        _no_complex(api, args, "inputs")
        level = Level()
        outputs, spec, aux, inputs = _run(
            level, func, args, argnums, has_aux, "vjp(f, *primals)" if api == "jacrev" else _JVP
        )
        _no_complex(api, outputs, "outputs")
        leaves, inputs_spec = tree_flatten(inputs)
        parts = compute(level, outputs, leaves, level.seen_from_outside(outputs))
        result = tree_unflatten([tree_unflatten(part, inputs_spec) for part in parts], spec)
        result = level.leave(result)
        return (result, level.leave(aux)) if has_aux else result

    return jacobian


# --- checks


class _Leaf:
    def __repr__(self) -> str:
        return "*"


def _form(spec: TreeSpec) -> str:
    """A nest as text, with stars for its leaves."""
    return repr(tree_unflatten([_Leaf()] * spec.num_leaves, spec))


def _split(output: Any, has_aux: bool, api: str) -> tuple[Any, Any]:
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise RuntimeError(f"{api}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return output


def _all_tensors(values: list, what: str) -> None:
    if not values:
        raise RuntimeError(f"{_JVP}: Expected {what} to contain at least one Tensor.")
    for value in values:
        if not isinstance(value, Tensor):
            raise RuntimeError(f"{_JVP}: Expected {what} to only contain Tensors, got {type(value)}")


def _no_complex(api: str, tree: Any, what: str) -> None:
    for place, leaf in enumerate(tree_leaves(tree)):
        if isinstance(leaf, Tensor) and leaf.is_complex():
            raise RuntimeError(
                f"{api}: Expected all {what} to be real but received complex tensor at flattened input idx: "
                f"{place}"
            )


def _select(args: tuple, argnums: Any) -> Any:
    """The arguments at `argnums`."""
    if not isinstance(argnums, int | tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    places = [_place(k, len(args)) for k in (argnums if isinstance(argnums, tuple) else (argnums,))]
    if not places:
        raise RuntimeError("argnums must be non-empty")
    if len(set(places)) != len(places):
        raise RuntimeError(f"argnums elements must be unique, got {tuple(places)}")
    values = tuple([args[k] for k in places])
    return values if isinstance(argnums, tuple) else values[0]


def _place(argnum: Any, count: int) -> int:
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count
