"""`Size`, and the rules of broadcasting, reshaping, dimension numbers and reductions."""

from __future__ import annotations

import copy
import pickle
from itertools import product

import numpy as np
import pytest

from numbatorch.shape import (
    Size,
    broadcast_pair,
    broadcast_shapes,
    contiguous_strides,
    infer_shape,
    make_size,
    normalize_dim,
    normalize_dims,
    reduced_shape,
    reduction_dims,
)

# --- Size


def test_size():
    size = Size([2, 3])
    assert repr(size) == str(size) == "torch.Size([2, 3])" and repr(Size()) == "torch.Size([])"
    assert size == (2, 3) and hash(size) == hash((2, 3)) and isinstance(size, tuple)
    assert size.numel() == 6 and Size([]).numel() == 1 and Size([3, 0]).numel() == 0
    assert size[0] == 2 and size[-1] == 3 and [*size] == [2, 3]
    assert make_size((2, 3)) == size and type(make_size((2, 3))) is Size


def test_what_stays_a_size():
    size, four = Size([2, 3]), (4,)
    for made, expected in [
        (size[:1], (2,)), (size[::-1], (3, 2)), (size + four, (2, 3, 4)), (four + size, (4, 2, 3)),
        (size + size, (2, 3, 2, 3)), (size * 2, (2, 3, 2, 3)), (2 * size, (2, 3, 2, 3)),
        (pickle.loads(pickle.dumps(size)), (2, 3)), (copy.deepcopy(size), (2, 3)),
    ]:  # fmt: skip
        assert type(made) is Size and made == expected


def test_size_takes_integers():
    a_list, floats = [3], (2.5,)
    assert [type(item) for item in Size([np.int64(2), True])] == [int, int]
    for items, text in [
        ([2, 1.5], r"torch.Size\(\) takes an iterable of 'int' \(item 1 is 'float'\)"),
        ("a", r"torch.Size\(\) takes an iterable of 'int' \(item 0 is 'str'\)"),
        (3, "'int' object is not iterable"),
    ]:
        with pytest.raises(TypeError, match=f"^{text}$"):
            Size(items)
    with pytest.raises(TypeError, match=r"^can only concatenate tuple \(not list\) to torch.Size$"):
        Size([2]) + a_list
    with pytest.raises(TypeError, match=r"\(item 1 is 'float'\)"):
        Size([2]) + floats


def test_strides():
    assert contiguous_strides((2, 3, 4)) == (12, 4, 1)
    assert contiguous_strides(()) == ()
    assert contiguous_strides((2, 0, 4)) == (4, 4, 1)


# --- broadcasting

SHAPES = [(), (1,), (3,), (0,), (1, 3), (2, 1), (2, 3), (4, 2, 1), (1, 1, 1), (2, 0)]


@pytest.mark.parametrize(("a", "b"), list(product(SHAPES, repeat=2)))
def test_broadcasting_is_numpys(a, b):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        for function in (broadcast_pair, broadcast_shapes):
            with pytest.raises(RuntimeError):
                function(a, b)
    else:
        assert broadcast_pair(a, b) == broadcast_shapes(a, b) == expected


@pytest.mark.parametrize(
    ("a", "b", "sizes", "dim"),
    [((2, 3), (2,), (3, 2), 1), ((2, 3), (4, 3), (2, 4), 0), ((0,), (2,), (0, 2), 0),
     ((4, 2, 3), (3, 3), (2, 3), 1), ((2, 3), (3, 2), (3, 2), 1)],
)  # fmt: skip
def test_operands_that_do_not_fit(a, b, sizes, dim):
    with pytest.raises(RuntimeError) as error:
        broadcast_pair(a, b)
    assert str(error.value) == (
        f"The size of tensor a ({sizes[0]}) must match the size of tensor b ({sizes[1]}) "
        f"at non-singleton dimension {dim}"
    )


def test_broadcast_shapes():
    assert broadcast_shapes() == () and type(broadcast_shapes()) is Size
    assert broadcast_shapes((5, 1), 3, [2, 1, 1]) == (2, 5, 3)
    with pytest.raises(RuntimeError) as error:
        broadcast_shapes((2, 1), 3, (2, 4))
    assert str(error.value) == (
        "Attempting to broadcast a dimension of length 4 at -1! Mismatching argument at index 2 had (2, 4); "
        "but expected shape should be broadcastable to [2, 3]"
    )
    with pytest.raises(ValueError, match=r"^Attempting to broadcast a dimension with negative length!$"):
        broadcast_shapes((-1,), (2,))


# --- reshaping


@pytest.mark.parametrize(
    ("sizes", "numel", "shape"),
    [((6,), 6, (6,)), ((2, -1), 6, (2, 3)), ((2, -1, 3), 6, (2, 1, 3)), ((), 1, ()), ((1, -1), 1, (1, 1)),
     ((-1,), 0, (0,)), ((-1, 3), 0, (0, 3)), ([3, 2], 6, (3, 2))],
)  # fmt: skip
def test_infer_shape(sizes, numel, shape):
    assert infer_shape(sizes, numel) == shape


@pytest.mark.parametrize(
    ("sizes", "numel", "text"),
    [
        ((3,), 4, "shape '[3]' is invalid for input of size 4"),
        ((-1, 3), 4, "shape '[-1, 3]' is invalid for input of size 4"),
        ((-1, 0), 4, "shape '[-1, 0]' is invalid for input of size 4"),
        ((), 4, "shape '[]' is invalid for input of size 4"),
        ((-1, -1), 4, "only one dimension can be inferred"),
        ((-1, -2), 4, "invalid shape dimension -2 at index 1 of shape [-1, -2]"),
        ((-1, 0), 0,
         "cannot reshape tensor of 0 elements into shape [-1, 0] because the unspecified dimension size -1 "
         "can be any value and is ambiguous"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(sizes, numel, text):
    with pytest.raises(RuntimeError) as error:
        infer_shape(sizes, numel)
    assert str(error.value) == text


# --- dimensions and reductions


def test_normalize_dim():
    assert [normalize_dim(dim, 3) for dim in (-3, -1, 0, 2)] == [0, 2, 0, 2]
    assert normalize_dim(0, 0) == normalize_dim(-1, 0) == 0
    for dim, ndim, low, high in [(2, 2, -2, 1), (-3, 2, -2, 1), (1, 0, -1, 0)]:
        with pytest.raises(IndexError) as error:
            normalize_dim(dim, ndim)
        assert str(error.value) == (
            f"Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})"
        )


def test_normalize_dims():
    assert normalize_dims((-1, 0), 3) == (2, 0) and normalize_dims((), 3) == ()
    with pytest.raises(RuntimeError, match=r"^dim 1 appears multiple times in the list of dims$"):
        normalize_dims((1, -1), 2)


def test_reduction_dims():
    assert reduction_dims(None, 3) == reduction_dims((), 3) == (0, 1, 2)
    assert reduction_dims(-1, 3) == (2,) and reduction_dims((2, 0), 3) == (0, 2)
    assert reduction_dims(0, 0) == reduction_dims((-1,), 0) == reduction_dims(None, 0) == ()


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [None, 0, -1, (0, 2), (), (1, -1)])
def test_reduced_shape_is_numpys(dim, keepdim):
    shape = (2, 3, 4)
    axes = reduction_dims(dim, 3)
    assert reduced_shape(shape, axes, keepdim) == np.zeros(shape).sum(axes, keepdims=keepdim).shape
