"""Operations from one scalar function: kernels, gradients, layouts, devices, and what the user is told."""

import math

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import scalar
from numbatorch_kernels import lift


@torch.pointwise
def swish(x):
    return x / (1 + math.exp(-x))


@torch.pointwise
def soft_clip(x, limit):
    return scalar.where(x > limit, limit + scalar.log1p(x - limit), x)


def test_value_gradient_and_broadcast(device):
    x = torch.tensor([[0.5, -1.0], [2.0, 3.0]], device=device, requires_grad=True)
    y = soft_clip(x, torch.tensor([1.0, 0.5], device=device))
    expected = [[0.5, -1.0], [1 + math.log1p(1.0), 0.5 + math.log1p(2.5)]]
    np.testing.assert_allclose(y.detach().cpu().numpy(), expected, rtol=1e-6)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.cpu().numpy(), [[1, 1], [1 / 2, 1 / 3.5]], rtol=1e-6)


def test_in_place_with_itself_and_then_with_another(device):
    x, y = torch.full((2, 3), 3.0, device=device), torch.full((2, 3), 5.0, device=device)
    assert x.div_(x).tolist() == [[1.0] * 3] * 2
    assert y.div_(torch.full((2, 3), 2.0, device=device)).tolist() == [[2.5] * 3] * 2


def test_gradients_to_second_order():
    x = torch.tensor([-1.0, 0.3, 2.0], dtype=torch.float64, requires_grad=True)
    limit = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(swish, (x,)) and torch.autograd.gradgradcheck(swish, (x,))
    assert torch.autograd.gradcheck(soft_clip, (x, limit)) and torch.autograd.gradgradcheck(
        soft_clip, (x, limit)
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int32", "bool"])
def test_dtypes(dtype):
    x = torch.tensor([0, 1, 1]).to(getattr(torch, dtype))
    y = swish(x)
    assert y.dtype is (x.dtype if x.is_floating_point() else torch.float32)
    np.testing.assert_allclose(y.to(torch.float64).numpy(), [0, 0.7310586, 0.7310586], rtol=5e-3)


def test_plain_numbers_and_use_inside_another_body():
    assert swish(0.0) == 0 and swish(1.0) == pytest.approx(0.7310586)

    @torch.pointwise
    def twice(x):
        return swish(x) + swish(2 * x)

    x = torch.tensor([0.5, 1.0])
    np.testing.assert_allclose(twice(x).numpy(), (swish(x) + swish(2 * x)).numpy(), rtol=1e-6)


def test_a_derivative_of_its_own():
    @torch.pointwise(derivative=lambda y, x: 7.0)
    def steep(x):
        return scalar.floor(x)

    x = torch.tensor([1.5, 2.5], requires_grad=True)
    steep(x).sum().backward()
    assert x.grad.tolist() == [7, 7]


def test_source_is_readable_and_compiles_as_shown():
    text = swish.source("cpu")
    assert "for i in range(start, stop)" in text and "exp_f32" in text
    assert "cuda.grid(1)" in swish.source("cuda")
    assert "exp_f32" in swish.gradient_source("cpu")
    compile(text, "swish", "exec")


@torch.pointwise
def scaled(x, y):
    return 2 * x + y


def test_what_waits_for_memory_is_computed_in_short_vectors():
    assert "short_vectors()" in scaled.source("cpu")
    assert "short_vectors()" not in swish.source("cpu") + scaled.source("cuda")  # exp_f32 is work enough
    assert scaled(torch.arange(1001.0), torch.ones(1001)).tolist() == [2 * k + 1 for k in range(1001)]


def _branch(x):
    if x > 0:
        return x
    return -x


def _unknown(x):
    return math.gamma(x)


def _numpy(x):
    return np.fft.fft(x)


@pytest.mark.parametrize(
    "body, line", [(_branch, "if x > 0"), (_unknown, "math.gamma(x)"), (_numpy, "np.fft.fft(x)")]
)
def test_a_body_that_is_no_scalar_function_names_the_line(body, line):
    with pytest.raises(TypeError) as caught:
        torch.pointwise(body)
    assert line in str(caught.value) and "test_pointwise.py" in str(caught.value)


def test_wrong_number_of_operands():
    with pytest.raises(TypeError, match=r"swish\(\) takes 1 positional arguments but 2 were given"):
        swish(torch.ones(2), torch.ones(2))


# Layouts: the same values from contiguous, transposed, sliced, expanded, and large operands.

LAYOUTS = {
    "contiguous": lambda t: t,
    "transposed": lambda t: t.t().contiguous().t(),
    "every other column": lambda t: t.repeat_interleave(2, 1)[:, ::2],
    "a part": lambda t: torch.cat([t[:1], t, t[:1]]).repeat(1, 2)[1:-1, : t.shape[1]],
}


@pytest.mark.parametrize("first", LAYOUTS)
@pytest.mark.parametrize("second", LAYOUTS)
def test_layouts(first, second):
    a = torch.arange(12.0).view(3, 4)
    b = a.flip(0) * 0.5 + 1
    expected = a.numpy() / (b.numpy() + 1)
    x, y = LAYOUTS[first](a), LAYOUTS[second](b)
    np.testing.assert_allclose((x / (y + 1)).numpy(), expected, rtol=1e-6)
    x = x.clone()
    x.div_(y + 1)
    np.testing.assert_allclose(x.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "shapes",
    [
        ((700, 301), (301,)),
        ((700, 301), (700, 1)),
        ((1, 301), (700, 1)),
        ((), (700, 301)),
        ((210_700,), (1,)),
    ],
)
def test_large_operands_are_shared_between_threads(shapes):
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(s).astype(np.float32) for s in shapes)
    np.testing.assert_array_equal((torch.tensor(a) * torch.tensor(b)).numpy(), a * b)


@pytest.mark.parametrize(
    "element", ["float32", "float64", "float16", "bfloat16", "uint8", "int64", "bool", "complex64"]
)
def test_results_too_large_for_the_caches_go_past_them(monkeypatch, element):
    monkeypatch.setattr(lift, "PAST", 0)
    dtype, size = getattr(torch, element), 70_001 + len(element)  # a shape that nothing was planned for
    a, b = (torch.arange(size, dtype=torch.int64) * k % 7 for k in (3, 5))
    x, y = a.to(dtype), b.to(dtype)
    with monkeypatch.context() as now:
        now.setattr(lift, "PAST", 1 << 40)
        expected = [r.clone() for r in (torch.mul(x, y), torch.ne(x, y), torch.where(x != y, x, y))]
    size += 1  # and another
    x, y = (torch.cat([t[:1], t]) for t in (x, y))
    for plain, result in zip(expected, (torch.mul(x, y), torch.ne(x, y), torch.where(x != y, x, y))):
        assert result.dtype is plain.dtype and torch.equal(result[1:], plain)
    room = torch.empty(size + 3, dtype=dtype)
    for shift in range(3):  # lines begin elsewhere
        room.zero_()
        torch.mul(x, y, out=room[shift : shift + size])
        assert torch.equal(room[shift + 1 : shift + size], expected[0])
        assert not room[:shift].any() and not room[shift + size :].any()


def test_results_keep_the_order_of_dimensions():
    x = torch.ones(3, 4).t()
    assert x.exp().stride() == x.stride() and (x + x).stride() == x.stride()


def test_in_place_on_overlapping_memory():
    x = torch.arange(6.0)
    with pytest.raises(
        RuntimeError,
        match="more than one element of the written-to tensor refers to a single memory location",
    ):
        x[:1].expand(3).add_(1)
    for overwrite in (lambda: x[1:].add_(x[:-1]), lambda: x.sub_(x[2]), lambda: torch.exp(x[:5], out=x[1:])):
        with pytest.raises(
            RuntimeError, match="some elements of the input tensor and the written-to tensor refer"
        ):
            overwrite()
    assert x.tolist() == [0, 1, 2, 3, 4, 5]
    x[::2].add_(x[1:4])  # where there are gaps nobody looks closer: what is read is copied first
    assert x.tolist() == [1, 1, 4, 3, 7, 5]
    x[:3].add_(x[3:]).mul_(x[:3])
    assert x.tolist() == [16, 64, 81, 3, 7, 5]
    assert x[:1].expand(3).fill_(2).tolist() == [2, 2, 2]


@pytest.mark.parametrize("dtypes", [("float16", "bfloat16"), ("bfloat16", "float16")])
def test_one_half_becomes_the_other(dtypes, device):
    narrow, other = (getattr(torch, name) for name in dtypes)
    x = torch.tensor([0.5, -3.0, float("inf")], device=device).to(narrow)
    assert (
        x.to(other).float().tolist()
        == torch.zeros_like(x, dtype=other).copy_(x).float().tolist()
        == x.tolist()
    )


def test_remainders_of_extremes_are_those_of_c():
    values = np.array(
        [np.inf, -np.inf, 0.0, -0.0, 1e-45, 1e-38, 3e38, 1.0, -1.0, 0.5, 88.7, 1e10], np.float32
    )
    a, b = (x.reshape(-1) for x in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(torch.fmod(torch.tensor(a), torch.tensor(b)).numpy(), np.fmod(a, b))


def test_a_column_overwritten_by_its_neighbour():
    x = torch.arange(12.0).reshape(3, 4)
    x[:, 1] = x[:, 2]
    x[1:] = x[:-1].clone()
    assert x.tolist() == [[0, 2, 2, 3], [0, 2, 2, 3], [4, 6, 6, 7]]


def test_a_kernel_of_too_many_operands_is_refused():
    names = [f"x{k}" for k in range(70)]
    made: dict = {}
    exec(f"def crowd({', '.join(names)}): return {' + '.join(names)}", made)
    with pytest.raises(TypeError, match="at most 64 words of arguments"):
        torch.pointwise(made["crowd"])(*[torch.ones(2)] * 70)
