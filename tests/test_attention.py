"""Attention without PyTorch: what must hold of it whatever the numbers are."""

import pytest

import numbatorch as torch
from numbatorch import nn
from numbatorch.nn import functional as F
from numbatorch.nn.attention.flex_attention import create_block_mask, flex_attention


@pytest.mark.parametrize("length", [5, 100, 250])
def test_what_comes_later_is_not_seen(length):
    q, k, v = (torch.randn(2, 3, length, 8) for _ in range(3))
    whole = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    half = length // 2
    part = F.scaled_dot_product_attention(*[x[:, :, :half] for x in (q, k, v)], is_causal=True)
    torch.testing.assert_close(whole[:, :, :half], part)


def test_a_query_that_sees_nothing_gets_zeros_and_no_gradient():
    q, k, v = (torch.randn(1, 1, 4, 8).requires_grad_() for _ in range(3))
    mask = torch.tensor([True, False, True, True])[:, None].expand(4, 4)
    y = F.scaled_dot_product_attention(q, k, v, mask)
    y.square().sum().backward()
    assert (y[0, 0, 1] == 0).all() and (q.grad[0, 0, 1] == 0).all()
    assert all(x.grad.isfinite().all() for x in (q, k, v))


def test_large_scores_do_not_overflow():
    q = torch.full((1, 1, 3, 8), 1e4)
    torch.testing.assert_close(F.scaled_dot_product_attention(q, q, q), q)


def test_layers_keep_the_order_of_a_batch():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0).eval()
    other = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval()
    other.load_state_dict(layer.state_dict())
    x = torch.randn(5, 3, 8)
    torch.testing.assert_close(layer(x), other(x.transpose(0, 1)).transpose(0, 1))


def test_scores_changed_by_a_function_have_gradients():
    """Of queries, keys, values and of what the function uses; the first query sees nothing."""
    mask = create_block_mask(lambda b, h, q, kv: q > kv, None, None, 4, 5)
    operands = [
        torch.randn(shape, dtype=torch.float64, requires_grad=True)
        for shape in ((1, 2, 4, 3), (1, 2, 5, 3), (2,))
    ]

    def attend(q, k, slopes):
        return flex_attention(q, k, k, lambda score, b, h, i, j: score + slopes[h] * (i - j), mask)

    assert torch.autograd.gradcheck(attend, operands)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("features", [5, 32, 70])
def test_halves_are_those_of_float32_rounded_once(dtype, causal, features):
    torch.manual_seed(0)
    half = getattr(torch, dtype)
    q = torch.randn(2, 101, 4, 37).to(half).transpose(1, 2)  # heads of one row are neighbours
    k = torch.randn(1, 2, 110, 37).to(half)
    v = torch.randn(2, 2, 110, features).to(half)
    mask = None if causal else torch.randn(101, 110)
    given = {"attn_mask": mask, "is_causal": causal, "enable_gqa": True}
    wide = F.scaled_dot_product_attention(*[x.float() for x in (q, k.expand(2, -1, -1, -1), v)], **given)
    part = F.scaled_dot_product_attention(q, k.expand(2, -1, -1, -1), v, **given)
    assert part.dtype == half
    torch.testing.assert_close(part, wide.to(half), rtol=0, atol=1e-3 if dtype == "float16" else 1e-2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("heads", "queries", "keys", "features", "causal", "masked"),
    [(1, 17, 17, (5, 19), True, False), (2, 9, 20, (18, 3), False, True), (1, 20, 9, (4, 4), True, False)],
)
def test_tiles_on_cuda(dtype, heads, queries, keys, features, causal, masked):
    """Several of them, with edges, and heads that share keys; one query sees nothing. As on the CPU."""
    torch.manual_seed(0)
    width, values = features
    shapes = ((1, 2, queries, width), (1, heads, keys, width), (1, heads, keys, values))
    drawn = [torch.randn(shape, dtype=getattr(torch, dtype)) for shape in shapes]
    mask = (torch.rand(queries, keys) > 0.3) & (torch.arange(queries) != 1)[:, None] if masked else None
    found = []
    for device in ("cpu", "cuda"):
        operands = [x.to(device).requires_grad_() for x in drawn]
        there = mask if mask is None else mask.to(device)
        y = F.scaled_dot_product_attention(*operands, there, is_causal=causal, enable_gqa=heads == 1)
        found.append([y.detach().cpu(), *[g.cpu() for g in torch.autograd.grad(y.square().sum(), operands)]])
    for here, there in zip(*found, strict=True):
        torch.testing.assert_close(there, here, rtol=1e-4, atol=1e-5)
