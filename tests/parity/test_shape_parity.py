"""Shapes and the errors of shapes that do not fit, over many random shapes, equal PyTorch's."""

from __future__ import annotations

import random
from functools import partial
from operator import add

import pytest

import numbatorch
from numbatorch.shape import (
    Size,
    broadcast_pair,
    broadcast_shapes,
    contiguous_strides,
    infer_shape,
    normalize_dim,
    reduced_shape,
    reduction_dims,
)

torch = pytest.importorskip("torch")


def outcome(function, *arguments):
    """The shape that a function returns (of a tensor, its shape), or the class and text of what it raises."""
    try:
        result = function(*arguments)
    except Exception as error:
        return type(error), str(error)
    return tuple(result.shape if isinstance(result, torch.Tensor) else result)


def our_reduction(shape, dim, keepdim):
    return reduced_shape(shape, reduction_dims(dim, len(shape)), keepdim)


def failed(result: tuple) -> bool:
    return bool(result) and isinstance(result[0], type)


def random_shape(rng: random.Random, sizes=(0, 1, 1, 2, 3), longest=4) -> tuple[int, ...]:
    return tuple([rng.choice(sizes) for _ in range(rng.randint(0, longest))])


def test_broadcasting():
    rng = random.Random(0)
    for _ in range(2000):
        a, b, c = (random_shape(rng) for _ in range(3))
        assert outcome(broadcast_pair, a, b) == outcome(
            lambda a, b: (torch.zeros(a) + torch.zeros(b)).shape, a, b
        ), (
            a,
            b,
        )
        assert outcome(broadcast_shapes, a, b, c) == outcome(torch.broadcast_shapes, a, b, c), (a, b, c)


def test_reshaping():
    rng = random.Random(1)
    for _ in range(3000):
        shape = random_shape(rng)
        sizes = random_shape(rng, sizes=(-2, -1, -1, 0, 1, 2, 3, 6))
        x = torch.zeros(shape)
        assert outcome(infer_shape, sizes, x.numel()) == outcome(x.view, sizes), (shape, sizes)


def test_reductions():
    rng = random.Random(2)
    for _ in range(3000):
        shape, keepdim = random_shape(rng), rng.random() < 0.5
        dim = rng.choice([None, rng.randint(-5, 5), random_shape(rng, sizes=range(-4, 4), longest=3)])
        expected = outcome(partial(torch.zeros(shape).sum, keepdim=keepdim), dim)
        actual = outcome(our_reduction, shape, dim, keepdim)
        assert actual == expected, (shape, dim, keepdim)


def test_dims_and_strides():
    rng = random.Random(3)
    for _ in range(500):
        shape, dim = random_shape(rng), rng.randint(-6, 6)
        x = torch.zeros(shape)
        assert contiguous_strides(shape) == x.stride()
        expected = outcome(x.squeeze, dim)
        if failed(expected):
            with pytest.raises(expected[0]) as error:
                normalize_dim(dim, len(shape))
            assert str(error.value) == expected[1]
        else:
            assert 0 <= normalize_dim(dim, len(shape)) < max(1, len(shape))
        expected = outcome(x.unsqueeze, dim)
        if failed(expected):
            with pytest.raises(expected[0]) as error:
                normalize_dim(dim, len(shape) + 1)
            assert str(error.value) == expected[1]


@pytest.mark.parametrize(
    "case",
    [
        "x + y",
        "L.where(x > y, x, 2.0)",
        "-x",
        "x.clone()",
        "L.empty_like(x)",
        "L.lerp(y, x, y)",
        "x.flip(0)",
        "x.masked_fill(y > 0, 2.0)",
        "y.masked_fill(x > 0, 2.0)",
    ],
)
def test_how_results_lie_in_memory(case):
    """`x` and `y` of random dimensions, in random order in memory, with gaps, and repeated."""
    rng = random.Random(4)
    for _ in range(150):
        ndim = rng.randint(1, 4)
        sizes, order = [rng.randint(3, 5) for _ in range(ndim)], rng.sample(range(ndim), ndim)
        gap, repeated = rng.randint(1, 2), [rng.random() < 0.3 for _ in range(ndim)]
        found = []
        for library in (numbatorch, torch):
            x = library.zeros([sizes[d] for d in order]).permute([order.index(d) for d in range(ndim)])[
                ..., ::gap
            ]
            y = library.zeros([1 if one else n for one, n in zip(repeated, x.shape, strict=True)])
            result = eval(case, {"L": library, "x": x, "y": y})
            found.append((tuple(result.shape), tuple(result.stride())))
        ours, theirs = found
        assert ours == theirs, (case, sizes, order, gap, repeated)


def test_size():
    for items in ([], [2, 3], (True,), "ab", [1.5], 3, [None]):
        assert outcome(Size, items) == outcome(torch.Size, items)
    ours, theirs = Size([2, 3]), torch.Size([2, 3])
    for other in ((4,), Size([4]), [4], 3, (2.5,)):
        assert outcome(add, ours, other) == outcome(add, theirs, other)
    assert (
        repr(ours) == repr(theirs) and repr(ours[:1]) == repr(theirs[:1]) and ours.numel() == theirs.numel()
    )
