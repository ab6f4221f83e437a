"""Convolutions without PyTorch: against the definition, for any number of threads, and in little memory."""

import numpy as np
import pytest

import numbatorch as torch
from numbatorch_kernels import memory


def defined(x, w, stride, padding, dilation, groups):
    """The definition, of images."""
    (n, _, *size), (outputs, channels, *kernel) = x.shape, w.shape
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    sizes = [
        (s + 2 * p - d * (k - 1) - 1) // t + 1
        for s, p, d, k, t in zip(size, padding, dilation, kernel, stride, strict=True)
    ]
    out = np.zeros((n, outputs, *sizes))
    for o in range(outputs):
        first = o // (outputs // groups) * channels
        for a in range(kernel[0]):
            for b in range(kernel[1]):
                rows = slice(a * dilation[0], a * dilation[0] + (sizes[0] - 1) * stride[0] + 1, stride[0])
                columns = slice(b * dilation[1], b * dilation[1] + (sizes[1] - 1) * stride[1] + 1, stride[1])
                part = x[:, first : first + channels, rows, columns]
                out[:, o] += np.einsum("nchw,c->nhw", part, w[o, :, a, b])
    return out


CASES = [  # shapes of input and weight; stride, padding, dilation, groups
    ((2, 3, 9, 11), (5, 3, 3, 2), (1, 1), (1, 0), (1, 1), 1),
    ((3, 4, 12, 7), (6, 2, 3, 3), (2, 1), (0, 2), (1, 2), 2),
    ((1, 9, 20, 21), (9, 1, 3, 3), (1, 2), (1, 1), (1, 1), 9),
    ((1, 70, 40, 33), (20, 70, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((2, 5, 6, 8), (7, 5, 1, 1), (2, 3), (0, 0), (1, 1), 1),
    ((3, 16, 13, 30), (2, 16, 3, 3), (1, 1), (1, 0), (1, 1), 1),
    ((2, 20, 9, 70), (3, 20, 3, 2), (2, 2), (1, 0), (1, 2), 1),
    ((5, 1, 20, 21), (16, 1, 4, 3), (1, 1), (1, 1), (1, 1), 1),
    ((31, 16, 5, 4), (20, 8, 3, 2), (1, 1), (2, 1), (1, 1), 2),  # many small images
    ((32, 8, 3, 7), (8, 8, 1, 2), (2, 2), (4, 0), (1, 1), 1),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_definition(case):
    x, w, *how = case
    x, w = np.random.default_rng(0).normal(size=x), np.random.default_rng(1).normal(size=w)
    found = torch.conv2d(torch.tensor(x), torch.tensor(w), None, *how)
    np.testing.assert_allclose(found.numpy(), defined(x, w, *how), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transposed_convolution_is_the_adjoint(case):
    """<conv(x), y> = <x, conv_transpose(y)>"""
    x_shape, w_shape, stride, padding, dilation, groups = case
    x, w = torch.randn(x_shape, dtype=torch.float64), torch.randn(w_shape, dtype=torch.float64)
    y = torch.conv2d(x, w, None, stride, padding, dilation, groups)
    other = torch.randn_like(y)
    reached = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1
        for n, s, p, d, k in zip(y.shape[2:], stride, padding, dilation, w_shape[2:], strict=True)
    ]
    more = [n - r for n, r in zip(x_shape[2:], reached, strict=True)]
    back = torch.conv_transpose2d(other, w, None, stride, padding, more, groups, dilation)
    torch.testing.assert_close((y * other).sum(), (x * back).sum())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_any_number_of_threads_gives_the_same(case):
    x, w, *how = case
    x, w = (torch.randn(*shape, requires_grad=True) for shape in (x, w))
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            y = torch.conv2d(x, w, None, *how)
            found.append([y, *torch.autograd.grad((y * y).sum(), [x, w])])
    finally:
        torch.set_num_threads(threads)
    for one, two, three in zip(*found, strict=True):
        assert torch.equal(one, two) and torch.equal(one, three)


def test_patches_are_never_all_in_memory(monkeypatch):
    x, w = torch.randn(4, 32, 64, 64, requires_grad=True), torch.randn(32, 32, 3, 3, requires_grad=True)
    taken, empty = [], memory.empty

    def counted(shape, dtype):
        taken.append(int(np.prod(shape)) * dtype.itemsize)
        return empty(shape, dtype)

    monkeypatch.setattr(memory, "empty", counted)
    y = torch.conv2d(x, w, padding=1)
    assert sum(taken) < 2 * y.nbytes  # all patches would be 9
    taken.clear()
    y.sum().backward()
    assert sum(taken) < 5 * y.nbytes


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_halves_are_float32_some_images_at_a_time(dtype, monkeypatch):
    x, w, bias = (
        torch.randn(*shape).to(getattr(torch, dtype)) for shape in ((7, 3, 9, 8), (4, 3, 3, 3), (4,))
    )
    taken, empty = [], memory.empty

    def counted(shape, kind):
        taken.append((shape, kind))
        return empty(shape, kind)

    monkeypatch.setattr("numbatorch.ops.conv.AT_ONCE", 2 * 3 * 9 * 8)
    found = []
    for one in ((x, w, bias), (x.float(), w.float(), bias.float())):
        back = torch.conv_transpose2d(one[0][:, :2].repeat(1, 2, 1, 1), one[1])
        one = [operand.requires_grad_() for operand in one]
        y = torch.conv2d(*one)
        found.append([y, back, *torch.autograd.grad(y.sum(), one)])
    for half, wide in zip(*found, strict=True):
        assert half.dtype is x.dtype
        torch.testing.assert_close(half, wide.to(half.dtype))
    monkeypatch.setattr(memory, "empty", counted)
    torch.conv2d(x.detach(), w.detach())
    assert ((7, 3, 9, 8), np.dtype("f4")) not in taken and ((7, 4, 7, 6), np.dtype("f4")) not in taken
    assert ((2, 4, 7, 6), np.dtype("f4")) in taken


def test_integers_are_exact():
    x = torch.full((1, 1, 1, 3), 1 << 40)
    assert torch.conv2d(x, torch.ones(1, 1, 1, 2, dtype=torch.int64)).tolist() == [[[[1 << 41, 1 << 41]]]]
    found = torch.conv_transpose2d(x, torch.ones(1, 1, 1, 2, dtype=torch.int64))
    assert found.tolist() == [[[[1 << 40, 1 << 41, 1 << 41, 1 << 40]]]]


def test_the_layer_of_an_unknown_input():
    net = torch.nn.Sequential(torch.nn.LazyConv2d(4, 3), torch.nn.Flatten(), torch.nn.LazyLinear(2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        net[0].weight + 1
    net(torch.randn(2, 3, 5, 6)).sum().backward()
    optimizer.step()
    assert isinstance(net[0], torch.nn.Conv2d) and type(net[0]) is torch.nn.Conv2d
    assert net[0].weight.shape == (4, 3, 3, 3) and net[2].in_features == 4 * 3 * 4
