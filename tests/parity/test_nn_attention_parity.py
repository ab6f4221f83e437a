"""Attention and the layers of a Transformer against PyTorch: outputs, gradients, state, printing, first values."""

import importlib

import numpy as np
import pytest
from parity.expressions import assert_same as assert_expression
from parity.test_every_module import assert_all_same, flat
from parity.test_nn_parity import assert_same, both, complaint

import numbatorch

torch = pytest.importorskip("torch")

# ---- the function ----

# shapes of query, key and value, what stands behind them
CALLS = [
    ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), ""),
    ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 4), "is_causal=True"),
    ((2, 2, 130, 16), (2, 2, 200, 16), (2, 2, 200, 16), "is_causal=True"),
    ((1, 2, 200, 32), (1, 2, 130, 32), (1, 2, 130, 32), "is_causal=True"),
    ((1, 1, 300, 64), (1, 1, 300, 64), (1, 1, 300, 64), "scale=0.3"),
    ((1, 1, 33, 64), (1, 1, 500, 64), (1, 1, 500, 40), ""),
    ((2, 3, 1, 8), (2, 3, 70, 8), (2, 3, 70, 8), "attn_mask=(L.arange(70) > 5)[None]"),
    ((3, 5, 8), (3, 7, 8), (3, 7, 8), "scale=-0.3"),
    ((5, 8), (7, 8), (7, 8), "is_causal=True"),
    ((2, 2, 3, 5, 8), (2, 2, 3, 7, 8), (2, 2, 3, 7, 8), "is_causal=True"),
    ((2, 3, 5, 8), (1, 3, 7, 8), (1, 1, 7, 8), ""),
    ((3, 5, 8), (2, 3, 7, 8), (7, 8), ""),
    ((2, 6, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), "enable_gqa=True"),
    ((2, 6, 5, 8), (2, 3, 7, 8), (2, 2, 7, 8), "enable_gqa=True, is_causal=True"),
    ((6, 5, 8), (3, 7, 8), (3, 7, 8), "enable_gqa=True"),
    ((2, 3, 0, 8), (2, 3, 7, 8), (2, 3, 7, 8), ""),
    ((2, 3, 5, 8), (2, 3, 0, 8), (2, 3, 0, 8), ""),
    ((0, 3, 5, 8), (0, 3, 7, 8), (0, 3, 7, 8), ""),
    ((2, 3, 5, 0), (2, 3, 7, 0), (2, 3, 7, 4), ""),
    ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), "attn_mask=L.arange(35).reshape(5, 7) % 3 > 0"),
    ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), "attn_mask=L.arange(14.0).reshape(2, 1, 1, 7)"),
    ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), "attn_mask=(L.arange(5.0) / 2)[:, None]"),
    ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), "attn_mask=L.arange(5)[:, None] > L.zeros(7), is_causal=False"),
    ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), "attn_mask=L.arange(7).expand(5, 7) > 0, is_causal=True"),
    ((3, 5, 8), (3, 7, 8), (3, 7, 8), "attn_mask=L.zeros(3, 5, 7).fill_(-L.inf)"),
    ((2, 2, 130, 32), (2, 2, 300, 32), (2, 2, 300, 32), "attn_mask=L.arange(39000).remainder(7).reshape(130, 300).to(q.dtype)"),
]  # fmt: skip


WIDE = [case for case in CALLS if 0 not in case[0] + case[1] and "gqa" not in case[3]]
CASES = [("float32", *case) for case in CALLS] + [("float64", *case) for case in WIDE]


@pytest.mark.parametrize(("dtype", "query", "key", "value", "more"), CASES, ids=str)
def test_attention(dtype, query, key, value, more):
    def compute(t):
        leaves = [t.randn(shape, dtype=t.float64) for shape in (query, key, value)]
        leaves = [x.to(getattr(t, dtype)).requires_grad_() for x in leaves]
        names = {"F": t.nn.functional, "L": t, "q": leaves[0], "k": leaves[1], "v": leaves[2]}
        y = eval(f"F.scaled_dot_product_attention(q, k, v, {more})", names)
        y.backward(t.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape))
        return y, *[x.grad for x in leaves]

    rtol, atol = (2e-5, 2e-5) if dtype == "float32" else (1e-10, 1e-10)
    for ours, theirs in zip(*both(compute)):
        assert_same(ours, theirs, rtol, atol)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("more", ["", "is_causal=True", "attn_mask=L.arange(7.0)"])
def test_attention_of_halves(dtype, more):
    more = more.replace("arange(7.0)", "arange(35.0).reshape(5, 7).remainder(3)")
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((2, 3, n, 8), dtype=np.float32) for n in (5, 7, 7))
    call = f"F.scaled_dot_product_attention(*[x.to(L.{dtype}) for x in (q, k, v)], {more})"
    assert_expression(call, rtol=2e-2, atol=1e-2, q=q, k=k, v=v)


def test_attention_of_tensors_that_lie_otherwise():
    """The result and the gradients have the query's order of dimensions in memory, as PyTorch's have."""

    def compute(t):
        q, k, v = t.randn(2, 50, 3, 3, 16).requires_grad_().unbind(2)
        y = t.nn.functional.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)))
        grads = t.autograd.grad(y.square().sum(), (q, k, v))
        return y.stride(), y, *grads

    ours, theirs = both(compute)
    assert ours[0] == theirs[0]
    for own, their in zip(ours[1:], theirs[1:]):
        assert_same(own, their, 2e-5, 2e-5)


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_attention_drops_the_same(p):
    def compute(t):
        q = t.randn(2, 3, 5, 8).requires_grad_()
        y = t.nn.functional.scaled_dot_product_attention(q, q, q, dropout_p=p)
        y.square().sum().backward()
        return y, q.grad

    for ours, theirs in zip(*both(compute)):
        assert_same(ours, theirs, 1e-5, 1e-5)


def test_mask_has_a_gradient():
    def compute(t):
        q, mask = t.randn(2, 3, 5, 8), t.randn(1, 3, 5, 5).requires_grad_()
        t.nn.functional.scaled_dot_product_attention(q, q, q, mask).square().sum().backward()
        return mask.grad

    assert_same(*both(compute), 1e-5, 1e-6)


ONES = "F.scaled_dot_product_attention({}, {}, {}, {})"
ERRORS = [
    ("i([1.0])", "L.ones(2, 1)", "L.ones(2, 1)", ""),
    ("L.ones(2, 3)", "L.ones(4, 3).double()", "L.ones(4, 3)", ""),
    ("L.ones(2, 3).long()", "L.ones(4, 3).long()", "L.ones(4, 3).long()", ""),
    ("L.ones(2, 3) + 0j", "L.ones(4, 3) + 0j", "L.ones(4, 3) + 0j", ""),
    ("L.ones(2, 5, 8)", "L.ones(2, 7, 4)", "L.ones(2, 7, 4)", ""),
    ("L.ones(2, 5, 8)", "L.ones(2, 7, 8)", "L.ones(2, 6, 8)", ""),
    ("L.ones(2, 5, 8)", "L.ones(3, 7, 8)", "L.ones(3, 7, 8)", ""),
    ("L.ones(1, 2, 5, 8)", "L.ones(1, 3, 7, 8)", "L.ones(1, 3, 7, 8)", ""),
    ("L.ones(1, 4, 5, 8)", "L.ones(1, 3, 7, 8)", "L.ones(1, 3, 7, 8)", "enable_gqa=True"),
    ("L.ones(5, 8)", "L.ones(7, 8)", "L.ones(7, 8)", "enable_gqa=True"),
    ("L.ones(5, 8)", "L.ones(7, 8)", "L.ones(7, 8)", "L.ones(5, 6)"),
    ("L.ones(5, 8)", "L.ones(7, 8)", "L.ones(7, 8)", "L.ones(2, 5, 7)"),
    ("L.ones(5, 8)", "L.ones(7, 8)", "L.ones(7, 8)", "L.ones(5, 7).int()"),
    ("L.ones(5, 8)", "L.ones(7, 8)", "L.ones(7, 8)", "L.ones(5, 7).double()"),
    ("L.ones(5, 8)", "L.ones(7, 8)", "L.ones(7, 8)", "L.ones(5, 7), is_causal=True"),
    ("L.ones(5, 8)", "L.ones(7, 8)", "L.ones(7, 8)", "dropout_p=1.5"),
]


@pytest.mark.parametrize("arguments", ERRORS, ids=str)
def test_attention_complains_the_same(arguments):
    assert_expression(ONES.format(*arguments))


# ---- modules: how each is made, how it is called ----

MHA, LAYER, DECODER = (
    "L.nn.MultiheadAttention",
    "L.nn.TransformerEncoderLayer",
    "L.nn.TransformerDecoderLayer",
)


MODULE_ERRORS = [
    f"{MHA}(0, 2)",
    f"{MHA}(8, 3)",
    f"{LAYER}(8, 2, activation='tanh')",
    f"L.nn.TransformerEncoder({LAYER}(8, 2), 1)",
    f"L.nn.TransformerEncoder({LAYER}(8, 1, batch_first=True), 1)",
    f"L.nn.TransformerEncoder({LAYER}(8, 2, norm_first=True), 1)",
    f"L.nn.TransformerEncoder({LAYER}(8, 2, batch_first=True, activation=L.tanh), 1)",
    f"{MHA}(8, 2)(L.ones(8), L.ones(8), L.ones(8))",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(2, 1, 8), L.ones(2, 8))",
    f"{MHA}(8, 2)(L.ones(2, 1, 8), L.ones(2, 8), L.ones(2, 8))",
    f"{MHA}(8, 2)(L.ones(2, 7), L.ones(2, 7), L.ones(2, 7))",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(3, 8), L.ones(4, 8))",
    f"{MHA}(8, 2, kdim=3)(L.ones(2, 8), L.ones(3, 4), L.ones(3, 8))",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(3, 8), L.ones(3, 8), L.ones(4))",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(3, 8), L.ones(3, 8), L.ones(4, 1))",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(3, 8), L.ones(3, 8), L.ones(3).int())",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(3, 8), L.ones(3, 8), attn_mask=L.ones(3))",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(3, 8), L.ones(3, 8), attn_mask=L.ones(3, 2))",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(3, 8), L.ones(3, 8), attn_mask=L.ones(3, 2, 3))",
    f"{MHA}(8, 2)(L.ones(2, 1, 8), L.ones(3, 1, 8), L.ones(3, 1, 8), attn_mask=L.ones(3, 2, 3))",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(2, 8), L.ones(2, 8), is_causal=True)",
    f"{MHA}(8, 2)(L.ones(2, 8), L.ones(3, 8), L.ones(3, 8), L.ones(3).bool(), attn_mask=L.ones(2, 3))[1].shape",
    "L.nn.Transformer(8, 2, 1, 1)(L.ones(5, 3, 8), L.ones(4, 2, 8))",
    "L.nn.Transformer(8, 2, 1, 1)(L.ones(5, 3, 7), L.ones(4, 3, 8))",
    "L.nn.attention.sdpa_kernel(3).__enter__()",
]


@pytest.mark.parametrize("call", MODULE_ERRORS)
def test_modules_complain_the_same(call):
    (error, warned), (their_error, their_warned) = (
        complaint(lambda t=t: eval(call, {"L": t})) for t in (numbatorch, torch)
    )
    assert error == their_error
    assert warned == their_warned


def test_backends_can_be_named():
    def compute(t):
        backend = t.nn.attention.SDPBackend
        with t.nn.attention.sdpa_kernel([backend.MATH, backend.FLASH_ATTENTION]):
            return t.nn.functional.scaled_dot_product_attention(*[t.randn(2, 3, 4)] * 3)

    assert_same(*both(compute), 1e-5, 1e-6)
    assert {b.name: b.value for b in numbatorch.nn.attention.SDPBackend} == {
        name: b.value for name, b in torch.nn.attention.SDPBackend.__members__.items()
    }


def test_training_a_small_gpt_runs_along():
    def train(t):
        layer = t.nn.TransformerEncoderLayer(16, 4, 32, 0.1, "gelu", batch_first=True, norm_first=True)
        model = t.nn.TransformerEncoder(layer, 2, t.nn.LayerNorm(16), enable_nested_tensor=False)
        embedding, head = t.nn.Embedding(11, 16), t.nn.Linear(16, 11)
        parameters = [*model.parameters(), *embedding.parameters(), *head.parameters()]
        optimizer = t.optim.Adam(parameters, lr=3e-3)
        mask, losses = t.nn.Transformer.generate_square_subsequent_mask(12), []
        for step in range(20):
            text = (t.arange(13) * 3 + step).remainder(11).expand(4, 13)
            logits = head(model(embedding(text[:, :-1]), mask=mask))
            loss = t.nn.functional.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    np.testing.assert_allclose(*both(train), rtol=1e-3)


# ---- masks that are functions ----


def relative(t):
    return lambda score, b, h, q, kv: score + (q - kv) / (h + 1)


def causal(b, h, q, kv):
    return q >= kv


FLEX = [
    lambda t, flex, q, k, v: flex.flex_attention(q, k, v),
    lambda t, flex, q, k, v: flex.flex_attention(q, k, v, relative(t), scale=0.3),
    lambda t, flex, q, k, v: flex.flex_attention(
        q, k, v, block_mask=flex.create_block_mask(causal, None, None, 5, 7, device="cpu")
    ),
    lambda t, flex, q, k, v: flex.flex_attention(
        q, k, v, relative(t),
        flex.create_block_mask(flex.or_masks(lambda b, h, q, kv: kv > 3 + b, lambda b, h, q, kv: kv == h), 2, 4, 5, 7, "cpu", 2),
        return_lse=True,
    ),
    lambda t, flex, q, k, v: flex.flex_attention(
        q, k, v, block_mask=flex.create_block_mask(lambda b, h, q, kv: q > kv, None, None, 5, 7, "cpu")
    ),
    lambda t, flex, q, k, v: flex.flex_attention(q, k[:, :2], v[:, :2], relative(t), enable_gqa=True),
    lambda t, flex, q, k, v: flex.create_mask(flex.and_masks(causal, lambda b, h, q, kv: q - kv < 2), 1, None, 5, 7, "cpu").int(),
    lambda t, flex, q, k, v: flex.create_mask(
        lambda score, b, h, q, kv: t.where(q + h > kv, score, -t.inf), None, 2, 5, 7, "cpu"
    ).int(),
    lambda t, flex, q, k, v: flex.create_block_mask(causal, None, 2, 9, 7, "cpu", (4, 2)).to_dense(),
    lambda t, flex, q, k, v: t.tensor(flex.create_block_mask(causal, 3, None, 64, 32, "cpu", 16).sparsity()),
    lambda t, flex, q, k, v: flex.flex_attention(q, k[:, :3], v[:, :3]),
    lambda t, flex, q, k, v: flex.flex_attention(q, k[..., :3], v),
    lambda t, flex, q, k, v: flex.flex_attention(q[0], k[0], v[0]),
]  # fmt: skip


@pytest.mark.filterwarnings(
    "ignore:flex_attention called without torch.compile", "ignore:return_lse is deprecated"
)
@pytest.mark.parametrize("call", FLEX)
def test_attention_with_functions_of_ones_own(call):
    def compute(t):
        flex = importlib.import_module(f"{t.__name__}.nn.attention.flex_attention")
        rng = np.random.default_rng(0)
        operands = [
            t.from_numpy(rng.standard_normal(shape).astype("f4"))
            for shape in ((2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 6))
        ]
        outputs = []
        error, _ = complaint(lambda: outputs.extend(flat(call(t, flex, *operands))))
        return [error, *outputs]

    assert_all_same(*both(compute))


@pytest.mark.parametrize("make", ["causal_upper_left(5, 7)", "causal_lower_right(5, 7)", "causal_lower_right(6, 6)", "CausalBias(3, 5, 7)", "causal_upper_left(3)"])  # fmt: skip
def test_causal_masks(make):
    def compute(t):
        bias = importlib.import_module(f"{t.__name__}.nn.attention.bias")
        made = []
        error, _ = complaint(lambda: made.append(eval(make, vars(bias))))
        if not made:
            return [error]
        mask = made[0]
        q, k = (t.arange(n * 8.0).reshape(1, 1, n, 8) / 50 for n in (mask.seq_len_q, mask.seq_len_kv))
        return [
            int(mask.variant),
            repr(mask),
            t.nn.functional.scaled_dot_product_attention(q, k, k, attn_mask=mask),
        ]

    assert_all_same(*both(compute))
