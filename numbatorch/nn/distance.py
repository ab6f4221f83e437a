"""How far two tensors are apart, or their angle."""

from __future__ import annotations

from numbatorch.nn import functional
from numbatorch.nn.module import Module
from numbatorch.tensor import Tensor


class PairwiseDistance(Module):
    """|x1 - x2 + eps| in the norm `p` over the last dimension.

    >>> nn.PairwiseDistance(eps=0)(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """x1·x2 / (max(|x1|, eps) max(|x2|, eps)) over `dim`."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)
