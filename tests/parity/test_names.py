"""The names that everyday programs use are here, and take the arguments that PyTorch documents.

`pytest -s tests/parity/test_names.py` prints what PyTorch has beside them and this library has not.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import numbatorch

NAMES = (Path(__file__).parent / "core_names.txt").read_text(encoding="utf-8").split()
SPACES = {
    "torch": (torch, numbatorch),
    "Tensor": (torch.Tensor, numbatorch.Tensor),
    "nn.functional": (torch.nn.functional, numbatorch.nn.functional),
    "linalg": (torch.linalg, numbatorch.linalg),
    "special": (torch.special, numbatorch.special),
}
if hasattr(numbatorch, "fft"):
    SPACES["fft"] = (torch.fft, numbatorch.fft)

# Parameters that docstrings name and this library has not: slips of the docstring (PyTorch refuses them, too), and what
# has no meaning here.
LEFT_OUT = {
    "layout": "there is one layout",
    "pin_memory": "memory is pinned where it is copied from",
    "out_dtype": "for CUDA alone",
    "values": "a part of out, or an old name of input",
    "indices": "a part of out",
    "Tuple": "a type",
    "List": "a type",
    "int": "a type",
}
SLIPS = {
    "torch.broadcast_to": {"shape"},
    "torch.det": {"input"},
    "torch.histogramdd": {"out"},
    "torch.matrix_power": {"input"},
    "torch.swapaxes": {"axis0", "axis1"},
    "torch.tensor_split": {"sections"},
    "torch.triangular_solve": {"b"},
    "torch.true_divide": {"dividend", "divisor"},
    "torch.unsafe_split": {"split_size_or_sections"},
    **{f"linalg.{name}": {"A"} for name in ("cholesky", "cholesky_ex", "matrix_rank", "pinv", "tensorinv")},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_core_name_is_in_every_place_where_pytorch_has_it(name):
    space, _, short = name.rpartition(".")
    places = [space] if space else ["torch", "Tensor", "nn.functional", "linalg", "special"]
    found = False
    for place in places:
        theirs, ours = SPACES[place]
        if hasattr(theirs, short):
            found = True
            assert hasattr(ours, short), f"{place}.{short}"
    assert found or short.startswith("__") or short == "uniform"  # of which only the method uniform_ exists
    if not space and hasattr(torch.Tensor, f"{short}_"):
        assert hasattr(numbatorch.Tensor, f"{short}_")


def _documented(function: Callable, name: str) -> list[list[str]]:
    """The parameters of each signature in PyTorch's docstring."""
    found = []
    for match in re.finditer(
        rf"^\s*(?:\.\. function:: |\.\. method:: )?(?:[\w.]+\.)?{name}\((.*?)\)\s*(?:->|$)",
        function.__doc__ or "",
        re.MULTILINE,
    ):
        plain = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", match[1])
        names = [re.sub(r"[=:].*", "", part).strip().split(" ")[-1] for part in plain.split(",")]
        found.append([n for n in names if n.isidentifier() and n not in ("self", "None", "True", "False")])
    return found


def _functions() -> list[str]:
    return [
        f"{space}.{name}"
        for space, (theirs, ours) in SPACES.items()
        for name in dir(theirs)
        if space != "Tensor"  # the docstrings of methods point to those of functions
        and not name.startswith("_")
        and callable(getattr(theirs, name))
        and inspect.isroutine(getattr(ours, name, None))
    ]


@pytest.mark.parametrize("name", _functions())
def test_documented_parameters_are_taken(name):
    space, _, short = name.rpartition(".")
    theirs, ours = (getattr(s, short) for s in SPACES[space])
    parameters = inspect.signature(ours).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for signature in _documented(theirs, short):
        missing = [
            n for n in signature if n not in parameters and n not in LEFT_OUT and n not in SLIPS.get(name, ())
        ]
        takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
        assert not missing or (takes_any and len(missing) <= 1), (
            f"{name}{inspect.signature(ours)} lacks {missing}"
        )


def test_print_what_is_missing():
    for space, (theirs, ours) in SPACES.items():
        names = [
            n
            for n in dir(theirs)
            if not n.startswith("_") and callable(getattr(theirs, n)) and not hasattr(ours, n)
        ]
        print(f"\n{space}: {len(names)} missing: {' '.join(names)}")
