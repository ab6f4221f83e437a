"""What the distributions share: broadcasting of parameters, probabilities and their logits, lazy attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numbatorch import ops
from numbatorch.autograd.mode import enable_grad
from numbatorch.dtype import finfo, get_default_dtype
from numbatorch.shape import Size
from numbatorch.tensor import Tensor

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Tensor | float) -> tuple[Tensor, ...]:
    """The values as tensors of one shape; numbers get the dtype and device of the first tensor among them.

    Raises ValueError for what is neither number nor tensor.
    """
    if not all(isinstance(v, Tensor | int | float) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
            "__torch_function__."
        )
    like = next((v for v in values if isinstance(v, Tensor)), None)
    dtype, device = (get_default_dtype(), None) if like is None else (like.dtype, like.device)
    tensors = [v if isinstance(v, Tensor) else ops.tensor(v, dtype=dtype, device=device) for v in values]
    return ops.broadcast_tensors(*tensors)


def _standard_normal(shape: Size, like: Tensor) -> Tensor:
    return ops.randn(shape, dtype=like.dtype, device=like.device)


def _uniform(shape: Size, like: Tensor) -> Tensor:
    return ops.rand(shape, dtype=like.dtype, device=like.device)


def _sum_rightmost(value: Tensor, count: int) -> Tensor:
    """The sum over the last `count` dimensions."""
    return value.reshape((*value.shape[: value.dim() - count], -1)).sum(-1) if count else value


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of log odds (`is_binary`), or of unnormalised log probabilities in the last dimension."""
    return ops.sigmoid(logits) if is_binary else ops.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """`probs` kept from 0 and 1 by the machine epsilon."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The log odds (`is_binary`), or the logarithms, of probabilities; 0 and 1 are kept away."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


def clipped_sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), kept from 0 and 1."""
    info = finfo(x.dtype)
    return x.sigmoid().clamp(min=info.tiny, max=1.0 - info.eps)


class lazy_property:
    """Decorator: an attribute that is computed when it is first read, with gradients recorded, and then kept."""

    def __init__(self, wrapped: Callable[[Any], Any]):
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.wrapped.__name__] = value
        return value


def require_one(probs: Any, logits: Any) -> None:
    """Raise ValueError unless one of the two is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class TwoForms:
    """For distributions whose parameter is given as `probs` or as `logits`: each is made of the other when it is
    first asked for. `_binary`: of one probability and its log odds, not of one for each event."""

    _binary = True

    def _set_odds(self, probs: Any, logits: Any, *others: Any) -> list[Tensor]:
        """Keep the one that is given; `others`, broadcast with it."""
        require_one(probs, logits)
        *rest, given = broadcast_all(*others, logits if probs is None else probs)
        if probs is None:
            self.logits = given
        else:
            self.probs = given
        return rest

    @lazy_property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities, or of p / (1 - p)."""
        return probs_to_logits(self.probs, self._binary)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits, self._binary)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs"] if "probs" in self.__dict__ else self.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape


class OfCategorical:
    """For distributions that have the parameters of a Categorical, kept as `_categorical`."""

    _categorical: Any

    @property
    def probs(self) -> Tensor:
        """The probabilities of the events."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def _param(self) -> Tensor:
        return self._categorical._param

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape


def enumerated(values: Tensor, batch_shape: Size, expand: bool) -> Tensor:
    """`values`, of a whole batch one after the other: what `enumerate_support` gives."""
    events = values.view(values.shape[:1] + (1,) * len(batch_shape) + values.shape[1:])
    return events.expand((-1, *batch_shape, *values.shape[1:])) if expand else events


def _below_diagonal(n: int, diag: int, device: Any) -> Tensor:
    """Which elements of an n x n matrix are not above diagonal number `diag`."""
    place = ops.arange(n, device=device)
    return place < place.view(-1, 1) + (diag + 1)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements of square matrices up to diagonal number `diag`, row by row, as vectors."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _below_diagonal(n, diag, mat.device)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Square matrices with these elements up to diagonal number `diag`, row by row, and zeros above."""
    count, odd = vec.shape[-1], 1 + 2 * diag
    root = (odd**2 + 8 * count + 4 * abs(diag) * (diag + 1)) ** 0.5
    n = round((root - odd) / 2)
    if n - (root - odd) / 2 > finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix."
        )
    matrix = vec.new_zeros((*vec.shape[:-1], n, n))
    matrix[..., _below_diagonal(n, diag, vec.device)] = vec
    return matrix
