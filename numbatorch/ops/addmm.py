"""A product and a sum: beta * input + alpha * (a @ b), added up while the product is still in registers.

Where beta is 0, `input` counts for nothing: not even its NaNs do. Of integers, beta and alpha lose what they have
behind the point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numbatorch.dtype as dt
from numbatorch.apply import InPlaceOp, Op
from numbatorch.arguments import flags, tensor_array
from numbatorch.autograd.mode import no_grad
from numbatorch.base import Kind, empty
from numbatorch.dtype import c_name, type_word
from numbatorch.elementwise import Pointwise, fit
from numbatorch.ops.activation import gelu, relu
from numbatorch.ops.arithmetic import fitting_factor, mul
from numbatorch.ops.comparison import logical_or
from numbatorch.ops.complexes import conj
from numbatorch.ops.copy import cast, contiguous, copy_, into
from numbatorch.ops.creation import zeros_like
from numbatorch.ops.matmul import adjoint, check, check_stacks, matmul, mv, outer, unlike
from numbatorch.ops.reduce import sum_to_size
from numbatorch.ops.reduction import into as into_wider
from numbatorch.ops.view import expand, reshape, squeeze, transpose, unsqueeze
from numbatorch.shape import PORTION, portions, sized_dim
from numbatorch_kernels import gemm, scalar

if TYPE_CHECKING:
    from numbatorch.base import Number
    from numbatorch.tensor import Tensor


# --- the op: of matrices, and of stacks of them, whose shapes have been checked


def _forward(bias, a, b, beta, alpha, shape):
    """`bias` can be expanded to the shape of the product; its own is `shape`."""
    out = empty((*a.array.shape[:-1], b.array.shape[-1]), a.kind)
    return _computed(out, bias, a, b, beta, alpha)


def _computed(out, bias, a, b, beta, alpha, *floor):
    """`out` with the product and the sum in it, nowhere below `floor`. Where the columns of `bias` are no neighbours it is copied."""
    array, shape = bias.array, out.array.shape
    if array.shape != shape and not (array.shape == shape[-1:] and bias.kind.contiguous):
        bias = expand(bias.detach(), shape)
        array = bias.array
    if array.strides[-1] != array.itemsize and array.shape[-1] > 1:
        array = contiguous(bias.detach()).array
    numbers = _factor(alpha, a.kind), _factor(beta, a.kind)
    gemm.matmul(a.kind.device.type, out.array, a.array, b.array, array, *numbers, *floor)
    return out


def _over(self, a, b, beta, alpha, shape):
    """The same in place: `self` is `bias` and result."""
    _computed(self, self, a, b, beta, alpha)


def _factor(number: Number, kind: Kind) -> Number:
    """A number as the kernel takes it. Raises RuntimeError where it is out of range."""
    fitting = dt.fitting(number, kind.dtype.opmath)
    if kind.dtype.is_complex:
        return complex(fitting)
    return float(fitting) if kind.dtype.is_floating_point else int(fitting)


def _direct(self: Tensor, a: Tensor, b: Tensor) -> bool:
    """Whether the kernel can write into `self`: nothing else is read there, and columns are neighbours."""
    apart = all([t is not self and (t._storage is None or t._storage is not self._storage) for t in (a, b)])
    array = self.array
    return apart and (array.strides[-1] == array.itemsize or array.shape[-1] == 1)


def _vjp(node, grad):
    a, b = node.unpack()
    beta, alpha, shape = node.params
    scaled = grad if alpha == 1 else mul(grad, alpha.conjugate())
    for x in (a, b):
        # Of addbmm, which adds up the products of all matrices of a stack.
        if x is not None and x.array.ndim > scaled.array.ndim:
            scaled = expand(scaled, (x.array.shape[0], *grad.array.shape))
    own = grad if beta == 1 or not node.needs[0] else mul(grad, beta.conjugate())
    return (
        sum_to_size(own, shape) if node.needs[0] else None,
        matmul(scaled, adjoint(b)) if node.needs[1] else None,
        matmul(adjoint(a), scaled) if node.needs[2] else None,
    )


# Of two factors, each serves the gradient for the other.
_EACH_OTHER = {1: (2,), 2: (1,)}
_addmm = Op("Addmm", _forward, _vjp, saves=_EACH_OTHER, tensors=3)
_baddbmm = Op("Baddbmm", _forward, _vjp, saves=_EACH_OTHER, tensors=3)
_addmm_ = InPlaceOp("Addmm", _over, _vjp, saves=_EACH_OTHER, tensors=3)
_baddbmm_ = InPlaceOp("Baddbmm", _over, _vjp, saves=_EACH_OTHER, tensors=3)


# --- matrices


def _check_addmm(bias: Tensor, a: Tensor, b: Tensor) -> None:
    x, y = tensor_array(a).shape, tensor_array(b).shape
    for name, operand in (("mat1", x), ("mat2", y)):
        if len(operand) != 2:
            raise RuntimeError(f"{name} must be a matrix, got {len(operand)}-D tensor")
    if x[1] != y[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({x[0]}x{x[1]} and {y[0]}x{y[1]})")
    if unlike(bias, b):
        _check("addmm", bias, b, "self and mat2 must have the same dtype, but got", "addmm_impl_cpu_")
    if unlike(a, b):
        _check("addmm", a, b, "mat1 and mat2 must have the same dtype, but got", "addmm_impl_cpu_")


def _check(name: str, a: Tensor, b: Tensor, message: str, kernel: str) -> None:
    words = type_word(a.kind.dtype), type_word(b.kind.dtype)
    check(name, a, b, f"{message} {words[0]} and {words[1]}", kernel)


def _check_in_place(self: Tensor, shape: tuple[int, ...]) -> None:
    if self.array.shape != shape:
        raise RuntimeError(
            f"Bad in-place call: input tensor size {list(self.array.shape)} and output tensor size {list(shape)} "
            "should match"
        )


def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2): (n, k) by (k, m), and an input that broadcasts to (n, m). Raises
    RuntimeError for other shapes, and where dtypes differ.

    >>> torch.addmm(torch.ones(2), torch.ones(1, 3), torch.ones(3, 2), beta=10)
    tensor([[13., 13.]])
    """
    _check_addmm(input, mat1, mat2)
    _check_broadcast(input, (mat1.array.shape[0], mat2.array.shape[1]))
    result = _addmm(input, mat1, mat2, beta, alpha, input.array.shape)
    return result if out is None else into(out, result, "addmm")


def _check_broadcast(input: Tensor, shape: tuple[int, ...]) -> None:
    """Raise the error of `expand` where `input` does not broadcast to a shape."""
    if tensor_array(input).shape not in (shape, shape[-1:]):
        expand(input.detach(), shape)


def addmm_(self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`addmm` in place."""
    _check_addmm(self, mat1, mat2)
    _check_in_place(self, (mat1.array.shape[0], mat2.array.shape[1]))
    if not _direct(self, mat1, mat2):
        return copy_(self, addmm(self, mat1, mat2, beta=beta, alpha=alpha))
    return _addmm_(self, mat1, mat2, beta, alpha, self.array.shape)


def _activated(bias, a, b, beta, alpha, use_gelu):
    """ReLU of floats happens in the registers on a CPU, the others where the result lies."""
    out = empty((a.array.shape[0], b.array.shape[1]), a.kind)
    if a.kind.cpu and a.kind.dtype.is_floating_point and not use_gelu:
        return _computed(out, bias, a, b, beta, alpha, 0.0)
    return (gelu if use_gelu else relu)(_computed(out, bias, a, b, beta, alpha), out=out)


def _activated_vjp(node, grad):
    raise RuntimeError("derivative for aten::_addmm_activation is not implemented")


_addmm_activated = Op("Addmm", _activated, _activated_vjp, tensors=3)


def _addmm_activation(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    use_gelu: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """ReLU, or GELU, of `addmm`, which `nn.Sequential` uses where no gradient is recorded. As PyTorch's it has no
    derivative.

    >>> torch._addmm_activation(torch.zeros(2), torch.ones(1, 3), torch.tensor([[1.0, -1.0]] * 3))
    tensor([[3., 0.]])
    """
    flags(use_gelu)
    _check_addmm(input, mat1, mat2)
    _check_broadcast(input, (mat1.array.shape[0], mat2.array.shape[1]))
    result = _addmm_activated(input, mat1, mat2, beta, alpha, use_gelu)
    return result if out is None else into(out, result, "_addmm_activation")


# --- stacks of matrices


def _check_baddbmm(bias: Tensor, a: Tensor, b: Tensor) -> tuple[int, ...]:
    """The shape of the product."""
    x, y = tensor_array(a).shape, tensor_array(b).shape
    shape = (x[sized_dim(0, len(x))], x[sized_dim(1, len(x))], y[sized_dim(2, len(y))])
    _check_broadcast(bias, shape)
    check_stacks(a, b)
    if unlike(a, b) or unlike(bias, a):
        if bias.kind.dtype is a.kind.dtype:
            message = f"expected scalar type {type_word(a.kind.dtype)} but found {type_word(b.kind.dtype)}"
        else:
            types = f"input {c_name(bias.kind.dtype)}, batch1: {c_name(a.kind.dtype)}, batch2: {c_name(b.kind.dtype)}"
            message = f"Input dtypes must be the same, got: {types}"
        check("baddbmm", a, b, message, "baddbmm")
        check("baddbmm", bias, b, message, "baddbmm")
    return shape


def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2): (b, n, k) by (b, k, m), and an input that broadcasts to
    (b, n, m). Raises RuntimeError for other shapes, and where dtypes differ.

    >>> torch.baddbmm(torch.ones(1), torch.ones(1, 1, 3), torch.ones(1, 3, 2), alpha=2)
    tensor([[[7., 7.]]])
    """
    _check_baddbmm(input, batch1, batch2)
    result = _baddbmm(input, batch1, batch2, beta, alpha, input.array.shape)
    return result if out is None else into(out, result, "baddbmm")


def baddbmm_(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`baddbmm` in place."""
    _check_in_place(self, _check_baddbmm(self, batch1, batch2))
    if not _direct(self, batch1, batch2):
        return copy_(self, baddbmm(self, batch1, batch2, beta=beta, alpha=alpha))
    return _baddbmm_(self, batch1, batch2, beta, alpha, self.array.shape)


def _side_by_side(batch1: Tensor, batch2: Tensor) -> tuple[Tensor, Tensor]:
    """Two matrices whose product is the sum of the products of a stack."""
    (b, n, k), (_, _, m) = batch1.array.shape, batch2.array.shape
    return reshape(transpose(batch1, 0, 1), n, b * k), reshape(batch2, b * k, m)


def _add_products(out, bias, a, b, beta, alpha):
    """`out` with the sum in it, of a few matrices at a time: a copy has them side by side. The sums of halves are
    rounded once, so they are made of all."""
    count, n, k = a.array.shape
    # Of one matrix of a size that is worth it there need be no copy.
    most = PORTION // 4 if a.kind.cpu else PORTION
    for some in portions(count, 2 * n * k, a.kind.dtype.is_half, most):
        _computed(out, bias, *_side_by_side(a.detach()[some], b.detach()[some]), beta, alpha)
        bias, beta = out, 1
    return out


def _addbmm_forward(bias, a, b, beta, alpha, shape):
    return _add_products(empty((a.array.shape[1], b.array.shape[2]), a.kind), bias, a, b, beta, alpha)


def _addbmm_over(self, a, b, beta, alpha, shape):
    _add_products(self, self, a, b, beta, alpha)


_addbmm = Op("Addbmm", _addbmm_forward, _vjp, saves=_EACH_OTHER, tensors=3)
_addbmm_ = InPlaceOp("Addbmm", _addbmm_over, _vjp, saves=_EACH_OTHER, tensors=3)


def _check_addbmm(bias: Tensor, a: Tensor, b: Tensor) -> None:
    x, y = tensor_array(a).shape, tensor_array(b).shape
    _check_broadcast(bias, (x[sized_dim(1, len(x))], y[sized_dim(2, len(y))]))
    if x[0] != y[0]:
        raise RuntimeError(f"batch1 and batch2 must have same number of batches, got {x[0]} and {y[0]}")
    if x[2] != y[1]:
        raise RuntimeError(f"Incompatible matrix sizes for bmm ({x[1]}x{x[2]} and {y[1]}x{y[2]})")
    if unlike(bias, b):
        _check("addmm", bias, b, "self and mat2 must have the same dtype, but got", "addmm_impl_cpu_")
    if unlike(a, b):
        _check("addmm", a, b, "mat1 and mat2 must have the same dtype, but got", "addmm_impl_cpu_")


def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * Σ_i (batch1[i] @ batch2[i]): the sum of the products of (b, n, k) by (b, k, m), and an
    input that broadcasts to (n, m). Raises RuntimeError for other shapes, and where dtypes differ.

    >>> torch.addbmm(torch.zeros(1, 1), torch.ones(4, 1, 3), torch.ones(4, 3, 1))
    tensor([[12.]])
    """
    _check_addbmm(input, batch1, batch2)
    result = _addbmm(input, batch1, batch2, beta, alpha, input.array.shape)
    return result if out is None else into(out, result, "addmm")


def addbmm_(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`addbmm` in place."""
    _check_addbmm(self, batch1, batch2)
    _check_in_place(self, (batch1.array.shape[1], batch2.array.shape[2]))
    if not _direct(self, batch1, batch2):
        return copy_(self, addbmm(self, batch1, batch2, beta=beta, alpha=alpha))
    return _addbmm_(self, batch1, batch2, beta, alpha, self.array.shape)


# --- vectors


def _check_addmv(input: Tensor, mat: Tensor, vec: Tensor) -> None:
    own, x, y = tensor_array(input).shape, tensor_array(mat).shape, tensor_array(vec).shape
    if len(x) != 2 or len(y) != 1 or len(own) > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {len(own)}, {len(x)}, {len(y)}")
    if x[1] != y[0] or own not in ((), (1,), (x[0],)):
        size = own[0] if own else 1
        raise RuntimeError(f"size mismatch, got input ({size}), mat ({x[0]}x{x[1]}), vec ({y[0]})")
    if unlike(mat, vec) or unlike(input, vec):
        words = [type_word(t.kind.dtype) for t in (input, mat, vec)]
        message = (
            f"addmv input tensors must have the same dtype, but got {words[0]}, {words[1]}, and {words[2]}"
        )
        check("addmv", mat, vec, message, "addmv_impl_cpu")
        check("addmv", input, vec, message, "addmv_impl_cpu")


def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat @ vec): (n, m) by (m), and an input that broadcasts to (n). Raises RuntimeError
    for other shapes, and where dtypes differ.

    >>> torch.addmv(torch.zeros(2), torch.ones(2, 3), torch.ones(3), alpha=2)
    tensor([6., 6.])
    """
    _check_addmv(input, mat, vec)
    column = unsqueeze(input, 1) if input.array.ndim else input
    result = squeeze(addmm(column, mat, unsqueeze(vec, 1), beta=beta, alpha=alpha), 1)
    return result if out is None else into(out, result, "addmv")


def addmv_(self: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`addmv` in place."""
    _check_addmv(self, mat, vec)
    _check_in_place(self, mat.array.shape[:1])
    addmm_(unsqueeze(self, 1), mat, unsqueeze(vec, 1), beta=beta, alpha=alpha)
    return self


_add_outer = Pointwise("Addr", scalar.addr, weightless=(3, 4))


def _addr_forward(input, vec1, vec2, beta, alpha, kinds):
    with no_grad():
        return _add_outer.general((input, unsqueeze(vec1, 1), vec2, beta, alpha))


def _addr_vjp(node, grad):
    vec1, vec2 = node.unpack()
    beta, alpha, kinds = node.params
    scaled = grad if alpha == 1 else mul(grad, alpha.conjugate())

    def by(matrix, vector, kind):
        return cast(mv(matrix, cast(conj(vector), grad.kind.dtype)), kind.dtype)

    return (
        fit(grad if beta == 1 else mul(grad, beta.conjugate()), grad.array.shape, kinds[0])
        if node.needs[0]
        else None,
        by(scaled, vec2, kinds[1]) if node.needs[1] else None,
        by(transpose(scaled, 0, 1), vec1, kinds[2]) if node.needs[2] else None,
    )


_addr = Op("Addr", _addr_forward, _addr_vjp, saves=_EACH_OTHER, tensors=3)


def _check_addr(vec1: Tensor, vec2: Tensor) -> None:
    for name, vector in (("vec1", vec1), ("vec2", vec2)):
        if tensor_array(vector).ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {vector.array.ndim}-D")


def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2): (n) by (m), and an input that broadcasts to (n, m); dtypes mix.
    Of truth values it is "or" and "and". Raises RuntimeError for other shapes.

    >>> torch.addr(torch.zeros(1), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    _check_addr(vec1, vec2)
    input = expand(input, vec1.array.shape + vec2.array.shape)
    common = dt.promote_types(dt.promote_types(input.dtype, vec1.dtype), vec2.dtype)
    beta, alpha = fitting_factor("beta", beta, common), fitting_factor("alpha", alpha, common)
    if common is dt.bool:
        product = outer(vec1, vec2) if alpha else zeros_like(input)
        return into_wider(out, logical_or(input, product) if beta else product, "addr")
    if beta == 0:
        return into_wider(out, mul(outer(vec1, vec2), alpha), "addr")
    if out is not None:
        return _add_outer.general((input, unsqueeze(vec1, 1), vec2, beta, alpha), out)
    return _addr(input, vec1, vec2, beta, alpha, (input.kind, vec1.kind, vec2.kind))


def addr_(self: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """`addr` in place."""
    _check_addr(vec1, vec2)
    if self.array.shape != vec1.array.shape + vec2.array.shape:
        sizes = [list(t.array.shape) for t in (self, vec1, vec2)]
        raise RuntimeError(f"size mismatch, input: {sizes[0]}, v1: {sizes[1]}, v2: {sizes[2]}")
    if beta == 0 or self.kind.dtype is dt.bool:
        return copy_(self, addr(self, vec1, vec2, beta=beta, alpha=alpha))
    return _add_outer.general((self, unsqueeze(vec1, 1), vec2, beta, alpha), self)
