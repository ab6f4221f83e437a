"""Products of matrices, vectors and stacks of matrices. Everything ends in the one kernel `matmul`, which reads
transposed, strided and broadcast operands without a copy."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch import casting
from numbatorch.apply import Op
from numbatorch.arguments import mistaken, tensor_array, tensor_kind
from numbatorch.autograd.mode import state
from numbatorch.base import Kind, empty, wrap
from numbatorch.dtype import c_name, type_word
from numbatorch.ops.arithmetic import add, mul
from numbatorch.ops.complexes import conj
from numbatorch.ops.copy import into, receives
from numbatorch.ops.view import expand, reshape, squeeze, transpose
from numbatorch.rules import not_implemented
from numbatorch.shape import PORTION, broadcast_pair, portions, sized_dim
from numbatorch_kernels import gemm

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def adjoint(x: Tensor) -> Tensor:
    """The last two dimensions swapped, complex numbers conjugated."""
    return transpose(conj(x), -2, -1)


def unlike(a: Tensor, b: Tensor) -> bool:
    """Whether two operands do not go into one product: `check` has the message. A product of truth values is
    none either."""
    return tensor_kind(a).flat is not b.kind.flat or a.kind.dtype is dt.bool


def check(name: str, a: Tensor, b: Tensor, message: str, kernel: str) -> None:
    """Raise the error for operands that are `unlike`, if they are: RuntimeError with `message` where dtypes
    differ."""
    if a.kind.device is not b.kind.device:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but got mat2 is on {b.device}, different from other "
            f"tensors on {a.device} (when checking argument in method wrapper_{a.device.type}_{name})"
        )
    of_truth = a.kind.dtype is dt.bool
    if a.kind.dtype is not b.kind.dtype and not (of_truth and name == "bmm"):
        if casting.tolerates(a, b):
            return
        raise RuntimeError(message)
    if of_truth:
        raise not_implemented(kernel, dt.bool)


# --- matrices, and stacks of them


def _product(a: Tensor, b: Tensor, shape: tuple[int, ...], out: Tensor | None) -> Tensor:
    """The products of two operands, each a matrix or a stack, in a new tensor of `shape`, or in `out` if that can be."""
    if out is None or not receives(out, shape, a.kind, a, b):
        out = empty(shape, a.kind)
    gemm.matmul(a.kind.device.type, out.array, a.array, b.array)
    return out


_products: dict[tuple[Kind, Kind], Callable] = {}  # of small matrices of these kinds, once they have been met


def _offer(calls: dict, maker: Callable, a: Tensor, b: Tensor) -> None:
    """Remember the short way for operands of the kinds of `a` and `b`, if there is one for their dtype."""
    if a.kind.cpu and a.kind.dtype in (dt.float32, dt.float64):
        calls[a.kind, b.kind] = maker(a.kind.numpy.char)


def _mm_forward(a, b, out=None):
    small = _products.get((a.kind, b.kind))
    if small is not None and (made := small(a.array, b.array)) is not None:
        return wrap(made, a.kind.flat)
    x, y = a.array.shape, b.array.shape
    if len(x) != 2:
        raise RuntimeError("self must be a matrix")
    if len(y) != 2:
        raise RuntimeError("mat2 must be a matrix")
    if x[1] != y[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({x[0]}x{x[1]} and {y[0]}x{y[1]})")
    if unlike(a, b):
        types = f"{c_name(a.kind.dtype)} != {c_name(b.kind.dtype)}"
        check("mm", a, b, f"expected m1 and m2 to have the same dtype, but got: {types}", "addmm_impl_cpu_")
    if small is None:
        _offer(_products, gemm.small_product, a, b)
    return _product(a, b, (x[0], y[1]), out)


def _bmm_forward(a, b, out=None):
    """The stacks have up to two dimensions."""
    x, y = a.array.shape, b.array.shape
    if unlike(a, b):
        types = f"{type_word(a.kind.dtype)} but found {type_word(b.kind.dtype)}"
        check("bmm", a, b, f"expected scalar type {types}", "bmm")
    return _product(a, b, (*x[:-1], y[-1]), out)


def _vjp(node, grad):
    a, b = node.unpack()
    return (
        _by_adjoint(b, grad, True) if node.needs[0] else None,
        _by_adjoint(a, grad, False) if node.needs[1] else None,
    )


def _by_adjoint(x: Tensor, grad: Tensor, last: bool) -> Tensor:
    """xᴴ grad, or grad xᴴ if xᴴ is the `last`. Large matrices that must be conjugated are so a part at a time, unless
    the product will be differentiated again."""
    if not x.kind.dtype.is_complex or x.array.size <= PORTION or state.enabled or not x.kind.cpu:
        return matmul(grad, adjoint(x)) if last else matmul(adjoint(x), grad)
    m, n = x.array.shape[-2:]
    g = grad.array
    out = empty((*g.shape[:-1], m) if last else (*g.shape[:-2], n, g.shape[-1]), grad.kind)
    for some in portions(m if last else n, x.array.size // (m if last else n)):
        if last:
            gemm.matmul("cpu", out.array[..., some], g, adjoint(x[..., some, :]).array)
        else:
            gemm.matmul("cpu", out.array[..., some, :], adjoint(x[..., some]).array, g)
    return out


# Of two factors, each serves the gradient for the other.
EACH_OTHER = {0: (1,), 1: (0,)}
_mm = Op("Mm", _mm_forward, _vjp, saves=EACH_OTHER, tensors=2)
_bmm = Op("Bmm", _bmm_forward, _vjp, saves=EACH_OTHER, tensors=2)


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices, (n, k) by (k, m). Integers wrap round; float16 and bfloat16 are added up in
    float32 and rounded once. Raises RuntimeError for other shapes, and where dtypes differ.

    >>> torch.mm(torch.tensor([[1, 2], [3, 4]]), torch.tensor([[1], [1]]))
    tensor([[3],
            [7]])
    """
    return _mm(input, mat2) if out is None else into(out, _mm(input, mat2, out), "mm")


def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of two stacks of matrices, (b, n, k) by (b, k, m). Raises RuntimeError for other shapes, and
    where dtypes differ.

    >>> torch.bmm(torch.ones(2, 1, 3), torch.ones(2, 3, 1))
    tensor([[[3.]],
    <BLANKLINE>
            [[3.]]])
    """
    check_stacks(input, mat2)
    return _bmm(input, mat2) if out is None else into(out, _bmm(input, mat2, out), "bmm")


def check_stacks(a: Tensor, b: Tensor) -> None:
    """Raise RuntimeError where two operands are not stacks of matrices with a product."""
    x, y = tensor_array(a).shape, tensor_array(b).shape
    if len(x) != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if len(y) != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    if x[0] != y[0] or x[2] != y[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{x[0]}, {x[2]}] but got: "
            f"[{y[0]}, {y[1]}]."
        )


# --- vectors


def _mv_forward(a, v):
    x, y = a.array.shape, v.array.shape
    sized_dim(0, len(x))
    if len(x) != 2 or len(y) != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {len(x)}, {len(y)}")
    if x[1] != y[0]:
        raise RuntimeError(f"size mismatch, got input ({x[0]}), mat ({x[0]}x{x[1]}), vec ({y[0]})")
    if unlike(a, v):
        own, other = type_word(a.kind.dtype), type_word(v.kind.dtype)
        message = f"addmv input tensors must have the same dtype, but got {other}, {own}, and {other}"
        check("mv", a, v, message, "addmv_impl_cpu")
    out = empty((x[0],), a.kind)
    gemm.matmul(a.kind.device.type, out.array.reshape((x[0], 1)), a.array, v.array.reshape((y[0], 1)))
    return out


def _mv_vjp(node, grad):
    a, v = node.unpack()
    return (
        outer(grad, conj(v)) if node.needs[0] else None,
        _mv(adjoint(a), grad) if node.needs[1] else None,
    )


_mv = Op("Mv", _mv_forward, _mv_vjp, saves=EACH_OTHER, tensors=2)


def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a matrix and a vector, (n, m) by (m). Raises RuntimeError for other shapes.

    >>> torch.mv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    return _mv(input, vec) if out is None else into(out, _mv(input, vec), "mv")


_inner_products: dict[tuple[Kind, Kind], Callable] = {}  # of vectors


def _dot_forward(a, b):
    x, y = a.array.shape, b.array.shape
    inner = _inner_products.get((a.kind, b.kind))
    if inner is not None and x == y and len(x) == 1:
        return wrap(inner(a.array, b.array), a.kind.flat)
    if len(x) != 1 or len(y) != 1:
        raise RuntimeError(f"1D tensors expected, but got {len(x)}D and {len(y)}D tensors")
    if a.kind.dtype is not b.kind.dtype:
        types = f"{type_word(a.kind.dtype)} and {type_word(b.kind.dtype)}"
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {types}")
    if x != y:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{x[0]}] and src [{y[0]}] to have the same number of "
            f"elements, but got {x[0]} and {y[0]} elements respectively"
        )
    if unlike(a, b):
        check("dot", a, b, "", "dot")
    _offer(_inner_products, gemm.inner_product_of, a, b)
    out = empty((), a.kind)
    gemm.matmul(
        a.kind.device.type, out.array.reshape((1, 1)), a.array.reshape((1, x[0])), b.array.reshape((x[0], 1))
    )
    return out


def _dot_vjp(node, grad):
    a, b = node.unpack()
    return (
        mul(grad, conj(b)) if node.needs[0] else None,
        mul(grad, conj(a)) if node.needs[1] else None,
    )


_dot = Op("Dot", _dot_forward, _dot_vjp, saves=EACH_OTHER, tensors=2)


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of the elements of two vectors. Raises RuntimeError where sizes or dtypes differ.

    >>> torch.dot(torch.tensor([2, 3]), torch.tensor([2, 1]))
    tensor(7)
    """
    result = _dot(input, tensor)
    return result if out is None else into(out, result, "dot")


def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`dot` of the first vector's conjugate and the second.

    >>> torch.vdot(torch.tensor([1 + 1j]), torch.tensor([2j]))
    tensor(2.+2.j)
    """
    result = _dot(conj(input), other)
    return result if out is None else into(out, result, "vdot")


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix of all products of the elements of two vectors.

    >>> torch.outer(torch.tensor([1, 2]), torch.tensor([1, 10]))
    tensor([[ 1, 10],
            [ 2, 20]])
    """
    if tensor_array(input).ndim != 1 or tensor_array(vec2).ndim != 1:
        which = ("self", input) if input.array.ndim != 1 else ("vec2", vec2)
        raise RuntimeError(f"outer: Expected 1-D argument {which[0]}, but got {which[1].array.ndim}-D")
    return mul(reshape(input, -1, 1), vec2, out=out)


def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Another name of `outer`."""
    return outer(input, vec2, out=out)


# --- any number of dimensions


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product of the last two dimensions; the others are a stack that broadcasts. A vector is a
    row on the left, a column on the right, and that dimension is left out of the result.

    >>> torch.matmul(torch.ones(2, 3), torch.ones(3))
    tensor([3., 3.])
    """
    try:
        a, b = input.array.ndim, other.array.ndim
    except AttributeError as error:
        raise mistaken(error) from None
    if out is not None:
        return into(
            out, _mm(input, other, out) if a == 2 and b == 2 else _matmul(input, other, a, b), "matmul"
        )
    return _mm(input, other) if a == 2 and b == 2 else _matmul(input, other, a, b)


def _matmul(input: Tensor, other: Tensor, a: int, b: int) -> Tensor:
    if a == 0 or b == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    x, y = input.array.shape, other.array.shape
    if b == 1:
        if a == 1:
            return _dot(input, other)
        return _mv(input, other) if a == 2 else reshape(_mv(_tall(input), other), x[:-1])
    if a == 1:
        return squeeze(matmul(reshape(input, 1, -1), other), -2)
    if b == 2:  # a stack of matrices by one matrix is one tall matrix by it
        return reshape(_mm(_tall(input), other), (*x[:-1], y[-1]))
    stack = broadcast_pair(x[:-2], y[:-2])
    if x[-1] != y[-2]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{prod(stack)}, {x[-1]}] but "
            f"got: [{prod(stack)}, {y[-2]}]."
        )
    left = input if x[:-2] == stack else expand(input, (*stack, *x[-2:]))
    right = other if y[:-2] == stack else expand(other, (*stack, *y[-2:]))
    if len(stack) <= 2:
        return _bmm(left, right)
    left = reshape(left, (-1, *x[-2:]) if prod(stack) else (0, *x[-2:]))
    right = reshape(right, (-1, *y[-2:]) if prod(stack) else (0, *y[-2:]))
    return reshape(_bmm(left, right), (*stack, x[-2], y[-1]))


def _tall(input: Tensor) -> Tensor:
    """A stack of matrices one below the other."""
    *stack, k = input.array.shape
    return reshape(input, prod(stack), k)


def rmatmul(input: Tensor, other: Tensor) -> Tensor:
    """other @ input"""
    return matmul(other, input)


# --- the layer


_layers: dict[tuple[Kind, Kind], Callable] = {}  # the same of layers


def _linear_forward(x, weight, bias):
    small = _layers.get((x.kind, weight.kind))
    if small is not None and bias.kind is x.kind.flat:
        made = small(x.array, weight.array, bias.array)
        if made is not None:
            return wrap(made, bias.kind)
    rows, features = x.array.shape
    if weight.array.ndim != 2:
        raise RuntimeError(f"mat2 must be a matrix, got {weight.array.ndim}-D tensor")
    outputs, expected = weight.array.shape
    if features != expected:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{features} and {expected}x{outputs})"
        )
    for name, operand in (("self", bias), ("mat1", x)):
        if operand.kind.dtype is not weight.kind.dtype:
            words = type_word(operand.kind.dtype), type_word(weight.kind.dtype)
            raise RuntimeError(f"{name} and mat2 must have the same dtype, but got {words[0]} and {words[1]}")
    if unlike(x, weight):
        check("addmm", x, weight, "", "addmm_impl_cpu_")
    if small is None:
        _offer(_layers, gemm.small_layer, x, weight)
    out = empty((rows, outputs), x.kind)
    gemm.matmul(x.kind.device.type, out.array, x.array, weight.array.transpose(), bias.array)
    return out


def _linear_vjp(node, grad):
    x, weight = node.unpack()
    needs = node.needs
    return (
        _mm(grad, conj(weight)) if needs[0] else None,
        _mm(transpose(grad, 0, 1), conj(x)) if needs[1] else None,
        grad.sum(0) if needs[2] else None,
    )


_linear = Op("Addmm", _linear_forward, _linear_vjp, saves=EACH_OTHER, tensors=3)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: input (..., in), weight (out, in), bias (out). The bias is added while the
    product is still in registers."""
    if out is not None:
        return into(out, linear(input, weight, bias), "linear")
    try:
        usual = bias is not None and weight.array.ndim == 2 and bias.array.shape == weight.array.shape[:1]
        if usual and input.array.ndim == 2 and bias.kind is input.kind.flat:  # type: ignore[union-attr]
            return _linear(input, weight, bias)
    except AttributeError as error:
        raise mistaken(error) from None
    if tensor_array(weight).ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {weight.array.ndim}D")
    if not (tensor_array(input).ndim and weight.array.ndim):
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {input.array.ndim}D and "
            f"{weight.array.ndim}D"
        )
    if bias is None:
        return matmul(input, transpose(weight, 0, 1) if weight.array.ndim == 2 else weight)
    if input.array.ndim == 1 and not bias.array.ndim:
        return add(linear(input, weight), bias)
    if unlike(bias, weight):
        words = type_word(bias.kind.dtype), type_word(weight.kind.dtype)
        message = f"self and mat2 must have the same dtype, but got {words[0]} and {words[1]}"
        check("addmm", bias, weight, message, "addmm_impl_cpu_")
    shape = input.array.shape
    if weight.array.ndim == 2 and not usual:
        return add(linear(input, weight), expand(bias, (*shape[:-1], weight.array.shape[0])))
    flat = _linear(reshape(input, prod(shape[:-1]), shape[-1]), weight, bias.contiguous())
    return reshape(flat, *shape[:-1], weight.array.shape[0])
