"""`swap_tensors`: two tensors change places."""

from __future__ import annotations

from numbatorch.tensor import Tensor


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchange everything that two tensors are: memory, dtype, gradient, class, attributes. Who holds one of
    them sees the other.

    >>> a, b = torch.zeros(1), torch.ones(2)
    >>> torch.utils.swap_tensors(a, b)
    >>> a
    tensor([1., 1.])
    """
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__
