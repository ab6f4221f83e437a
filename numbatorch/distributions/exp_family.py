"""Exponential families: densities exp(<t(x), theta> - F(theta) + k(x))."""

from __future__ import annotations

from typing import Any

from numbatorch import autograd
from numbatorch.distributions.distribution import Distribution
from numbatorch.tensor import Tensor


class ExponentialFamily(Distribution):
    """A family with natural parameters theta, log normaliser F and carrier measure k: entropies and divergences
    follow from the gradient of F (F. Nielsen and R. Nock, ICIP 2010)."""

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """theta"""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """F(theta)"""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> float:
        """The expected value of k."""
        raise NotImplementedError

    def _log_normalizer_gradient(self) -> tuple[tuple[Tensor, ...], Tensor, Any]:
        """theta, F(theta) and the gradient of F there."""
        parameters = tuple(p.detach().requires_grad_() for p in self._natural_params)
        normalizer = self._log_normalizer(*parameters)
        return parameters, normalizer, autograd.grad(normalizer.sum(), parameters, create_graph=True)

    def entropy(self) -> Tensor:
        """F(theta) - <theta, grad F(theta)>, less the mean of k."""
        parameters, result, gradients = self._log_normalizer_gradient()
        result = result - self._mean_carrier_measure
        for parameter, gradient in zip(parameters, gradients, strict=True):
            result = result - (parameter * gradient).reshape((*self._batch_shape, -1)).sum(-1)
        return result
