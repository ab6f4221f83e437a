"""Numbers that a dtype has no room for are refused where PyTorch refuses them, with its words, and taken where it takes
them."""

import pytest
from parity.expressions import assert_same

LARGE = {
    "uint8": ("300", "-300", "2**40", "2**63", "1e5"),
    "int8": ("300", "2**63", "1.5"),
    "int64": ("2**63", "1e39"),
    "float16": ("1e5", "2**40", "1e39"),
    "float32": ("1e39", "-1e50"),
}


@pytest.mark.parametrize("dtype", LARGE)
@pytest.mark.parametrize(
    "case",
    [
        "x.clamp_(max={})",
        "x.clamp_min({})",
        "L.where(x > 0, x, {})",
        "L.add(x, x, alpha={})",
        "L.addcmul(x, x, x, value={})",
        "L.lerp(x, x, {})",
        "x ** {}",
        "F.leaky_relu(x, {})",
        "F.elu(x, {})",
        "F.softplus(x, 1, {})",
        "F.hardtanh(x, 0, {})",
        "F.threshold(x, 1, {})",
        "F.hardshrink(x, {})",
        "F.softshrink(x, {})",
        "L.addr(x, x, x, beta={})",
        "L.addmm(x[None], x[None], L.stack([x, x]), alpha={})",
        "L.full_like(x, {})",
        "L.masked_fill(x, x > 0, {})",
        "x.bitwise_and_({})",
    ],
)
def test_a_number_out_of_range(case, dtype):
    for number in LARGE[dtype]:
        assert_same(f"[x := L.ones(2, dtype=L.{dtype}), {case.format(number)}][-1]", rtol=1e-6)


@pytest.mark.parametrize(
    "case",
    [
        "L.full((1,), 2**64)",
        "L.full((1,), -2**63 - 1)",
        "L.ones(1, dtype=L.bool) + 2**63",
        "L.ones(1, dtype=L.bool) ** True",
        "L.zeros(1, dtype=L.bool) ** False",
        "[x := L.ones(2), x.__setitem__(0, 2**63)][0]",
        "L.ones(2).clamp(max=2**64)",
        "L.add(i([1]), i([1]), alpha=True)",
        "L.add(i([1.0]), i([1.0]), alpha=1j)",
        "L.sub(i([True]), i([True]), alpha=1j)",
        "i([1]).clamp_(max=1.5)",
        "L.clamp(i([1.0]), max=1.5, out=i([1]))",
        "L.clamp(i([True]), max=True)",
        "i([1]).bitwise_or_(i([1.0]))",
        "L.bitwise_xor(i([1]), 1.5)",
        "i([True]) << True",
    ],
)
def test_a_number_of_another_kind(case):
    assert_same(case)


@pytest.mark.parametrize("number", ["float", "int", "complex", "bool"])
@pytest.mark.parametrize(
    "tensor", ["L.zeros(3)", "L.zeros(0)", "L.zeros(1, 1)", "L.tensor([1j])", "L.tensor(2)"]
)
def test_the_number_of_a_tensor(number, tensor):
    assert_same(f"{number}({tensor})")


@pytest.mark.parametrize(
    "case",
    [
        "L.linspace(0, 1, 1, dtype=L.bool)",
        "L.linspace(0, 1, 0, dtype=L.bool)",
        "L.linspace(0, 1, 2, dtype=L.bool)",
        "F.layer_norm(L.ones(2, 4), 4)",
        "F.rms_norm(L.ones(2, 4), 4)",
        "F.layer_norm(L.ones(2, 4), [4.0])",
    ],
)
def test_a_number_in_the_place_of_several(case):
    assert_same(case)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
@pytest.mark.parametrize("other", [1, 2, 3, 4, 7, -2, -3, -7])
def test_quotients_of_the_largest_integers(dtype, other):
    x = f"L.tensor([L.iinfo(L.{dtype}).min, L.iinfo(L.{dtype}).max, L.iinfo(L.{dtype}).min + 1, 7, 0, 1], dtype=L.{dtype})"
    for case in (
        "L.div(x, b, rounding_mode='trunc')",
        "L.div(x, b, rounding_mode='floor')",
        "L.fmod(x, b)",
        "x % b",
        "x // b",
        "L.div(b, x[:4], rounding_mode='trunc')",
        "L.fmod(L.full_like(x[:4], 5), x[:4])",
    ):
        for b in (
            str(other),
            f"L.full_like(x, {other})[:4]" if "x[:4]" in case else f"L.full_like(x, {other})",
        ):
            assert_same(f"(lambda x, b: {case})({x}, {b.replace('x', x)})")


@pytest.mark.parametrize(
    "case",
    [
        "F.avg_pool2d(x, 2)",
        "F.avg_pool2d(x, 3, 2, 1, True, False)",
        "F.avg_pool2d(x, (2, 3), 1, (1, 0), divisor_override=5)",
        "F.avg_pool3d(x, 2)",
        "F.avg_pool1d(x[0], 2, ceil_mode=True)",
    ],
)
def test_means_of_the_largest_integers(case):
    assert_same(f"[x := L.tensor([2**63 - 1, -2**63, 2**53 + 1, 2, -7] * 9).reshape(1, 3, 3, 5), {case}][-1]")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("place", ["0", "...", "None", "[0]", "x == 0", "slice(1)"])
@pytest.mark.parametrize("number", ["1e6", "-1e39", "10**6", "65510", "float('nan')"])
def test_a_number_assigned_to_halves_may_become_infinite(dtype, place, number):
    assert_same(f"[x := L.zeros(2, dtype=L.{dtype}), x.__setitem__({place}, {number})][0]")
