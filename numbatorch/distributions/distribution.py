"""The base of all distributions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from numbatorch.autograd.mode import no_grad
from numbatorch.distributions import constraints
from numbatorch.distributions.utils import lazy_property
from numbatorch.shape import Size
from numbatorch.tensor import Tensor


class Distribution:
    """A batch of distributions: samples have the shape (*sample_shape, *batch_shape, *event_shape).

    A subclass sets its parameters as attributes and then calls `Distribution.__init__`, which checks them against
    `arg_constraints`; it defines `support`, and `sample` or `rsample` (which gradients go through), `log_prob`
    and what else there is a formula for. With `validate_args=False` nothing is checked.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    _shared: tuple[str, ...] = ()  # attributes that `expand` takes over as they are

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether arguments are checked unless `validate_args` says otherwise."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Sequence[int] = (),
        event_shape: Sequence[int] = (),
        validate_args: bool | None = None,
    ):
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()

    def _validate_parameters(self) -> None:
        try:
            required = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        for name, constraint in required.items():
            lazy = name not in self.__dict__ and isinstance(getattr(type(self), name), lazy_property)
            if lazy or constraints.is_dependent(constraint):
                continue
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of "
                    f"distribution {self!r} to satisfy the constraint {constraint!r}, but found invalid "
                    f"values:\n{value}"
                )

    def _validate_sample(self, value: Any) -> None:
        """Raise ValueError unless `value` has a shape that fits and lies in the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, whole = value.shape, self._batch_shape + self._event_shape
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}."
            )
        if any(i != j and i != 1 and j != 1 for i, j in zip(reversed(shape), reversed(whole), strict=False)):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {whole}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `support` to enable sample validation. Please initialize "
                "the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        assert support is not None
        if not bool(support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def expand(self, batch_shape: Sequence[int], _instance: Distribution | None = None) -> Any:
        """The same distribution with its parameters expanded to `batch_shape`; no memory is copied.

        `_instance`, a new object that a subclass has begun to fill, gets the attributes that it does not have.
        """
        new = self.__new__(type(self)) if _instance is None else _instance
        shape, rank = Size(batch_shape), len(self._batch_shape)
        for name, value in self.__dict__.items():
            if name in new.__dict__:
                continue
            if isinstance(value, Tensor) and name not in self._shared:
                value = value.expand(shape + value.shape[rank:])
            elif isinstance(value, Distribution):
                value = value.expand(shape + value.batch_shape[rank:])
            new.__dict__[name] = value
        new._batch_shape, new._event_shape = shape, self._event_shape
        return new

    def _get_checked_instance(self, cls: type, _instance: Distribution | None = None) -> Any:
        """For `expand` in subclasses: an object to fill."""
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method "
                "must also define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one distribution."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What each parameter must satisfy."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The constraint that samples satisfy."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Random values, without gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Random values as a differentiable function of the parameters."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`, which is to be used instead."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2
        )
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at `value`."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a sample that is not above `value`."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The number whose `cdf` is `value`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values that a discrete distribution can take, (count, *batch_shape, *event_shape); with sizes of
        one for the batch unless `expand`."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The expected value of -log_prob, in the shape of the batch."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """exp of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Sequence[int] = ()) -> Size:
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def __repr__(self) -> str:
        given = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        parts = [f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in given.items()]
        return f"{type(self).__name__}({', '.join(parts)})"
