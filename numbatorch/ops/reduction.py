"""What all reductions have in common: the row, `out=`, NumPy's names of arguments, and how a gradient goes
back to the elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch.apply import Op
from numbatorch.arguments import flags, no_tensor
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, TensorBase, empty, wrap
from numbatorch.dtype import DType, type_word
from numbatorch.layout import steps
from numbatorch.ops.copy import cast, check_out, copy_
from numbatorch.ops.copy import into as into_same
from numbatorch.ops.view import repeated, reshape
from numbatorch.rules import promoted
from numbatorch.shape import reduced_shape, reduction_dims
from numbatorch.storage import resize_out
from numbatorch_kernels import making
from numbatorch_kernels.memory import LARGE
from numbatorch_kernels.reduce.launch import computed_in, plan_for
from numbatorch_kernels.reduce.table import Reduction
from numbatorch_kernels.reduce.walk import walk

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

Dims = int | Sequence[int] | None
_PLANS = 4096  # combinations of kind, shape and dimensions remembered per row


def remember(plans: dict, key: tuple, plan: Any) -> Any:
    """Keep a plan for the next call of its kind; return it."""
    if len(plans) >= _PLANS:
        plans.clear()
    plans[key] = plan
    return plan


def to_int64(own: DType) -> DType:
    """Places and counts."""
    return dt.int64


class Plan:
    """What a reduction of tensors of one kind and shape comes to.

    dims     the dimensions that are reduced, counted from the front
    source   the shape of the tensor; kept: the same with size one where it is reduced; shape: of the result
    count    how many elements become one
    kinds    of the results
    run      the kernel's plan
    few      whether the tensor is a small one on the CPU
    alone    whether this is the plain case: a small result, which one call of the kernel on the CPU makes
    """

    __slots__ = ("alone", "count", "dims", "few", "kept", "kinds", "run", "shape", "source")

    def __init__(self, row: Reduce, input: Tensor, dim: Dims, dims: tuple[int, ...], shape: tuple[int, ...]):
        array, own, device = input.array, input.kind, input.kind.device
        if row.check is not None:
            row.check(own.dtype, array.shape, dim, dims)
        self.dims, self.source, self.shape = dims, array.shape, shape
        self.kept = reduced_shape(array.shape, dims, True)
        self.kinds = [Kind.of(rule(own.dtype), device) for rule in row.results]
        way = walk(array.shape, steps(array), dims, row.reduction.ordered)
        self.count, self.few = way.count, own.cpu and array.size <= making.SMALL
        compute = computed_in((self.kinds[0] if row.by_result else own).element)
        outputs = tuple([kind.element for kind in self.kinds])
        self.run: Any = plan_for(device.type, row.reduction, (own.element,), outputs, compute, way)
        small = len(outputs) == 1 and way.results * self.kinds[0].numpy.itemsize < LARGE
        self.alone = own.cpu and small and self.run.alone


class Reduce(Op):
    """A reduction over dimensions.

    reduction   what the kernels do, a row of `numbatorch_kernels.reduce.table`
    vjp         its node's `params` are the `Plan`, then the reduction's numbers
    results     the dtype of each result, from that of the tensor
    by_result   compute in the type of the result; otherwise in that of the tensor
    accepts     accepts(dtype) raises for dtypes that the reduction is not defined for
    check       check(dtype, shape, dim, dims) raises for what cannot be reduced; dims are those that `dim`
                means
    """

    def __init__(
        self,
        name: str,
        reduction: Reduction,
        vjp: Callable | None = None,
        *,
        saves: Sequence[int] = (),
        results: tuple[Callable[[DType], DType], ...] = (promoted,),
        by_result: bool = False,
        overload: int = 0,
        accepts: Callable[[DType], None] | None = None,
        check: Check | None = None,
        differentiable: int = 1,
    ):
        super().__init__(name, self.run, vjp, saves=saves, differentiable=differentiable, overload=overload)
        self.reduction, self.results, self.by_result = reduction, results, by_result
        self.accepts, self.check = accepts, check
        self.plans: dict[tuple, Plan] = {}

    def __call__(self, input: Tensor, dim: Dims = None, keepdim: bool = False, *numbers: float):
        try:
            kind, array = input.kind, input.array
        except AttributeError:
            raise no_tensor(input) from None
        if keepdim.__class__ is not bool:
            flags(keepdim)
        if dim.__class__ is list:
            dim = tuple(dim)
        layout = array.shape if kind.contiguous else (array.shape, array.strides)
        key = (kind, layout, dim, keepdim)
        plan = self.plans.get(key)
        if plan is None:
            if self.accepts is not None:
                self.accepts(kind.dtype)
            dims = reduction_dims(dim, array.ndim)
            if dim is not None and hasattr(dim, "__index__"):  # a number of NumPy, too
                dim = dim.__index__()
            shape = reduced_shape(array.shape, dims, keepdim)
            plan = remember(self.plans, key, Plan(self, input, dim, dims, shape))
        return self.planned(input, plan, *numbers)

    def planned(self, input: Tensor, plan: Plan, *numbers: float):
        """The reduction by a plan, on the tape."""
        if plan.alone:
            kind, run = plan.kinds[0], plan.run
            out = np.empty(plan.shape, kind.numpy)
            run.entry(out, input.array, *run.fixed, *numbers, 0, run.units)
            result = wrap(out, kind)
        else:
            result = self.run(input, plan, *numbers)
        if input._requires_grad and state.enabled and self.vjp is not None:
            self.record(result, (input, plan, *numbers))
        return result

    def run(self, input: Tensor, plan: Plan, *numbers: float):
        """The reduction by a plan."""
        results = tuple([empty(plan.shape, kind) for kind in plan.kinds])
        plan.run([result.array for result in results], (input.array,), *numbers)
        return results if len(results) > 1 else results[0]


# --- gradients


def spread(tensor: Tensor, plan: Plan) -> Tensor:
    """A result, or its gradient, repeated to the shape of what was reduced. Few elements are written at once off the tape:
    what follows is quicker on those than on a view of one."""
    if plan.few and not state.enabled:
        array = np.empty(plan.source, tensor.kind.numpy)
        array[...] = tensor.array.reshape(plan.kept)
        return wrap(array, tensor.kind.flat)
    return repeated(restore(tensor, plan) if tensor.array.ndim else tensor, plan.source)


def restore(tensor: Tensor, plan: Plan) -> Tensor:
    """A result, or its gradient, with size one where dimensions were reduced."""
    return tensor if tensor.array.shape == plan.kept else reshape(tensor, plan.kept)


# --- arguments


def broadcast_dims(shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions along which a tensor of shape `target` is repeated to fill `shape`."""
    missing = len(shape) - len(target)
    if missing < 0 or not {a in (1, b) for a, b in zip(target, shape[missing:])} <= {True}:
        raise RuntimeError(f"size {{{list(target)}}} is not expandable to size {{{list(shape)}}}.")
    return tuple([d for d, n in enumerate(shape) if d < missing or (target[d - missing] == 1 and n != 1)])


def renamed(names: dict[str, Any], dim: Any, keepdim: bool, function: str) -> tuple[Any, bool]:
    """`dim` and `keepdim`, also under NumPy's names for them."""
    dim, keepdim = names.pop("axis", dim), names.pop("keepdims", keepdim)
    if names:
        raise TypeError(f"{function}() got an unexpected keyword argument '{next(iter(names))}'")
    return dim, keepdim


def dtype_of(dtype: DType | None, out: Tensor | None) -> DType | None:
    """The dtype that a caller of a sum or product asks for: if by no name, that of `out`."""
    return out.dtype if dtype is None and isinstance(out, TensorBase) else dtype


def converted(input: Tensor, dtype: DType | None) -> Tensor:
    """`input` in the dtype that the caller asks for."""
    if dtype is None:
        return input
    dtype = dt.as_dtype(dtype)
    if input._requires_grad and state.enabled and not dtype.is_inexact:
        raise RuntimeError(f"Autograd not support dtype: {type_word(dtype)}")
    return cast(input, dtype)


def into(out: Tensor | None, result: Tensor, function: str, same: bool = False) -> Tensor:
    """`result`, written into `out` if that is given, which takes the shape of the result; with a warning, if
    it has elements. `same`: `out` must have the result's own dtype."""
    if out is None:
        return result
    if same:
        return into_same(out, result, function)
    check_out(out, result, function)
    if not dt.can_cast(result.kind.dtype, out.kind.dtype):
        raise RuntimeError(
            f"result type {type_word(result.kind.dtype)} can't be cast to the desired output type "
            f"{type_word(out.kind.dtype)}"
        )
    resize_out(out, result.array.shape)
    return copy_(out, result)


# --- what cannot be reduced


Check = Callable[[DType, tuple[int, ...], Dims, tuple[int, ...]], None]


def without_elements(
    shape: tuple[int, ...], dim: Dims, dims: tuple[int, ...], function: str, of_all: Exception
) -> None:
    """Raise where a result would be chosen from no elements: `of_all` if no dimension was named."""
    for d in dims:
        if shape[d] == 0:
            raise (
                of_all
                if dim is None or dim == ()
                else IndexError(f"{function}: Expected reduction dim {d} to have non-zero size.")
            )
    if (dim is None or dim == ()) and 0 in shape:
        raise of_all
