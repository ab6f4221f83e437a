"""Attention with several heads, as a module."""

from __future__ import annotations

from typing import Any

from numbatorch.nn import functional
from numbatorch.nn.heads import canonical_mask, dtype_of
from numbatorch.nn.init import constant_, xavier_normal_, xavier_uniform_
from numbatorch.nn.linear import Linear
from numbatorch.nn.module import Module
from numbatorch.nn.parameter import Parameter
from numbatorch.ops import empty
from numbatorch.tensor import Tensor


class NonDynamicallyQuantizableLinear(Linear):
    """The `Linear` behind the heads; the name is what PyTorch prints."""


class MultiheadAttention(Module):
    """Attention with `num_heads` heads, each of `embed_dim` / `num_heads` features: linear maps of query, key and
    value, `scaled_dot_product_attention` for each head, and a linear map of the heads side by side.

    dropout        probability with which, in training, a weight of attention is dropped
    bias           whether the linear maps have one
    add_bias_kv    a key and a value that are learnt are appended to the others
    add_zero_attn  zeros are appended to keys and values
    kdim, vdim     features of key and value, `embed_dim` if not given
    batch_first    (N, L, E) instead of (L, N, E)

    >>> attention = nn.MultiheadAttention(8, 2)
    >>> output, weights = attention(torch.randn(5, 3, 8), torch.randn(7, 3, 8), torch.randn(7, 3, 8))
    >>> output.shape, weights.shape
    (torch.Size([5, 3, 8]), torch.Size([3, 5, 7]))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")

        def parameter(*shape: int) -> Parameter:
            return Parameter(empty(shape, device=device, dtype=dtype))

        if self._qkv_same_embed_dim:
            self.in_proj_weight = parameter(3 * embed_dim, embed_dim)
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = parameter(embed_dim, embed_dim)
            self.k_proj_weight = parameter(embed_dim, self.kdim)
            self.v_proj_weight = parameter(embed_dim, self.vdim)
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", parameter(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias=bias, device=device, dtype=dtype
        )
        if add_bias_kv:
            self.bias_k, self.bias_v = parameter(1, 1, embed_dim), parameter(1, 1, embed_dim)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                xavier_uniform_(weight)
        if self.in_proj_bias is not None and self.out_proj.bias is not None:
            constant_(self.in_proj_bias, 0.0)
            constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, shaped like the query, and the weights of attention, (N, L, S) or, unless
        `average_attn_weights`, (N, heads, L, S); None unless `need_weights`, which is the faster way.

        query, key, value  (L, N, E), (S, N, kdim), (S, N, vdim); or (N, L, E) ... if `batch_first`; or without N
        key_padding_mask   (N, S): True for keys that nobody sees, or numbers that are added
        attn_mask          (L, S) or (N heads, L, S): True where a query does not see a key, or numbers
        is_causal          a hint that `attn_mask` is the causal mask
        """
        key_padding_mask = canonical_mask(
            key_padding_mask, "key_padding_mask", dtype_of(attn_mask), "attn_mask", query.dtype
        )
        attn_mask = canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False)
        turned = self.batch_first and query.dim() == 3
        if turned and query is key is value:
            query = key = value = query.transpose(1, 0)
        elif turned and key is value:
            query, key = query.transpose(1, 0), key.transpose(1, 0)
            value = key
        elif turned:
            query, key, value = (x.transpose(1, 0) for x in (query, key, value))
        output, weights = functional.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return output.transpose(1, 0) if turned else output, weights
