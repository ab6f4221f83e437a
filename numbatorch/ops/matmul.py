"""Matrix products. Everything ends in the one kernel `matmul`, which reads transposed and strided operands
without a copy."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from numbatorch.apply import Op
from numbatorch.base import empty
from numbatorch.dtype import type_word
from numbatorch.ops.arithmetic import add, mul
from numbatorch.ops.complexes import conj
from numbatorch.ops.copy import copy_
from numbatorch.ops.reduce import sum_to_size
from numbatorch.ops.view import expand, reshape, transpose
from numbatorch.shape import broadcast_shapes
from numbatorch_kernels.gemm import matmul as kernel

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


def _adjoint(x: Tensor) -> Tensor:
    """The last two dimensions swapped, complex numbers conjugated."""
    return conj(transpose(x, -2, -1))


def _product(a: Tensor, b: Tensor, shape: tuple[int, ...], *epilogue) -> Tensor:
    """A new tensor of `shape` with the product of two matrices or of two stacks of matrices."""
    out = empty(shape, a.kind)
    kernel(a.kind.device.type, out.array, a.array, b.array, *epilogue)
    return out


def _check(name: str, a: Tensor, b: Tensor, first: str = "self", second: str = "mat2") -> None:
    """Raise RuntimeError where dtypes or devices differ."""
    if a.kind.flat is b.kind.flat:
        return
    if a.kind.device is not b.kind.device:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but got "
            f"{second} is on {b.device}, different from other tensors on {a.device} (when checking argument "
            f"in method wrapper_{a.device.type}_{name})"
        )
    raise RuntimeError(
        f"expected m1 and m2 to have the same dtype, but got: {_C_NAMES[a.dtype.name]} != "
        f"{_C_NAMES[b.dtype.name]}"
    )


_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short", "int32": "int",
    "int64": "long long", "float16": "c10::Half",
    "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double", "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}  # fmt: skip


# --- two matrices


def _mm_forward(a, b):
    x, y = a.array.shape, b.array.shape
    if len(x) != 2:
        raise RuntimeError("self must be a matrix")
    if len(y) != 2:
        raise RuntimeError("mat2 must be a matrix")
    if x[1] != y[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({x[0]}x{x[1]} and {y[0]}x{y[1]})")
    if a.kind.flat is not b.kind.flat:
        _check("mm", a, b)
    return _product(a, b, (x[0], y[1]))


def _mm_vjp(node, grad):
    a, b = node.unpack()
    return _mm(grad, _adjoint(b)) if node.needs[0] else None, _mm(_adjoint(a), grad) if node.needs[
        1
    ] else None


_mm = Op("Mm", _mm_forward, _mm_vjp, saves=(0, 1), tensors=2)


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices, (n, k) by (k, m)."""
    result = _mm(input, mat2)
    return result if out is None else copy_(out, result)


# --- two stacks of matrices


def _bmm_forward(a, b):
    x, y = a.array.shape, b.array.shape
    if len(x) != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if len(y) != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    if x[0] != y[0] or x[2] != y[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{x[0]}, {x[2]}] but got: "
            f"[{y[0]}, {y[1]}]."
        )
    if a.kind.flat is not b.kind.flat:
        _check("bmm", a, b)
    return _product(a, b, (x[0], x[1], y[2]))


def _bmm_vjp(node, grad):
    a, b = node.unpack()
    return _bmm(grad, _adjoint(b)) if node.needs[0] else None, _bmm(_adjoint(a), grad) if node.needs[
        1
    ] else None


_bmm = Op("Bmm", _bmm_forward, _bmm_vjp, saves=(0, 1), tensors=2)


def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of two stacks of matrices, (b, n, k) by (b, k, m)."""
    result = _bmm(input, mat2)
    return result if out is None else copy_(out, result)


# --- vectors


def _mv_forward(a, v):
    x, y = a.array.shape, v.array.shape
    if len(x) != 2 or len(y) != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {len(x)}, {len(y)}")
    if x[1] != y[0]:
        raise RuntimeError(f"size mismatch, got input ({x[0]}), mat ({x[0]}x{x[1]}), vec ({y[0]})")
    if a.kind.flat is not v.kind.flat:
        _check("mv", a, v)
    out = empty((x[0],), a.kind)
    kernel(a.kind.device.type, out.array.reshape((x[0], 1)), a.array, v.array.reshape((y[0], 1)))
    return out


def _mv_vjp(node, grad):
    a, v = node.unpack()
    return outer(grad, conj(v)) if node.needs[0] else None, _mv(_adjoint(a), grad) if node.needs[1] else None


_mv = Op("Mv", _mv_forward, _mv_vjp, saves=(0, 1), tensors=2)


def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a matrix and a vector."""
    result = _mv(input, vec)
    return result if out is None else copy_(out, result)


def _dot_forward(a, b):
    x, y = a.array.shape, b.array.shape
    if len(x) != 1 or len(y) != 1:
        raise RuntimeError(f"1D tensors expected, but got {len(x)}D and {len(y)}D tensors")
    if a.kind.dtype is not b.kind.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {type_word(a.kind.dtype)} and "
            f"{type_word(b.kind.dtype)}"
        )
    if x != y:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{x[0]}] and src [{y[0]}] to have the same number of "
            f"elements, but got {x[0]} and "
            f"{y[0]} elements respectively"
        )
    if a.kind.flat is not b.kind.flat:
        _check("dot", a, b)
    out = empty((), a.kind)
    kernel(
        a.kind.device.type, out.array.reshape((1, 1)), a.array.reshape((1, x[0])), b.array.reshape((x[0], 1))
    )
    return out


def _dot_vjp(node, grad):
    a, b = node.unpack()
    return mul(grad, conj(b)) if node.needs[0] else None, mul(grad, conj(a)) if node.needs[1] else None


_dot = Op("Dot", _dot_forward, _dot_vjp, saves=(0, 1), tensors=2)


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of the elements of two vectors.

    >>> torch.dot(torch.tensor([2, 3]), torch.tensor([2, 1]))
    tensor(7)
    """
    result = _dot(input, tensor)
    return result if out is None else copy_(out, result)


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix of all products of the elements of two vectors."""
    if input.array.ndim != 1 or vec2.array.ndim != 1:
        which = ("self", input) if input.array.ndim != 1 else ("vec2", vec2)
        raise RuntimeError(f"outer: Expected 1-D argument {which[0]}, but got {which[1].array.ndim}-D")
    return mul(reshape(input, -1, 1), vec2, out=out)


# --- any number of dimensions


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product of the last two dimensions; the others are a stack that broadcasts. A vector is a
    row on the left, a column on the right, and that dimension is left out of the result.

    >>> torch.matmul(torch.ones(2, 3), torch.ones(3))
    tensor([3., 3.])
    """
    a, b = input.array.ndim, other.array.ndim
    if a == 2 and b == 2:
        result = _mm(input, other)
    else:
        result = _matmul(input, other, a, b)
    return result if out is None else copy_(out, result)


def _matmul(input: Tensor, other: Tensor, a: int, b: int) -> Tensor:
    if a == 0 or b == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    if a == 1 and b == 1:
        return _dot(input, other)
    if a == 2 and b == 1:
        return _mv(input, other)
    if a == 1:
        return matmul(reshape(input, 1, -1), other).squeeze(-2)
    if b == 1:
        return matmul(input, reshape(other, -1, 1)).squeeze(-1)
    x, y = input.array.shape, other.array.shape
    if b == 2:  # a stack of matrices by one matrix is one tall matrix by it
        return reshape(_mm(reshape(input, -1, x[-1]), other), *x[:-1], y[-1])
    stack = tuple(broadcast_shapes(x[:-2], y[:-2]))
    if x[-1] != y[-2]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{prod(stack)}, {x[-1]}] but "
            f"got: [{prod(stack)}, {y[-2]}]."
        )
    left = reshape(expand(input, *stack, *x[-2:]), prod(stack), *x[-2:])
    right = reshape(expand(other, *stack, *y[-2:]), prod(stack), *y[-2:])
    return reshape(_bmm(left, right), *stack, x[-2], y[-1])


def rmatmul(input: Tensor, other: Tensor) -> Tensor:
    """other @ input"""
    return matmul(other, input)


# --- a product and a sum


def _addmm_forward(bias, a, b, beta, alpha):
    x, y = a.array.shape, b.array.shape
    if len(x) != 2 or len(y) != 2 or x[1] != y[0] or a.kind.flat is not b.kind.flat:
        _mm_forward(a, b)  # says what is wrong
    shape = (x[0], y[1])
    if bias.array.shape not in (shape, (y[1],)) or not bias.kind.contiguous:
        bias = expand(bias.detach(), *shape).contiguous()
    return _product(a, b, shape, bias.array, alpha, beta)


def _addmm_vjp(node, grad):
    bias, a, b = node.unpack()
    beta, alpha = node.params
    scaled = grad if alpha == 1 else mul(grad, alpha.conjugate())
    return (
        sum_to_size(grad if beta == 1 else mul(grad, beta.conjugate()), bias.array.shape)
        if node.needs[0]
        else None,
        _mm(scaled, _adjoint(b)) if node.needs[1] else None,
        _mm(_adjoint(a), scaled) if node.needs[2] else None,
    )


_addmm = Op("Addmm", _addmm_forward, _addmm_vjp, saves=(0, 1, 2), tensors=3)


def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2)"""
    result = _addmm(input, mat1, mat2, beta, alpha)
    return result if out is None else copy_(out, result)


def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2), of stacks of matrices"""
    product = _bmm(batch1, batch2)
    product = product if alpha == 1 else mul(product, alpha)
    if beta != 0:
        return add(product, input, alpha=beta, out=out)
    return product if out is None else copy_(out, product)


def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat @ vec)"""
    return add(mul(_mv(mat, vec), alpha), input, alpha=beta, out=out)


# --- the layer


def _linear_forward(x, weight, bias):
    rows, features = x.array.shape
    outputs, expected = weight.array.shape
    if features != expected:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{features} and {expected}x{outputs})"
        )
    if x.kind.dtype is not weight.kind.dtype:
        words = type_word(x.kind.dtype), type_word(weight.kind.dtype)
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {words[0]} and {words[1]}")
    if x.kind.flat is not weight.kind.flat:
        _check("addmm", x, weight)
    return _product(x, transpose(weight, 0, 1), (rows, outputs), bias.array)


def _linear_vjp(node, grad):
    x, weight = node.unpack()
    needs = node.needs
    return (
        _mm(grad, conj(weight)) if needs[0] else None,
        _mm(transpose(grad, 0, 1), conj(x)) if needs[1] else None,
        grad.sum(0) if needs[2] else None,
    )


_linear = Op("Addmm", _linear_forward, _linear_vjp, saves=(0, 1), tensors=3)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: input (..., in), weight (out, in), bias (out). The bias is added while the
    product is still in registers."""
    if bias is None:
        return matmul(input, transpose(weight, 0, 1) if weight.array.ndim == 2 else weight)
    if input.array.ndim == 2 and bias.kind.flat is input.kind.flat and bias.kind.contiguous:
        return _linear(input, weight, bias)
    shape = input.array.shape
    flat = _linear(reshape(input, -1, shape[-1]), weight, bias.contiguous())
    return reshape(flat, *shape[:-1], weight.array.shape[0])


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of several matrices, from left to right."""
    result = matrices[0]
    for matrix in matrices[1:]:
        result = _mm(result, matrix)
    return result
