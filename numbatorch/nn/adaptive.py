"""A softmax over many classes that spends little on the rare ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from numbatorch import ops
from numbatorch.nn.containers import ModuleList, Sequential
from numbatorch.nn.linear import Linear
from numbatorch.nn.module import Module
from numbatorch.tensor import Tensor


class _ASMoutput(NamedTuple):
    """The log probability of each target, and minus their mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """log softmax over classes sorted by frequency, the most frequent first: the head tells the first of them
    from one another and from the clusters of rarer ones, which are told apart in fewer dimensions.

    cutoffs    the classes at which clusters begin
    div_value  the dimensions of cluster k are in_features / div_value^(k + 1)
    head_bias  whether the head has a bias

    `module(input, target)` gives (output, loss): the log probabilities of the targets and minus their mean.
    E. Grave et al., arXiv:1609.04309.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            cutoffs != sorted(set(cutoffs))
            or cutoffs[0] <= 0
            or cutoffs[-1] > n_classes - 1
            or any(int(c) != c for c in cutoffs)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where "
                "each value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        made = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for k, (low, high) in enumerate(pairwise(self.cutoffs)):
            inner = int(in_features // div_value ** (k + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, inner, bias=False, **made),
                    Linear(inner, high - low, bias=False, **made),
                )
            )

    def reset_parameters(self) -> None:
        """Draw new parameters."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        dims = target_.dim()
        if dims > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if dims == 1 and input_.size(0) != target_.size(0):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if input_.dim() != dims + 1:
            raise RuntimeError(
                f"{dims}D target tensor expects {dims + 1}D input tensors, but found inputs with size "
                f"{input_.size()}"
            )
        input, target = (input_, target_) if dims else (input_.unsqueeze(0), target_.unsqueeze(0))
        if ((target < 0) | (target >= self.n_classes)).any():
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        places = target.clone()  # of the head's outputs: the class itself, or its cluster's
        output = ops.zeros_like(input[:, 0], requires_grad=False)
        for k, (low, high) in enumerate(pairwise(self.cutoffs)):
            (rows,) = ((target >= low) & (target < high)).nonzero(as_tuple=True)
            if rows.numel():
                places[rows] = self.shortlist_size + k
                scores = ops.log_softmax(self.tail[k](input[rows]), 1)
                chosen = scores.gather(1, (target[rows] - low).unsqueeze(1)).squeeze(1)
                output = output.index_copy(0, rows, chosen)
        head = ops.log_softmax(self.head(input), 1)
        output = output + head.gather(1, places.unsqueeze(1)).squeeze(1)
        return _ASMoutput(output if dims else output.squeeze(0), -output.mean())

    def _all(self, input: Tensor, scores: Tensor) -> Tensor:
        """The log probabilities of all classes, from the head's scores."""
        head = ops.log_softmax(scores, 1)
        parts = [head[:, : self.shortlist_size]]
        for k, cluster in enumerate(self.tail):
            column = head[:, self.shortlist_size + k].unsqueeze(1)
            parts.append(ops.log_softmax(cluster(input), 1) + column)
        return ops.cat(parts, 1)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log probabilities of all classes: (N, n_classes)."""
        return self._all(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row; clusters are looked into only where the head says so."""
        scores = self.head(input)
        best = scores.argmax(1)
        (rare,) = (best >= self.shortlist_size).nonzero(as_tuple=True)
        if rare.numel():
            best[rare] = self._all(input[rare], scores[rare]).argmax(1)
        return best
