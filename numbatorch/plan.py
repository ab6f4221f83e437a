"""What a pointwise call needs to know, worked out once for each combination of kinds, shapes and strides.

A plan holds the shape and dtype of the result, the kernel for this way of walking through memory, and where
gradients must be summed or cast to fit their inputs. Running it is: allocate, call, wrap.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import numbatorch.dtype as dt
from numbatorch.arguments import no_tensor
from numbatorch.base import Kind, Number, TensorBase, empty_array, weighed, wrap
from numbatorch.dtype import DType, type_word
from numbatorch.layout import broadcast_steps, collapse, common_order, dense_order, inverse, steps
from numbatorch.overlap import refuse_repeated
from numbatorch.rules import not_implemented
from numbatorch.shape import broadcast_pair, contiguous_strides
from numbatorch_kernels import lift, making, parallel, turn
from numbatorch_kernels.cuda import launch
from numbatorch_kernels.expr import BodyError
from numbatorch_kernels.lift import Operand

if TYPE_CHECKING:
    from numbatorch.elementwise import Pointwise
    from numbatorch.tensor import Tensor

GRAIN = 1 << 15  # elements a thread should have at least: below, handing over costs more than it saves


def compute_type(element: str) -> str:
    """The element type that kernels compute in for operands of this one."""
    if element in ("f2", "bf"):
        return "f4"
    return element if element in ("f4", "f8", "c8", "c16") else "i8"


class Plain(NamedTuple):
    """A kernel that is ready for contiguous operands of one shape."""

    make: Callable  # make(*arrays) gives the result of a small call: see `making`
    entry: Callable
    kind: Kind  # of the result
    weight: int  # of an element: see `lift.PAST`


class Plan:
    """Everything about a call that its kinds, shapes and strides decide."""

    def __init__(self, row: Pointwise, inputs: tuple, out: Tensor | None):
        tensors = [x for x in inputs if isinstance(x, TensorBase)]
        if len(inputs) < row.program.arity:
            raise no_tensor(None)
        for x in inputs[: row.tensors] if tensors else inputs:
            if not isinstance(x, TensorBase):
                raise no_tensor(x)
        like = (out if out is not None else tensors[0]).kind
        shape: tuple[int, ...] = ()
        for x in tensors:
            shape = broadcast_pair(shape, x.array.shape) if x.array.shape != shape else shape
        common = self._common(row, inputs)
        result = row.result(common)
        operands = (
            result if result is not dt.bool and not (common.is_complex and not result.is_complex) else common
        )
        compute = compute_type(Kind.of(operands).element)
        narrow = operands.itemsize < 8 and not operands.is_inexact and operands is not dt.bool
        self.narrow = operands if narrow else None  # what Python's ints are cut down to, as in C
        if narrow and operands.is_signed and common.is_floating_point:
            # A cast, which PyTorch makes in this type: it shows where numbers are out of range.
            compute = "i4"
        self.common = operands
        self.kind = Kind.of(result, like.device)
        self.count = len(row.program.outputs)
        self.shape, self.numbers = (
            shape,
            tuple(k for k, x in enumerate(inputs) if not isinstance(x, TensorBase)),
        )
        self.differentiable = (result if out is None else out.kind.dtype).is_inexact
        if out is not None:
            self._check_out(row, inputs, out, result)
        if row.accepts is not None:
            row.accepts(common)
        fits = [
            (x.array.shape, x.kind)
            if _carries(x) and (x.array.shape != shape or x.kind.flat is not self.kind)
            else None
            for x in inputs
        ]
        self.fits = tuple(fits) if any(fits) else None
        self.size = prod(shape)
        # The dtype of the result shows in its digits, also where they are kept in a wider one; and a kernel that
        # computes with real numbers writes no complex ones.
        rounded = compute_type(self.kind.element) != self.kind.element and result is not dt.bool
        apart = rounded or (out is not None and out.kind.dtype.is_complex and not result.is_complex)
        wider = out is not None and out.kind.dtype is not result and apart and not row.copies
        self.before = Plan(row, inputs, None) if wider else None
        self.make = None  # one native call that does the rest of a small one
        if self.before is not None:
            self.cpu = False  # there is no kernel that calls of this kind could share
            return
        self._lay_out(row, inputs, out, compute)
        simple = out is None and self.count == 1 and self.order is None and self.cpu
        if simple and 0 < self.size <= making.SMALL:
            self.make = making.making(self.entry, self.kind.numpy, shape)

    @staticmethod
    def _common(row: Pointwise, inputs: tuple) -> DType:
        """The operands' common dt."""
        having_a_say = [x for k, x in enumerate(inputs) if k not in row.weightless] or list(inputs)
        return dt.result_dtype(*[weighed(x) for x in having_a_say])

    def _check_out(self, row: Pointwise, inputs: tuple, out: Tensor, result: DType) -> None:
        dtype = out.kind.dtype
        fills = row.copies and not isinstance(inputs[1], TensorBase)  # the same number everywhere
        if not fills:
            refuse_repeated(out)
        if out.array.shape != self.shape:
            raise RuntimeError(
                f"output with shape {list(out.array.shape)} doesn't match the broadcast shape {list(self.shape)}"
            )
        if row.uncast and dtype is not result:
            raise RuntimeError(f"Found dtype {type_word(dtype)} but expected {type_word(result)}")
        if not dt.can_cast(result, dtype):
            raise RuntimeError(
                f"result type {type_word(result)} can't be cast to the desired output type {type_word(dtype)}"
            )

    def _lay_out(self, row: Pointwise, inputs: tuple, out: Tensor | None, compute: str) -> None:
        """Choose how the kernel walks through memory, and find it."""
        target = self.kind if out is None else out.kind
        elements = [
            x.kind.element if isinstance(x, TensorBase) else Kind.of(dt.number_dtype(x)).element
            for x in inputs
        ]
        arrays = [x.array for x in inputs if isinstance(x, TensorBase)]
        self.order: tuple[int, ...] | None = (
            None  # of the results' dimensions in memory, where it is not row-major
        )
        walks = [broadcast_steps(array, self.shape) for array in arrays]
        dense = None
        if (
            out is None
            and not row.row_major
            and len(self.shape) > 1
            and not all([array.flags.c_contiguous for array in arrays])
        ):
            dense = dense_order(arrays)
            order = common_order(self.shape, walks) if dense is None else dense
            self.order = None if order == tuple(range(len(order))) else order
        contiguous = all(
            x.kind.contiguous and x.array.shape == self.shape for x in inputs if isinstance(x, TensorBase)
        )
        self.geometry, self.past = None, False  # whether the results are written past the caches
        self.weight = 3 * self.count * target.numpy.itemsize + 5 * sum([array.itemsize for array in arrays])
        if dense or (contiguous and (out is None or out.kind.contiguous)):
            same = out is not None and inputs[0] is out
            access = ["flat" if isinstance(x, TensorBase) else "value" for x in inputs]
            access = ["inplace" if same and x is out else a for x, a in zip(inputs, access, strict=True)]
            large = self.size * self.weight > lift.PAST
            self.past = large and target.cpu and not (same or target.dtype.is_complex)
            writes = "past" if self.past else "flat"
        else:
            shape = self.shape
            if self.order is not None:
                shape, *walks = [tuple([of[d] for d in self.order]) for of in (shape, *walks)]
            strides: list[Any]
            strides = [contiguous_strides(shape)] * self.count if out is None else [steps(out.array)]
            outer, length, strides = collapse(shape, strides + walks)
            self.geometry = np.array(
                [len(outer), length, *outer, *[s for row_ in strides for s in row_]], np.int64
            )
            ways = [_walk(s, length) for s in strides]
            writes = "strided" if ways[0] == "fixed" else ways[0]
            reads = iter(ways[self.count :])
            access = [next(reads) if isinstance(x, TensorBase) else "value" for x in inputs]
        through = [self._through(row, k, x) for k, x in enumerate(inputs)]
        operands = tuple([Operand(*o) for o in zip(elements, access, through, strict=True)])
        results = (Operand(target.element, writes),) * self.count
        self.skips = tuple(k for k, a in enumerate(access) if a == "inplace")
        self.cpu = target.cpu
        copies = row.copies and len(arrays) == 2 and elements == [target.element] * 2
        if copies and self.cpu and self.geometry is not None:
            if turn.turns(target.numpy.itemsize, outer, length, strides[0], strides[2]):
                self.entry = turn.entry(target.numpy.itemsize)
                return
        try:
            self.entry = lift.kernel(row.program, target.device.type, operands, results, compute)
        except BodyError:
            if compute not in lift.PART:
                raise
            raise not_implemented(f"{row.name.lower()}_cpu", self.common) from None

    def _through(self, row: Pointwise, k: int, x: Tensor | Number) -> str:
        """What an operand of another dtype becomes first: the common one, where that has fewer values; "" where it stays
        what it is. (Beside integers, those from Python are cut down when they come: see `_number`.)"""
        common = self.common
        if k in row.weightless and len(row.weightless) < row.program.arity:
            return ""
        if not isinstance(x, TensorBase):
            narrower = row.rounds and common.is_half and x.__class__ is not bool
        elif x.kind.dtype is dt.bool or x.kind.dtype.is_half:
            return ""
        elif common.is_half:
            narrower = row.rounds or k != 1 or x.array.size != 1
        else:
            own = x.kind.dtype
            narrower = (
                self.narrow is not None
                and not own.is_inexact
                and own is not common
                and own.itemsize >= common.itemsize
            )
        return Kind.of(common).element if narrower else ""

    def run(self, inputs: tuple, out: Tensor | None = None):
        """Run the kernel; the results as new tensors."""
        size, kind = self.size, self.kind
        if self.make is not None:
            args = [x.array if isinstance(x, TensorBase) else _number(x, self.narrow) for x in inputs]
            if self.geometry is not None:
                args.append(self.geometry)
            return wrap(self.make(*args), kind)
        if out is not None:
            if self.before is not None:
                return out.copy_(self.before.run(inputs))
            outs = [out.array]
        elif self.order is not None:
            shape = tuple([self.shape[d] for d in self.order])
            outs = [empty_array(shape, kind).transpose(inverse(self.order)) for _ in range(self.count)]
        else:
            outs = [empty_array(self.shape, kind) for _ in range(self.count)]
        if size:
            args = outs + [
                x.array if isinstance(x, TensorBase) else _number(x, self.narrow)
                for k, x in enumerate(inputs)
                if k not in self.skips
            ]
            if self.geometry is not None:
                args.append(self.geometry)
            if not self.cpu:
                self.entry(*args, size)
            elif size < 2 * GRAIN:
                self.entry(*args, 0, size)
            else:
                parallel.run(self.entry, size, GRAIN, *args)
        if out is not None:
            return out
        if self.order is not None:
            kind = kind.strided
        return wrap(outs[0], kind) if self.count == 1 else tuple([wrap(o, kind) for o in outs])

    def offer(self, row: Pointwise, inputs: tuple, out: Tensor | None) -> None:
        """Enter the kernel into the row's table of plain cases, if this is one."""
        if self.before is not None or self.geometry is not None or self.order is not None or self.past:
            return
        if self.differentiable and self.fits is not None:
            return
        key: Any
        if len(inputs) > 2 and out is None and all([isinstance(x, TensorBase) for x in inputs]):
            key = tuple([x.kind for x in inputs])
        elif self.count > 1:
            return
        elif len(inputs) == 1:
            key = inputs[0].kind
        elif len(inputs) == 2 and isinstance(inputs[0], TensorBase):
            if isinstance(inputs[1], TensorBase):
                key = inputs[0].kind, inputs[1].kind
            elif inputs[0].kind.dtype.is_floating_point and inputs[1].__class__ in (int, float):
                key = inputs[0].kind, inputs[1].__class__
            else:
                return
        else:
            return
        if out is None:
            if self.cpu:
                make = making.making(self.entry, self.kind.numpy, outputs=self.count)
            else:
                make = launch.making(self.entry, self.kind.numpy, self.kind.device.index or 0, self.count)
            row.ready[key] = Plain(make, self.entry, self.kind, self.weight)
        elif self.cpu and self.skips == (0,):
            row.over[key] = self.entry


def _walk(strides: list[int], length: int) -> str:
    """How a pointer with these strides, in elements, goes along the rows: see `lift.Operand`."""
    step = strides[-1]
    if step in (0, 1):
        return "unit" if step else "fixed"
    return "far" if len(strides) > 1 and length > lift.TILE and abs(step) >= lift.TILE else "strided"


def _carries(value: Any) -> bool:
    """Whether this operand can have a gradient."""
    return isinstance(value, TensorBase) and value.kind.inexact


def _number(value, narrow: DType | None):
    value = value.item() if isinstance(value, np.generic) else value
    if narrow is not None and value.__class__ is int:
        modulus = 1 << 8 * narrow.itemsize
        value %= modulus
        return value - modulus if narrow.is_signed and 2 * value >= modulus else value
    return value
