"""What an expression gives with PyTorch and with numbatorch: the same values, dtypes, shapes and warnings, or
the same error by class and first line."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import torch

import numbatorch


def outcome(library: Any, case: str, *, whole: bool = False, **names: Any) -> tuple[Any, list[str]]:
    """The result of `case`, an expression of `L` (the library), `F` (its nn.functional), `i` (its function tensor), `np` and
    `names`, or (error class, first line; `whole`: all lines); and the first
    lines of its warnings."""
    names = {"L": library, "F": library.nn.functional, "i": library.tensor, "np": np, **names}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = eval(case, names)
        except Exception as error:
            text = str(error)
            result = (type(error).__name__, text if whole else text.split("\n")[0])
    return result, [str(w.message).split(" (Triggered")[0] for w in caught]


def assert_equal(ours: Any, theirs: Any, rtol: float = 0.0, atol: float = 0.0) -> None:
    """Results agree: tensors by dtype, shape and value, sequences item by item, anything else as text."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, numbatorch.Tensor), f"{ours!r} against PyTorch's {theirs!r}"
        assert (str(ours.dtype), tuple(ours.shape)) == (str(theirs.dtype), tuple(theirs.shape))
        wide = theirs.detach().resolve_conj().resolve_neg()
        if theirs.dtype is torch.bfloat16:
            ours, wide = ours.float(), wide.float()
        np.testing.assert_allclose(ours.detach().numpy(), wide.numpy(), rtol=rtol, atol=atol)
    elif isinstance(theirs, tuple | list):
        assert len(ours) == len(theirs), f"{ours!r} against PyTorch's {theirs!r}"
        for a, b in zip(ours, theirs, strict=True):
            assert_equal(a, b, rtol, atol)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), f"{ours!r} against PyTorch's {theirs!r}"
        assert_equal(list(ours.values()), list(theirs.values()), rtol, atol)
    elif isinstance(theirs, float):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)
    else:
        hide = re.compile(r" object at 0x[0-9a-f]+|\bnumbatorch\.tensor\.|\btorch\.(?=Tensor)")
        assert hide.sub("", repr(ours)) == hide.sub("", repr(theirs))


def assert_same(
    case: str, rtol: float = 0.0, atol: float = 0.0, *, whole: bool = False, **names: Any
) -> None:
    """`case` does with numbatorch what it does with PyTorch; `names` are NumPy arrays, made tensors of each."""
    found = []
    for library in (numbatorch, torch):
        operands = {k: library.from_numpy(v.copy()) for k, v in names.items()}
        found.append(outcome(library, case, whole=whole, **operands))
    (ours, our_warnings), (theirs, their_warnings) = found
    assert_equal(ours, theirs, rtol, atol)
    assert our_warnings == their_warnings
