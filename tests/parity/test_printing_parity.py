"""`repr` of thousands of random tensors, under random print options, equals PyTorch's."""

from __future__ import annotations

import random

import numpy as np
import pytest

from numbatorch.device import device as Device
from numbatorch.dtype import ALL_DTYPES, DType, get_default_dtype, set_default_dtype
from numbatorch.printing import get_printoptions, set_printoptions, tensor_repr

torch = pytest.importorskip("torch")

DTYPES = {dtype.name: dtype for dtype in ALL_DTYPES}
SPECIALS = (0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e-320)
TENSORS = 400  # of each dtype and setting


@pytest.fixture(autouse=True)
def default_settings():
    """Puts defaults and print options back, there and here."""
    theirs, ours = torch.get_default_dtype(), get_default_dtype()
    options = get_printoptions()
    yield
    torch.set_default_dtype(theirs)
    set_default_dtype(ours)
    torch.set_printoptions(profile="default")
    set_printoptions(**options)


def random_shape(rng: random.Random) -> list[int]:
    if rng.random() < 0.1:
        return [rng.choice([999, 1000, 1001, 2000])]
    while True:
        shape = [rng.choice([0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 13, 30]) for _ in range(rng.randint(0, 4))]
        if np.prod(shape) <= 10_000:
            return shape


def random_floats(rng: random.Random, shape: list[int]):
    """Normal numbers of one magnitude or of many, some rounded, zeros and non-finite numbers among them."""
    magnitude = rng.choice([0, 0, 1, 3, 5, -3, -5, 20, -20, 300])
    x = torch.randn(shape, dtype=torch.float64) * 10.0**magnitude
    if rng.random() < 0.3:
        x = x * 10.0 ** (torch.randn(shape) * rng.choice([0.3, 2]))
    if rng.random() < 0.3:
        x = x.round()
    for share in (0.1, 0.9, 1.0):
        if rng.random() < 0.2:
            x = torch.where(torch.rand(shape) < share, torch.tensor(rng.choice(SPECIALS)), x)
    return x


def random_tensor(rng: random.Random, dtype: DType):
    shape = random_shape(rng)
    theirs = getattr(torch, dtype.name)
    if dtype.is_complex:
        x = torch.complex(random_floats(rng, shape), random_floats(rng, shape)).to(theirs)
    elif dtype.is_floating_point:
        x = random_floats(rng, shape).to(theirs)
    elif dtype.name == "bool":
        x = torch.rand(shape) > 0.5
    else:
        limits, bound = torch.iinfo(theirs), rng.choice([1, 10, 1000, 10**9, 2**62])
        x = torch.randint(max(limits.min, -bound), min(limits.max, bound), shape, dtype=theirs)
    if (dtype.is_floating_point or dtype.is_complex) and rng.random() < 0.2:
        x.requires_grad_()
        x = x + 0 if rng.random() < 0.5 else x
    return (
        x.transpose(0, 1) if x.dim() > 1 and x.is_leaf and not x.requires_grad and rng.random() < 0.3 else x
    )


def random_options(rng: random.Random) -> dict:
    return {
        "precision": rng.choice([None, 0, 1, 2, 8]),
        "threshold": rng.choice([None, 0, 5, 100, float("inf")]),
        "edgeitems": rng.choice([None, 0, 1, 2, 5]),
        "linewidth": rng.choice([None, 1, 20, 40, 120]),
        "profile": rng.choice([None, "default", "short", "full"]),
        "sci_mode": rng.choice([None, None, True, False]),
    }


def ours(x) -> str:
    values = x.detach().float() if x.dtype == torch.bfloat16 else x.detach()
    dtype = DTYPES[str(x.dtype).removeprefix("torch.")]
    grad_fn_name = type(x.grad_fn).__name__ if x.grad_fn is not None else None
    return tensor_repr(
        values.numpy(), dtype, Device("cpu"), requires_grad=x.requires_grad, grad_fn_name=grad_fn_name
    )


@pytest.mark.parametrize("dtype", ALL_DTYPES, ids=str)
def test_default_options(dtype):
    rng = random.Random(f"{dtype} by default")
    torch.manual_seed(1)
    for _ in range(TENSORS):
        x = random_tensor(rng, dtype)
        assert ours(x) == repr(x)


@pytest.mark.parametrize("dtype", ALL_DTYPES, ids=str)
def test_options_and_default_dtypes(dtype):
    rng = random.Random(f"{dtype} with options")
    torch.manual_seed(2)
    for _ in range(TENSORS):
        x = random_tensor(rng, dtype)
        default = rng.choice(["float32", "float64", "float16", "bfloat16"])
        torch.set_default_dtype(getattr(torch, default))
        set_default_dtype(DTYPES[default])
        options = random_options(rng)
        torch.set_printoptions(**options)
        set_printoptions(**options)
        assert get_printoptions() == torch._tensor_str.get_printoptions()
        assert ours(x) == repr(x), options


def test_suffixes_of_gpu_tensors_wrap():
    """There is no GPU to ask; PyTorch's function that joins suffixes needs none."""
    rng = random.Random(3)
    for _ in range(500):
        x = torch.arange(rng.randint(1, 40)) * 1.0
        name = rng.choice("AX") * rng.randint(1, 60)
        suffixes = ["device='cuda:0'", "dtype=torch.float64", f"grad_fn=<{name}>"]
        expected = torch._tensor_str._add_suffixes(
            repr(x)[:-1], suffixes, len("tensor("), force_newline=False
        )
        text = tensor_repr(
            x.double().numpy(), DTYPES["float64"], Device("cuda:0"), requires_grad=True, grad_fn_name=name
        )
        assert text == expected
