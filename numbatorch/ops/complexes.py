"""What complex tensors have besides: real and imaginary parts, conjugates, angles, and views as pairs of reals.

The gradient of a complex tensor is PyTorch's: the conjugate Wirtinger derivative, which points where a real
loss grows fastest. A real operand among complex ones gets the real part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.apply import Op, ViewOp
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.dtype import type_word
from numbatorch.elementwise import Pointwise
from numbatorch.layout import steps
from numbatorch.ops.copy import cast, copy_
from numbatorch.ops.view import broadcast_to, transpose
from numbatorch.rules import not_implemented, to_complex, to_float, to_real
from numbatorch.shape import broadcast_pair
from numbatorch_kernels import expr, primitives, scalar

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def _to_angle(common: dt.DType) -> dt.DType:
    return to_float(common).to_real()


_conj = Pointwise("Conj", primitives.conj, arity=1)
_angle = Pointwise("Angle", primitives.angle, arity=1, result=_to_angle)
_sgn = Pointwise("Sgn", expr.sgn, arity=1, uncast=True)
_polar = Pointwise("Polar", scalar.polar, result=to_complex)
_imaginary = Pointwise("Imaginary", scalar.imaginary, result=to_complex)

# --- parts, as views

_real = ViewOp(
    "Real",
    lambda input: input.array.real,
    lambda node, grad: (cast(grad, to_complex(grad.kind.dtype)),),
    dtype=to_real,
)
_imag = ViewOp("Imag", lambda input: input.array.imag, lambda node, grad: (_imaginary(grad),), dtype=to_real)


def real(input: Tensor) -> Tensor:
    """The real parts: a view of a complex tensor, a real tensor itself.

    >>> x = torch.tensor([1 + 2j, 3 + 4j])
    >>> x.real.zero_()
    tensor([0., 0.])
    >>> x
    tensor([0.+2.j, 0.+4.j])
    """
    return _real(input) if tensor_kind(input).dtype.is_complex else input


def imag(input: Tensor) -> Tensor:
    """The imaginary parts: a view of a complex tensor. Raises RuntimeError for real tensors."""
    if not tensor_kind(input).dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return _imag(input)


def set_real(input: Tensor, values: Any) -> None:
    """Overwrite the real parts (of a real tensor, the elements) by `values`, which are broadcast."""
    real(input)[...] = values


def set_imag(input: Tensor, values: Any) -> None:
    """Overwrite the imaginary parts by `values`, which are broadcast."""
    imag(input)[...] = values


_view_as_real: ViewOp = ViewOp(
    "ViewAsReal",
    lambda input: input.array[..., None].view(to_real(input.kind.dtype).numpy),
    lambda node, grad: (view_as_complex(grad.contiguous()),),
    dtype=to_real,
)
_view_as_complex: ViewOp = ViewOp(
    "ViewAsComplex",
    lambda input: input.array.view(to_complex(input.kind.dtype).numpy)[..., 0],
    lambda node, grad: (_view_as_real(grad),),
    dtype=to_complex,
)


def view_as_real(input: Tensor) -> Tensor:
    """A complex tensor (...) as a real one (..., 2) on the same memory. Raises RuntimeError for real tensors.

    >>> torch.view_as_real(torch.tensor([1 + 2j, 3 + 4j]))
    tensor([[1., 2.],
            [3., 4.]])
    """
    if not tensor_kind(input).dtype.is_complex:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return _view_as_real(input)


def view_as_complex(input: Tensor) -> Tensor:
    """A float32 or float64 tensor (..., 2) as a complex one (...) on the same memory. Raises RuntimeError where
    the pairs are not neighbours in memory.

    >>> torch.view_as_complex(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1.+2.j, 3.+4.j])
    """
    if tensor_kind(input).dtype not in (dt.float32, dt.float64):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar "
            f"type: {type_word(input.kind.dtype)}"
        )
    if not input.array.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.array.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    *others, last = steps(input.array)
    if last != 1 and input.array.size:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(step % 2 for step in others):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return _view_as_complex(input)


# --- from parts


_from_parts = Pointwise("Complex", primitives.complex_of, arity=2, result=to_complex)
_complex = Op(
    "Complex",
    lambda a, b: _from_parts(a.detach(), b.detach()),
    lambda node, grad: (real(grad), imag(grad)),
    tensors=2,
)


def _check_parts(a: Tensor, b: Tensor, function: str, out: Tensor | None) -> None:
    if any(tensor_kind(t).dtype not in (dt.float16, dt.float32, dt.float64) for t in (a, b)):
        raise RuntimeError(
            "Expected both inputs to be Half, Float or Double tensors but got "
            f"{type_word(a.kind.dtype)} and {type_word(b.kind.dtype)}"
        )
    if a.kind.dtype is not b.kind.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {type_word(a.kind.dtype)} but got scalar type "
            f"{type_word(b.kind.dtype)} for second argument"
        )
    if a.kind.dtype is dt.float16:
        raise not_implemented(f"{function}_cpu", dt.float16)
    wanted = to_complex(a.kind.dtype)
    if out is not None and tensor_kind(out).dtype is not wanted:
        raise RuntimeError(
            f"Expected object of scalar type {type_word(wanted)} but got scalar type {type_word(out.kind.dtype)} "
            "for argument 'out'"
        )


def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """real + imag i. Both are float32, or both float64.

    >>> torch.complex(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor([1.+3.j, 2.+4.j])
    """
    _check_parts(real, imag, "complex", out)
    if out is not None:
        return _from_parts.general((real, imag), out)
    if real.array.shape != imag.array.shape:
        shape = broadcast_pair(real.array.shape, imag.array.shape)
        real, imag = broadcast_to(real, shape), broadcast_to(imag, shape)
    return _complex(real, imag)


def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """abs (cos angle + i sin angle). Both are float32, or both float64.

    >>> torch.polar(torch.tensor([1.0, 2.0]), torch.tensor([0.0, torch.pi / 2])).imag
    tensor([0., 2.])
    """
    _check_parts(abs, angle, "polar", out)
    return _polar.general((abs, angle), out)


# --- functions of one element


def conj(input: Tensor) -> Tensor:
    """The complex conjugate of each element, computed at once (PyTorch's is a view that conjugates when it is
    read); a real tensor is returned as it is.

    >>> torch.conj(torch.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return _conj(input) if tensor_kind(input).dtype.is_complex else input


def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate of each element."""
    if not tensor_kind(input).dtype.is_complex:
        return input if out is None else copy_(out, input)
    return _conj.general((input,), out)


def conj_physical_(self: Tensor) -> Tensor:
    """Conjugate each element in place."""
    return conj_physical(self, out=self) if self.kind.dtype.is_complex else self


def resolve_conj(input: Tensor) -> Tensor:
    """`input` itself: no tensor here waits to be conjugated."""
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """`input` itself: no tensor here waits to be negated."""
    return input


def is_conj(input: Tensor) -> bool:
    """Whether a tensor waits to be conjugated: never, `conj` computes at once."""
    return False


def is_neg(input: Tensor) -> bool:
    """Whether a tensor waits to be negated: never."""
    return False


def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of each element in the complex plane, in radians: of reals 0, or π where negative.

    >>> torch.angle(torch.tensor([1 + 1j, -1 + 0j]))
    tensor([0.7854, 3.1416])
    """
    return _angle(input) if out is None else _angle.general((input,), out)


def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x / |x|, and 0 for 0; of reals the sign.

    >>> torch.sgn(torch.tensor([3 + 4j, 0j]))
    tensor([0.6000+0.8000j, 0.0000+0.0000j])
    """
    return _sgn(input) if out is None else _sgn.general((input,), out)


# --- matrices


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions swapped, complex numbers conjugated. Raises RuntimeError for vectors."""
    return _adjoint(input, "tensor.adjoint()")


def _adjoint(input: Tensor, name: str) -> Tensor:
    if not tensor_array(input).ndim:
        return conj(input)
    if input.array.ndim < 2:
        raise RuntimeError(
            f"{name} is only supported on matrices or batches of matrices. Got {input.array.ndim}-D tensor."
        )
    return conj(transpose(input, -2, -1))


def matrix_adjoint(input: Tensor) -> Tensor:
    """`Tensor.mH`: the adjoint of a matrix, or of each of a stack."""
    return _adjoint(input, "tensor.mH")


def hermitian(input: Tensor) -> Tensor:
    """`Tensor.H`: the adjoint of a matrix. Raises RuntimeError for other than two dimensions."""
    if input.array.ndim not in (0, 2):
        more = ". For batches of matrices, consider using tensor.mH" if input.array.ndim > 2 else "."
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {input.array.ndim}-D tensor{more}"
        )
    return conj(transpose(input, 0, 1)) if input.array.ndim else conj(input)
