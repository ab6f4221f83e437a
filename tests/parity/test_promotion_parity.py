"""Promotion, over all pairs and categories of operands, equals PyTorch's."""

from __future__ import annotations

from itertools import product

import pytest

from numbatorch.dtype import (
    ALL_DTYPES,
    DIMENSIONED,
    NUMBER,
    ZERO_DIM,
    DType,
    as_dtype,
    can_cast,
    finfo,
    get_default_dtype,
    iinfo,
    number_dtype,
    promote_types,
    result_dtype,
    set_default_dtype,
)

torch = pytest.importorskip("torch")

DTYPES = {dtype.name: dtype for dtype in ALL_DTYPES}
NUMBERS = (True, 3, 2.5, 1j)
PAIRS = list(product(ALL_DTYPES, repeat=2))


def theirs(dtype: DType):
    return getattr(torch, dtype.name)


def our(dtype) -> DType:
    """Our dtype for PyTorch's. The one it has and we lack, complex32, is complex64 here."""
    name = str(dtype).removeprefix("torch.")
    return DTYPES["complex64" if name == "complex32" else name]


@pytest.fixture(params=["float32", "float64", "float16", "bfloat16"])
def default(request):
    """Runs under each default dtype, set there and here."""
    before = torch.get_default_dtype(), get_default_dtype()
    torch.set_default_dtype(getattr(torch, request.param))
    set_default_dtype(DTYPES[request.param])
    yield
    torch.set_default_dtype(before[0])
    set_default_dtype(before[1])


def test_promote_types():
    for a, b in PAIRS:
        assert promote_types(a, b) is our(torch.promote_types(theirs(a), theirs(b))), (a, b)
    for kind in (bool, int, float, complex):
        assert as_dtype(kind) is our(torch.promote_types(kind, torch.bool))


def test_can_cast():
    for a, b in PAIRS:
        assert can_cast(a, b) is torch.can_cast(theirs(a), theirs(b)), (a, b)


def test_result_type_of_pairs(default):
    for a, b in PAIRS:
        for (shape_a, category_a), (shape_b, category_b) in product(
            [((), ZERO_DIM), ((2,), DIMENSIONED)], repeat=2
        ):
            expected = torch.result_type(
                torch.zeros(shape_a, dtype=theirs(a)), torch.zeros(shape_b, dtype=theirs(b))
            )
            assert result_dtype((a, category_a), (b, category_b)) is our(expected), (a, shape_a, b, shape_b)


def test_result_type_with_numbers(default):
    for a, number in product(ALL_DTYPES, NUMBERS):
        other = (number_dtype(number), NUMBER)
        for shape, category in (((), ZERO_DIM), ((2,), DIMENSIONED)):
            x = torch.zeros(shape, dtype=theirs(a))
            assert result_dtype((a, category), other) is our(torch.result_type(x, number)), (a, shape, number)
            assert result_dtype(other, (a, category)) is our(torch.result_type(number, x)), (a, shape, number)
    for number, other in product(NUMBERS, repeat=2):
        pair = [(number_dtype(value), NUMBER) for value in (number, other)]
        assert result_dtype(*pair) is our(torch.result_type(number, other)), (number, other)


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_results_of_operations(default):
    """What `result_type` says is what arithmetic does: of tensors with tensors, and with numbers."""
    for a, b in PAIRS:
        x, y = torch.zeros(2, dtype=theirs(a)), torch.zeros((), dtype=theirs(b))
        assert result_dtype((a, DIMENSIONED), (b, ZERO_DIM)) is our((x + y).dtype), (a, b)
    for a, number in product(ALL_DTYPES, NUMBERS):
        sum_ = torch.zeros(2, dtype=theirs(a)) + number
        assert result_dtype((a, DIMENSIONED), (number_dtype(number), NUMBER)) is our(sum_.dtype), (a, number)


def test_three_operands():
    """`clamp` promotes three tensors at once, in every mixture of categories."""
    dtypes = [DTYPES[name] for name in ("uint8", "int8", "int64", "float16", "bfloat16", "float64")]
    operands = [(dtype, *kind) for dtype, kind in product(dtypes, [((), ZERO_DIM), ((2,), DIMENSIONED)])]
    for three in product(operands, repeat=3):
        tensors = [torch.zeros(shape, dtype=theirs(dtype)) for dtype, shape, _ in three]
        assert result_dtype(*((d, category) for d, _, category in three)) is our(
            torch.clamp(*tensors).dtype
        ), three


def test_attributes():
    for dtype in ALL_DTYPES:
        peer = theirs(dtype)
        assert repr(dtype) == repr(peer) and str(dtype) == str(peer)
        for name in ("itemsize", "is_floating_point", "is_complex", "is_signed"):
            assert getattr(dtype, name) == getattr(peer, name), (dtype, name)
        assert dtype.to_real() is our(peer.to_real())
        if dtype.is_floating_point or dtype.is_complex:
            assert dtype.to_complex() is our(peer.to_complex())
        else:
            with pytest.raises(RuntimeError) as expected:
                peer.to_complex()
            with pytest.raises(RuntimeError) as actual:
                dtype.to_complex()
            assert str(actual.value) == str(expected.value)


@pytest.mark.parametrize("limits", [finfo, iinfo])
def test_limits(limits):
    peer_limits = getattr(torch, limits.__name__)
    for dtype in ALL_DTYPES:
        try:
            expected = peer_limits(theirs(dtype))
        except TypeError as error:
            with pytest.raises(TypeError) as actual:
                limits(dtype)
            assert str(actual.value) == str(error)
        else:
            actual = limits(dtype)
            assert repr(actual) == repr(expected)
            for name in limits.__slots__:
                assert getattr(actual, name) == getattr(expected, name), (dtype, name)
