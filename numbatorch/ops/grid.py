"""Pictures seen through a grid of places: grid_sample, and the grids of affine maps.

A place is x, y (and z), from -1 at the left, upper (front) end of the picture to 1 at the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import autograd
from numbatorch.apply import Op
from numbatorch.arguments import tensor_array
from numbatorch.autograd.mode import no_grad, state
from numbatorch.base import empty
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise
from numbatorch.ops.arithmetic import add, mul
from numbatorch.ops.comparison import where
from numbatorch.ops.copy import cast, contiguous, to_opmath
from numbatorch.ops.elements import zeros
from numbatorch.ops.join import stack
from numbatorch.ops.math import clamp, floor, round
from numbatorch.ops.matmul import matmul
from numbatorch.ops.scatter import scatter_add
from numbatorch.ops.sequences import arange, linspace
from numbatorch.ops.view import expand, reshape, transpose, unsqueeze
from numbatorch.rules import COMPLEX, INTEGERS, refuse
from numbatorch_kernels import blend as kernels
from numbatorch_kernels import grid as whole
from numbatorch_kernels import places
from numbatorch_kernels.codes import BICUBIC, BILINEAR, NEAREST, REFLECTION, ZEROS

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


# --- sums of named elements: x (batch, channels, elements), weights and index (batch, taps, points)


def _blend_forward(x, weights, index):
    out = empty((*x.array.shape[:2], weights.array.shape[2]), x.kind)
    if out.array.size:
        x, weights = (contiguous(t.detach()).array for t in (x, weights))
        kernels.blend(out.kind.device.type, out.array, x, weights, index.array)
    return out


def _blend_vjp(node, grad):
    x, weights, index = node.unpack()
    return (
        _back(grad, weights, index, x.array.shape[2]) if node.needs[0] else None,
        _dots(grad, x, index) if node.needs[1] else None,
        None,
    )


def _back_forward(grad, weights, index, size):
    grad, weights = contiguous(grad.detach()), contiguous(weights.detach())
    batch, channels, points = grad.array.shape
    if not grad.kind.cpu:
        with no_grad():
            parts = mul(unsqueeze(grad, 2), unsqueeze(where(index < 0, 0.0, weights), 1))
            shape = (batch, channels, weights.array.shape[1] * points)
            named = expand(reshape(clamp(index, min=0), batch, 1, shape[2]), shape)
            return scatter_add(zeros((batch, channels, size), grad.kind), 2, named, reshape(parts, shape))
    dx = empty((batch, channels, size), grad.kind)
    if dx.array.size:
        kernels.blend_back("cpu", dx.array, grad.array, weights.array, index.array)
    return dx


def _back_vjp(node, gradient):
    grad, weights, index = node.unpack()
    return (
        _blend(gradient, weights, index) if node.needs[0] else None,
        _dots(grad, gradient, index) if node.needs[1] else None,
        None,
    )


def _dots_forward(grad, x, index):
    dw = empty(index.array.shape, x.kind)
    if dw.array.size:
        grad, x = (contiguous(t.detach()).array for t in (grad, x))
        kernels.blend_dots(dw.kind.device.type, dw.array, grad, x, index.array)
    return dw


def _dots_vjp(node, gradient):
    grad, x, index = node.unpack()
    return (
        _blend(x, gradient, index) if node.needs[0] else None,
        _back(grad, gradient, index, x.array.shape[2]) if node.needs[1] else None,
        None,
    )


_blend: Op = Op("GridSamplerBlend", _blend_forward, _blend_vjp, saves=(0, 1, 2), tensors=3)
_back: Op = Op("GridSamplerBack", _back_forward, _back_vjp, saves=(0, 1, 2), tensors=3)
_dots: Op = Op("GridSamplerDots", _dots_forward, _dots_vjp, saves=(0, 1, 2), tensors=3)


# --- places

_places = {
    True: Pointwise("GridPlace", places.aligned, weightless=(1,)),
    False: Pointwise("GridPlace", places.unaligned, weightless=(1,)),
}
_clip = Pointwise("GridClip", places.clipped, weightless=(1,))
_reflect = Pointwise("GridReflect", places.reflected, weightless=(1, 2))
_WEIGHTS = {
    NEAREST: Pointwise("GridNearest", places.nearest),
    BILINEAR: Pointwise("GridLinear", places.linear),
    BICUBIC: Pointwise("GridCubic", places.cubic),
}


def _padded(x: Tensor, n: int, padding: int, align: bool) -> Tensor:
    """Places where there are elements."""
    if padding == ZEROS:
        return x
    if padding == REFLECTION:
        low, span = (0.0, float(n - 1)) if align else (-0.5, float(n))
        x = _reflect.general((x, low, span)) if span else mul(x, 0.0)
    return _clip.general((x, float(n - 1)))


def _along(grid: Tensor, n: int, mode: int, padding: int, align: bool) -> tuple[Tensor, Tensor]:
    """Which elements of a direction with n of them each point's neighbours are, far below zero where there is none,
    and their weights: (batch, taps, points)."""
    x = _places[align].general((grid, float(n)))
    if mode != BICUBIC:
        x = _padded(x, n, padding, align)
    made = _WEIGHTS[mode](x)
    weights = stack(made, 1) if isinstance(made, tuple) else unsqueeze(made, 1)
    with no_grad():
        x = x.detach()
        first = round(x) if mode == NEAREST else floor(x)
        begin, taps = (-1, 4) if mode == BICUBIC else (0, weights.array.shape[1])
        steps = arange(begin, begin + taps, dtype=x.kind.dtype, device=x.kind.device)
        neighbours = add(unsqueeze(first, 1), reshape(steps, taps, 1))
        if mode == BICUBIC:
            neighbours = _padded(neighbours, n, padding, align)
        inside = (neighbours >= 0) & (neighbours < n)
        return where(inside, neighbours, -1.0).to(dt.int64), weights


def _flat(indices: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """Places in the flat picture of each combination of neighbours, -1 where one is none; the last direction moves
    fastest."""
    total = indices[0]
    for index, n in zip(indices[1:], sizes[1:]):
        near, far = unsqueeze(total, 2), unsqueeze(index, 1)
        total = where((near < 0) | (far < 0), -1, add(mul(near, n), far))
        batch, one, other, points = total.array.shape
        total = reshape(total, batch, one * other, points)
    return contiguous(total)


def _products(weights: Sequence[Tensor]) -> Tensor:
    total = weights[0]
    for more in weights[1:]:
        total = mul(unsqueeze(total, 2), unsqueeze(more, 1))
        batch, one, other, points = total.array.shape
        total = reshape(total, batch, one * other, points)
    return total


def _check(input: Tensor, grid: Tensor, mode: int) -> None:
    shape, places = tensor_array(input).shape, tensor_array(grid).shape
    if shape[:1] != places[:1]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(shape)} and grid with sizes {list(places)}"
        )
    if places[-1] != len(shape) - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {len(shape) - 2} in last dimension, but got grid with sizes "
            f"{list(places)}"
        )
    for d in range(2, len(shape)):
        if shape[d] == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(shape)} with dimension {d} being empty"
            )
    if len(shape) not in (4, 5) or len(shape) != len(places):
        wanted = 4 if len(shape) == 4 else 5
        raise RuntimeError(
            f"grid_sampler(): expected {wanted}D input and grid with same number of dimensions, but got input with "
            f"sizes {list(shape)} and grid with sizes {list(places)}"
        )
    if len(shape) == 5 and mode == BICUBIC:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    name = "grid_sampler_2d_cpu_kernel_impl" if len(shape) == 4 else "grid_sampler3d_cpu"
    refuse(name, *INTEGERS, *COMPLEX)(input.kind.dtype)
    if grid.kind.dtype is not input.kind.dtype:
        types = type_word(input.kind.dtype), type_word(grid.kind.dtype)
        raise RuntimeError(f"expected scalar type {types[0]} but found {types[1]}")


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """Pictures (batch, channels, height, width) seen at the places `grid` (batch, h, w, 2): (batch, channels, h, w);
    volumes likewise. See `F.grid_sample`; modes are numbers: bilinear, nearest, bicubic; zeros, border, reflection.

    float16 and bfloat16 are computed in float32. Differentiable in both, to any order.
    """
    _check(input, grid, interpolation_mode)
    how = interpolation_mode, padding_mode, bool(align_corners)
    out = _sampler(to_opmath(input), to_opmath(grid), *how)
    return cast(out, input.kind.dtype)


def _seen(x: Tensor, grid: Tensor, mode: int, padding: int, align: bool) -> Tensor:
    """Pictures through the grid. Every point's neighbours and their weights are in memory."""
    shape, lead = x.array.shape, grid.array.shape[:-1]
    sizes = shape[2:]
    points = reshape(grid, lead[0], prod(lead[1:]), len(sizes))
    found = [_along(points[..., -1 - d], n, mode, padding, align) for d, n in enumerate(sizes)]
    flat = reshape(x, shape[0], shape[1], prod(sizes))
    out = _blend(flat, _products([w for _, w in found]), _flat([i for i, _ in found], sizes))
    return reshape(out, *shape[:2], *lead[1:])


def _sampler_forward(x, grid, *how):
    out = empty((*x.array.shape[:2], *grid.array.shape[1:-1]), x.kind)
    if out.array.size:
        x, grid = (contiguous(t.detach()).array for t in (x, grid))
        whole.grid_sample(out.kind.device.type, out.array, x, grid, *how)
    return out


def _sampler_vjp(node, grad):
    """By way of `_seen` where the gradient will be differentiated again, of all pictures at once."""
    given, how = node.unpack(), node.params
    found: Sequence[Tensor]
    wanted = [k for k in range(2) if node.needs[k]]
    if state.enabled:
        found = autograd.grad(_seen(*given, *how), [given[k] for k in wanted], grad, create_graph=True)
    else:
        x, grid, grad = (contiguous(t) for t in (*given, grad))
        found = [_GRADIENTS[k](grad, x, grid, how) for k in wanted]
    made = dict(zip(wanted, found, strict=True))
    return made.get(0), made.get(1)


_How = tuple[int, int, bool]  # mode, padding, align


def _for_pictures(grad: Tensor, x: Tensor, grid: Tensor, how: _How) -> Tensor:
    dx = empty(x.array.shape, x.kind)
    if dx.array.size:
        whole.backward_for_pictures(dx.kind.device.type, dx.array, grad.array, grid.array, *how)
    return dx


def _for_grid(grad: Tensor, x: Tensor, grid: Tensor, how: _How) -> Tensor:
    if how[0] == NEAREST or not grid.array.size:
        return zeros(grid.array.shape, grid.kind)
    dgrid = empty(grid.array.shape, grid.kind)
    whole.backward_for_grid(dgrid.kind.device.type, dgrid.array, grad.array, x.array, grid.array, *how)
    return dgrid


_GRADIENTS = _for_pictures, _for_grid


_sampler: Op = Op("GridSampler", _sampler_forward, _sampler_vjp, saves=(0, 1), tensors=2)


# --- affine maps


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """The grid, for `grid_sampler`, of the affine maps `theta` (batch, 2, 3) or (batch, 3, 4) and pictures of `size`
    (batch, channels, height, width) or volumes: see `F.affine_grid`."""
    batch, _, *sizes = size
    n = len(sizes)
    if theta.array.shape[0] != batch:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{batch}, {n + 1}] but got: "
            f"[{theta.array.shape[0]}, {n + 1}]."
        )
    dtype, device = theta.kind.dtype, theta.kind.device
    columns = []
    for d in range(n - 1, -1, -1):
        count = sizes[d]
        line = linspace(-1, 1, count, dtype=dtype, device=device) if count > 1 else zeros((1,), theta.kind)
        if not align_corners:
            line = mul(line, (count - 1) / count)
        columns.append(expand(reshape(line, *[-1 if k == d else 1 for k in range(n)]), tuple(sizes)))
    columns.append(expand(add(zeros((1,), theta.kind), 1), tuple(sizes)))
    base = reshape(stack(columns, -1), 1, prod(sizes), n + 1)
    grid = matmul(expand(base, (batch, prod(sizes), n + 1)), transpose(theta, 1, 2))
    return reshape(grid, batch, *sizes, n)
