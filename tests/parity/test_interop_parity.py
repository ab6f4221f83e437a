"""Memory shared with PyTorch, and the spelling of numbers."""

import pytest

torch = pytest.importorskip("torch")

import numbatorch


def test_dlpack_both_ways():
    ours = numbatorch.arange(6.0).view(2, 3)
    theirs = torch.from_dlpack(ours)
    theirs[0, 0] = 9
    assert ours[0, 0].item() == 9
    back = numbatorch.from_dlpack(torch.arange(4))
    assert back.dtype is numbatorch.int64 and back.tolist() == [0, 1, 2, 3]
    assert torch.from_dlpack(ours.t()).stride() == (1, 3)


@pytest.mark.parametrize("make", [
    lambda t: t.arange(5), lambda t: t.arange(1, 2.5, 0.5), lambda t: t.arange(5, 0, -2), lambda t: t.linspace(0, 1, 5), lambda t: t.linspace(-3, 10, 7),
    lambda t: t.eye(3), lambda t: t.eye(2, 4), lambda t: t.full((2, 2), 7), lambda t: t.full((2,), 1.5), lambda t: t.logspace(0, 2, 3),
    lambda t: t.zeros(2, 0), lambda t: t.ones(2, dtype=t.int8), lambda t: t.tensor([[1, 2], [3, 4]]).new_tensor([1.5]), lambda t: t.zeros(3).new_full((2,), 4),
    lambda t: t.tensor(3.0), lambda t: t.ones(2, 3).to(t.bfloat16), lambda t: t.tensor([1.5, -2.5]).to(t.uint8), lambda t: t.tensor([300, -1]).to(t.uint8),
    lambda t: t.tensor([1e10, -1e10]).to(t.int8), lambda t: t.tensor([float("nan")]).to(t.bool), lambda t: t.tensor([1 + 2j, 3]), lambda t: t.tensor([1 + 2j]).abs(),
    lambda t: t.tensor([1 + 2j]) * t.tensor([3 - 1j]), lambda t: t.tensor([1 + 2j]).real, lambda t: t.tensor([1 + 2j]).imag,
])  # fmt: skip
def test_creation_prints_the_same(make):
    assert repr(make(numbatorch)) == repr(make(torch))
