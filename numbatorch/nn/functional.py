"""The functions behind the modules of `nn`: the same names, with everything they need as arguments."""

from __future__ import annotations

import warnings

from numbatorch import arguments, ops
from numbatorch.autograd.mode import no_grad
from numbatorch.dtype import DType
from numbatorch.nn.grouped import grouped_mm as grouped_mm
from numbatorch.nn.heads import multi_head_attention_forward as multi_head_attention_forward
from numbatorch.nn.linear_losses import linear_cross_entropy as linear_cross_entropy
from numbatorch.nn.losses import binary_cross_entropy as binary_cross_entropy
from numbatorch.nn.losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from numbatorch.nn.losses import cross_entropy as cross_entropy
from numbatorch.nn.losses import ctc_loss as ctc_loss
from numbatorch.nn.losses import gaussian_nll_loss as gaussian_nll_loss
from numbatorch.nn.losses import huber_loss as huber_loss
from numbatorch.nn.losses import kl_div as kl_div
from numbatorch.nn.losses import l1_loss as l1_loss
from numbatorch.nn.losses import mse_loss as mse_loss
from numbatorch.nn.losses import nll_loss as nll_loss
from numbatorch.nn.losses import poisson_nll_loss as poisson_nll_loss
from numbatorch.nn.losses import smooth_l1_loss as smooth_l1_loss
from numbatorch.nn.margins import cosine_embedding_loss as cosine_embedding_loss
from numbatorch.nn.margins import hinge_embedding_loss as hinge_embedding_loss
from numbatorch.nn.margins import margin_ranking_loss as margin_ranking_loss
from numbatorch.nn.margins import multi_margin_loss as multi_margin_loss
from numbatorch.nn.margins import multilabel_margin_loss as multilabel_margin_loss
from numbatorch.nn.margins import multilabel_soft_margin_loss as multilabel_soft_margin_loss
from numbatorch.nn.margins import soft_margin_loss as soft_margin_loss
from numbatorch.nn.margins import triplet_margin_loss as triplet_margin_loss
from numbatorch.nn.margins import triplet_margin_with_distance_loss as triplet_margin_with_distance_loss
from numbatorch.nn.pools import adaptive_max_pool1d as adaptive_max_pool1d
from numbatorch.nn.pools import adaptive_max_pool1d_with_indices as adaptive_max_pool1d_with_indices
from numbatorch.nn.pools import adaptive_max_pool2d as adaptive_max_pool2d
from numbatorch.nn.pools import adaptive_max_pool2d_with_indices as adaptive_max_pool2d_with_indices
from numbatorch.nn.pools import adaptive_max_pool3d as adaptive_max_pool3d
from numbatorch.nn.pools import adaptive_max_pool3d_with_indices as adaptive_max_pool3d_with_indices
from numbatorch.nn.pools import fractional_max_pool2d as fractional_max_pool2d
from numbatorch.nn.pools import fractional_max_pool2d_with_indices as fractional_max_pool2d_with_indices
from numbatorch.nn.pools import fractional_max_pool3d as fractional_max_pool3d
from numbatorch.nn.pools import fractional_max_pool3d_with_indices as fractional_max_pool3d_with_indices
from numbatorch.nn.pools import local_response_norm as local_response_norm
from numbatorch.nn.pools import lp_pool1d as lp_pool1d
from numbatorch.nn.pools import lp_pool2d as lp_pool2d
from numbatorch.nn.pools import lp_pool3d as lp_pool3d
from numbatorch.nn.pools import max_pool1d as max_pool1d
from numbatorch.nn.pools import max_pool1d_with_indices as max_pool1d_with_indices
from numbatorch.nn.pools import max_pool2d as max_pool2d
from numbatorch.nn.pools import max_pool2d_with_indices as max_pool2d_with_indices
from numbatorch.nn.pools import max_pool3d as max_pool3d
from numbatorch.nn.pools import max_pool3d_with_indices as max_pool3d_with_indices
from numbatorch.nn.pools import max_unpool1d as max_unpool1d
from numbatorch.nn.pools import max_unpool2d as max_unpool2d
from numbatorch.nn.pools import max_unpool3d as max_unpool3d
from numbatorch.nn.resampling import affine_grid as affine_grid
from numbatorch.nn.resampling import grid_sample as grid_sample
from numbatorch.nn.resampling import interpolate as interpolate
from numbatorch.nn.resampling import upsample as upsample
from numbatorch.nn.resampling import upsample_bilinear as upsample_bilinear
from numbatorch.nn.resampling import upsample_nearest as upsample_nearest
from numbatorch.ops import adaptive_avg_pool1d as adaptive_avg_pool1d
from numbatorch.ops import adaptive_avg_pool2d as adaptive_avg_pool2d
from numbatorch.ops import adaptive_avg_pool3d as adaptive_avg_pool3d
from numbatorch.ops import avg_pool1d as avg_pool1d
from numbatorch.ops import avg_pool2d as avg_pool2d
from numbatorch.ops import avg_pool3d as avg_pool3d
from numbatorch.ops import bags
from numbatorch.ops import bilinear as bilinear
from numbatorch.ops import channel_shuffle as channel_shuffle
from numbatorch.ops import conv1d as conv1d
from numbatorch.ops import conv2d as conv2d
from numbatorch.ops import conv3d as conv3d
from numbatorch.ops import conv_tbc as conv_tbc
from numbatorch.ops import conv_transpose1d as conv_transpose1d
from numbatorch.ops import conv_transpose2d as conv_transpose2d
from numbatorch.ops import conv_transpose3d as conv_transpose3d
from numbatorch.ops import cosine_similarity as cosine_similarity
from numbatorch.ops import gelu as gelu
from numbatorch.ops import glu as glu
from numbatorch.ops import hardshrink as hardshrink
from numbatorch.ops import linear as linear
from numbatorch.ops import logsigmoid as logsigmoid
from numbatorch.ops import native_channel_shuffle as native_channel_shuffle
from numbatorch.ops import normalize as normalize
from numbatorch.ops import one_hot as one_hot
from numbatorch.ops import pad as pad
from numbatorch.ops import pairwise_distance as pairwise_distance
from numbatorch.ops import pdist as pdist
from numbatorch.ops import pixel_shuffle as pixel_shuffle
from numbatorch.ops import pixel_unshuffle as pixel_unshuffle
from numbatorch.ops import prelu as prelu
from numbatorch.ops import rms_norm as rms_norm
from numbatorch.ops import scaled_dot_product_attention as scaled_dot_product_attention
from numbatorch.ops import sigmoid as sigmoid
from numbatorch.ops import softplus as softplus
from numbatorch.ops import softshrink as softshrink
from numbatorch.ops import softsign as softsign
from numbatorch.ops import tanh as tanh
from numbatorch.ops.normalization import batch_norm as batch_norm
from numbatorch.ops.normalization import group_norm as group_norm
from numbatorch.ops.normalization import instance_norm as instance_norm
from numbatorch.ops.normalization import layer_norm as layer_norm
from numbatorch.tensor import Tensor

unfold, fold = ops.im2col, ops.col2im

# ---- activations; with `inplace` the result is written over the input ----


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return ops.relu(input, out=input if inplace else None)


def relu_(input: Tensor) -> Tensor:
    """`relu`, in place."""
    return ops.relu(input, out=input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6)."""
    return ops.relu6(input, out=input if inplace else None)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x limited to [min_val, max_val]."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return ops.hardtanh(input, min_val, max_val, out=input if inplace else None)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh`, in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else `value`."""
    return ops.threshold(input, threshold, value, out=input if inplace else None)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold`, in place."""
    return ops.threshold(input, threshold, value, out=input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope x."""
    return ops.leaky_relu(input, negative_slope, out=input if inplace else None)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu`, in place."""
    return ops.leaky_relu(input, negative_slope, out=input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (exp(x) - 1)."""
    return ops.elu(input, alpha, out=input if inplace else None)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu`, in place."""
    return ops.elu(input, alpha, out=input)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """An `elu` scaled so that activations keep mean 0 and variance 1."""
    return ops.selu(input, out=input if inplace else None)


def selu_(input: Tensor) -> Tensor:
    """`selu`, in place."""
    return ops.selu(input, out=input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(x, 0) + min(0, alpha (exp(x / alpha) - 1))."""
    return ops.celu(input, alpha, out=input if inplace else None)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu`, in place."""
    return ops.celu(input, alpha, out=input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x sigmoid(x)."""
    return ops.silu(input, out=input if inplace else None)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(softplus(x))."""
    return ops.mish(input, out=input if inplace else None)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6."""
    return ops.hardsigmoid(input, out=input if inplace else None)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x min(max(x + 3, 0), 6) / 6."""
    return ops.hardswish(input, out=input if inplace else None)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return input - input.tanh()


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x where x > 0, else x times a slope: drawn from [lower, upper] in training, else the mean of the two."""
    return ops.rrelu(input, lower, upper, training, out=input if inplace else None)


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """`rrelu`, in place."""
    return ops.rrelu(input, lower, upper, training, out=input)


# ---- along a dimension ----


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`; `dtype` is that of the computation and the result.

    >>> F.softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return ops.softmax(input, _given("softmax", dim, input, _stacklevel), dtype=dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """log(softmax(x)) along `dim`, computed without overflow."""
    return ops.log_softmax(input, _given("log_softmax", dim, input, _stacklevel), dtype=dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """softmax(-x) along `dim`."""
    return ops.softmax(-input, _given("softmin", dim, input, _stacklevel), dtype=dtype)


def _given(name: str, dim: int | None, input: Tensor, stacklevel: int) -> int:
    """`dim`, or what PyTorch took for it before it had to be given."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
        "argument.",
        stacklevel=stacklevel,
    )
    return 0 if input.dim() in (0, 1, 3) else 1


# ---- dropout ----


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element becomes zero with probability `p`; the others are scaled by 1 / (1 - p)."""
    _check_probability(p)
    return _drop(input, arguments.tensor_array(input).shape, p, training, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of an input (N, C, L) or (C, L)."""
    _check_probability(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that dropout1d "
            "exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel "
            "dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    return _drop(input, input.shape[: input.dim() - 1], p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of an input (N, C, H, W); of an input (N, C, L) too, as in PyTorch."""
    _check_probability(p)
    if input.dim() not in (3, 4):
        _warn_dimensions("dropout2d", input.dim(), 2, "3D or 4D")
    if input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior "
            "is desired - input is interpreted as shape (N, C, L), where C is the channel dim. This "
            "behavior will change in a future release to interpret the input as one without a batch "
            "dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise dropout behavior, please "
            "switch to using dropout1d instead.",
            stacklevel=2,
        )
    if training and 0 < p < 1 and input.dim() < 2 and input.numel():
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return _drop(input, input.shape[:2], p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of an input (N, C, D, H, W) or (C, D, H, W)."""
    _check_probability(p)
    if input.dim() not in (4, 5):
        _warn_dimensions("dropout3d", input.dim(), 3, "4D or 5D")
    return _drop(input, input.shape[: input.dim() - 3], p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance of a self-normalising input.

    G. Klambauer et al., arXiv:1706.02515.
    """
    _check_probability(p)
    return (ops.alpha_dropout_ if inplace else ops.alpha_dropout)(input, p, training)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels of an input (N, C, ...)."""
    _check_probability(p)
    return (ops.feature_alpha_dropout_ if inplace else ops.feature_alpha_dropout)(input, p, training)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """softmax((logits + g) / tau) of Gumbel numbers g: samples of the relaxed one-hot categorical distribution.

    hard  the largest becomes 1 and the rest 0, with the gradient as before
    eps   taken for PyTorch's sake; it has no effect

    C. Maddison and others, arXiv:1611.00712; E. Jang and others, arXiv:1611.01144.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = (
        ops.empty(arguments.tensor_array(logits).shape, dtype=logits.dtype, device=logits.device)
        .exponential_()
        .log()
    )
    soft = softmax((logits - noise) / tau, dim)
    if not hard:
        return soft
    largest = soft.detach().argmax(dim, keepdim=True)
    return ops.zeros_like(soft).scatter_(dim, largest, 1.0) - soft.detach() + soft


def _drop(input: Tensor, leading: tuple[int, ...], p: float, training: bool, inplace: bool) -> Tensor:
    """Dropout with one draw for each element of the `leading` dimensions, shared by all that it contains."""
    if p == 0 or not training or input.numel() == 0:
        return input
    return ops.drop(input, p, leading, inplace)


def _check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _warn_dimensions(name: str, got: int, spatial: int, wanted: str) -> None:
    warnings.warn(
        f"{name}: Received a {got}-D input to {name}, which is deprecated and will result in an error in a "
        "future release. To retain the behavior and silence this warning, please use dropout instead. Note "
        f"that {name} exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a "
        f"channel dimension, and an optional batch dimension (i.e. {wanted} inputs).",
        stacklevel=3,
    )


# ---- embedding ----


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` (entries, columns) that `input` numbers: shape (*input.shape, columns).

    padding_idx         this row gets no gradient
    max_norm            first, rows that are named and longer than this (in the norm `norm_type`) are shortened
                        to it, in `weight` itself
    scale_grad_by_freq  a row's gradient is divided by how often the row is named
    sparse              taken for PyTorch's sake; gradients are dense

    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.eye(2))
    tensor([[0., 1.],
            [1., 0.]])
    """
    if padding_idx is None:
        padding_idx = -1
    elif not -weight.size(0) <= padding_idx < weight.size(0):
        raise AssertionError("Padding_idx must be within num_embeddings")
    elif padding_idx < 0:
        padding_idx += weight.size(0)
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    return ops.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum (`mode`) of the rows of `weight` that each bag of `input` names: (bags, columns).

    A matrix `input` has a bag in each row; a vector is cut into bags that begin at `offsets` (whose last is the
    end, with `include_last_offset`). The other arguments are those of `embedding`; `per_sample_weights` are
    factors for each number in `input`, for mode "sum". Raises ValueError for shapes that do not fit.

    >>> F.embedding_bag(torch.tensor([[0, 1], [1, 1]]), torch.eye(2))
    tensor([[0.5000, 0.5000],
            [0.0000, 1.0000]])
    """
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have "
            f"the same shape as the input ({input.shape})"
        )
    if weight.dim() != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
                f"length sequences. However, found offsets of type {type(offsets)}"
            )
        offsets = ops.arange(0, input.numel() + 1, input.size(1), dtype=input.dtype, device=input.device)
        include_last_offset = True
        input = input.reshape(-1)
        per_sample_weights = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    elif input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    elif offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    elif offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for "
            f"mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
        )
    number = ("sum", "mean", "max").index(mode)
    options = (scale_grad_by_freq, number, per_sample_weights, include_last_offset, padding_idx)
    return bags.bags_of(weight, input, offsets, *options)[0][0]


@no_grad()
def _shorten(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Shorten the rows that `input` names and that are longer than `max_norm` to it, in place."""
    named = ops.unique(input)
    rows = ops.index_select(weight, 0, named)
    norms = ops.norm(rows, norm_type, 1, keepdim=True)
    weight.index_copy_(0, named, ops.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows))
