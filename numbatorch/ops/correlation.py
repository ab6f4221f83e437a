"""How variables vary together: cov, corrcoef."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.dtype import type_word
from numbatorch.ops.arithmetic import div, mul, sub
from numbatorch.ops.complexes import complex as complex_
from numbatorch.ops.matmul import adjoint, mm
from numbatorch.ops.reduce import sum
from numbatorch.ops.view import reshape, squeeze, unsqueeze

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of variables: rows of `input` are variables, columns observations; a vector is one variable.

        Σ_k w_k (x_ik - mean_i) conj(x_jk - mean_j) / (Σ_k w_k - correction)

    with weighted means. w is `fweights` (integers: how often each observation was made) times `aweights` (how much
    it counts); with the latter, Σ w - correction Σ w a / Σ w takes the divisor's place. Warns where that is not
    positive; raises RuntimeError for weights that do not fit.

    >>> torch.cov(torch.tensor([[0.0, 2.0, 4.0], [2.0, 1.0, 0.0]]))
    tensor([[ 4., -2.],
            [-2.,  1.]])
    """
    if tensor_array(input).ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input.array.ndim} dimensions"
        )
    if input.kind.dtype.name == "bool":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    variables = input if input.array.ndim == 2 else reshape(input, 1, -1)
    count = variables.array.shape[1]
    weights = None
    if fweights is not None:
        weights = _weights("fweights", fweights, count, False)
    if aweights is not None:
        aweights = _weights("aweights", aweights, count, True)
        weights = aweights if weights is None else mul(weights, aweights)
    total: Tensor | int = count
    if weights is not None:
        total = sum(weights)
        if total.item() == 0:
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    weighted = variables if weights is None else mul(variables, weights)
    centred = sub(variables, unsqueeze(div(sum(weighted, 1), total), 1))
    divisor: Tensor | float = total - correction
    if weights is not None and aweights is not None and correction:
        divisor = total - correction * sum(mul(weights, aweights)) / total
    if float(divisor) <= 0:
        warnings.warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of "
            "observations.",
            stacklevel=2,
        )
        divisor = 0.0
    products = mm(centred, adjoint(centred if weights is None else mul(centred, weights)))
    return squeeze(div(products, divisor))


def _weights(name: str, weights: Tensor, count: int, real: bool) -> Tensor:
    """The weights, checked. Raises RuntimeError for any that do not fit."""
    dtype = tensor_kind(weights).dtype
    if weights.array.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.array.ndim} "
            "dimensions"
        )
    if dtype.is_floating_point != real or dtype.is_complex or dtype.name == "bool":
        kind = "floating point" if real else "integral"
        raise RuntimeError(
            f"cov(): expected {name} to have {kind} dtype but got {name} with {type_word(dtype)} dtype"
        )
    if weights.array.size != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{weights.array.size} != {count}"
        )
    if count and weights.min().item() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return weights


def corrcoef(input: Tensor) -> Tensor:
    """Pearson's coefficients of correlation: cov_ij / √(cov_ii cov_jj), kept within [-1, 1]. Rows are variables,
    columns observations.

    >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if tensor_array(input).ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.array.ndim} dimensions"
        )
    covariances = cov(input)
    if not covariances.array.ndim:
        return div(covariances, covariances)
    variances = covariances.diag()
    deviations = (variances.real if variances.is_complex() else variances).sqrt()
    result = div(div(covariances, unsqueeze(deviations, 1)), deviations)
    if result.is_complex():
        return complex_(result.real.clamp(-1, 1), result.imag.clamp(-1, 1))
    return result.clamp(-1, 1)
