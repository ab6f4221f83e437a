"""`vmap`: a function of one example as a function of many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from numbatorch import ops, random
from numbatorch.autograd import Function
from numbatorch.pytree import TreeSpec, broadcast_to_and_flatten, tree_flatten, tree_leaves, tree_unflatten
from numbatorch.tensor import Tensor


def vmap(
    func: Callable,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable:
    """The function that calls `func` on every example of its arguments, and stacks what it returns.

    in_dims     the dimension of each argument along which the examples lie: an int, None for an argument that
                all share, or a nest of them
    out_dims    where that dimension goes in the results
    randomness  "error": a function that draws random numbers raises RuntimeError; "different": each example
                has its own; "same": all have the same
    chunk_size  how many examples are computed together (None: all); accepted, and changes nothing but memory

    `func` is called once for each example; gradients of the results, and transforms in `func`, work as
    anywhere. Raises ValueError where `in_dims` and `out_dims` do not fit the arguments and results.

    >>> torch.vmap(torch.dot)(torch.ones(3, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    tensor([ 3.,  7., 11.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        _check_out_dims(out_dims, func)
        dims, flat, spec = _examples(in_dims, args, func)
        size = _batch_size(dims, flat)
        outputs = _each(
            lambda values: func(*tree_unflatten(values, spec), **kwargs), dims, flat, size, randomness
        )
        return _stacked(outputs, out_dims, size, func)

    return batched


def _each(func: Callable, dims: list, flat: list, size: int, randomness: str) -> list:
    """What `func` returns for each example. With no examples, for one of zeros: its form is what counts."""
    if size == 0:
        return [func([x if d is None else x.new_zeros(_without(x.shape, d)) for x, d in zip(flat, dims)])]
    columns = [repeat(x, size) if d is None else _examples_of(x, d) for x, d in zip(flat, dims)]
    before = random.states()
    results = []
    for values in zip(*columns):
        if randomness == "same":
            random.restore(before)
        results.append(func(list(values)))
        if len(results) == 1 and randomness == "error" and _drawn_since(before):
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' "
                "or 'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )
    return results


def _examples_of(x: Tensor, dim: int) -> Sequence[Tensor]:
    return _Unbind.apply(x, dim) if x.requires_grad else x.unbind(dim)


class _Unbind(Function):
    """All examples of a tensor by one node, which stacks their gradients: nodes of their own would each fill
    a gradient of the whole tensor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> tuple[Tensor, ...]:
        ctx.dim = dim
        return tuple([part.detach() for part in x.unbind(dim)])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return ops.stack(grads, ctx.dim), None


def _drawn_since(before: list) -> bool:
    return any(not ops.equal(now, then) for (_, now), (_, then) in zip(random.states(), before))


def _without(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return (*shape[:dim], *shape[dim + 1 :])


# --- what goes in


def _examples(in_dims: Any, args: tuple, func: Callable) -> tuple[list, list, TreeSpec]:
    """For each leaf of `args` the dimension of its examples; the leaves; their nest."""
    call = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of "
            f"inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
            "trying to vmap over a function with no inputs. The latter is unsupported."
        )
    flat, spec = tree_flatten(args)
    dims = broadcast_to_and_flatten(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{call}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{tree_flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    for place, (x, dim) in enumerate(zip(flat, dims)):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise ValueError(
                f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer dimension or "
                "None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{call}: Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot vmap "
                "over non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(
                f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
                f"{x.ndim} so expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}."
            )
        dims[place] = dim % x.ndim
    return dims, flat, spec


def _batch_size(dims: list, flat: list) -> int:
    sizes = [x.shape[d] for x, d in zip(flat, dims) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} "
            "for the mapped dimension"
        )
    return sizes[0]


# --- what comes out


def _stacked(outputs: list, out_dims: Any, size: int, func: Callable) -> Any:
    """The results of all examples, each stacked along its dimension."""
    spec = tree_flatten(outputs[0])[1]
    dims = broadcast_to_and_flatten(out_dims, spec)
    if spec.is_leaf() and isinstance(out_dims, tuple) and len(out_dims) == 1:
        dims = list(out_dims)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the "
            f"structure of `outputs`. out_dims has structure {tree_flatten(out_dims)[1]} but outputs has "
            f"structure {spec}."
        )
    columns = zip(*[tree_leaves(output) for output in outputs])
    return tree_unflatten(
        [_join(list(column), dim, size, _name(func)) for column, dim in zip(columns, dims)], spec
    )


def _join(column: list, dim: int | None, size: int, name: str) -> Any:
    first = column[0]
    if dim is None:
        if isinstance(first, Tensor) and any(x is not first for x in column):
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
        return first
    if not isinstance(first, Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(first)}. Did you mean to "
            "set out_dims= to None for output?"
        )
    return ops.stack(column, dim) if size else ops.stack(column, dim).narrow(dim, 0, 0)


def _check_out_dims(out_dims: Any, func: Callable) -> None:
    for dim in tree_leaves(out_dims):
        if not (dim is None or isinstance(dim, int)):
            raise ValueError(
                f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
                "collection of ints representing where in the outputs the vmapped dimension should appear."
            )


def _name(func: Callable) -> str:
    if hasattr(func, "__name__"):
        return func.__name__
    if isinstance(func, functools.partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return repr(func)
