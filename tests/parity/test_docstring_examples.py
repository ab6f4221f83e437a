"""The examples in PyTorch's own docstrings do here what they do there.

The docstrings are those of the installed PyTorch, for every function and method that exists here too. Each runs
twice, in order and from the same seed, with `torch` being numbatorch and PyTorch, and what its lines print is
compared. An example that PyTorch itself cannot run, because of a name from its surroundings or a slip of the pen,
is left out.
"""

from __future__ import annotations

import builtins
import contextlib
import doctest
import io
import math
import re
import types
import warnings

import numpy as np
import pytest
import torch

import numbatorch

# Where they differ, and why.
_CUDA = "there is no GPU for PyTorch here, and a simulator for us"
_EAGER = "conjugates are computed at once"
_DIGITS = "the last digits of sums decide"
_EMPTY = "the numbers in memory that is not initialised"
DIFFERENT = {
    "torch.Tensor.get_device": _CUDA,
    "torch.Tensor.is_leaf": _CUDA,
    "torch.Tensor.to": _CUDA,
    "torch.as_tensor": _CUDA,
    "torch.empty_like": _CUDA,
    "torch.set_default_device": _CUDA,
    "torch.use_deterministic_algorithms": _CUDA,
    "torch.tensor": _CUDA,
    "torch.tensordot": _CUDA,
    "torch.linalg.lu": _CUDA,
    "torch.nn.functional.scaled_dot_product_attention": _CUDA,
    "torch.Tensor.new_empty": _EMPTY,
    "torch.Tensor.new_empty_strided": _EMPTY,
    "torch.empty": _EMPTY,
    "torch.empty_strided": _EMPTY,
    "torch.conj": _EAGER,
    "torch.resolve_conj": _EAGER,
    "torch.resolve_neg": _EAGER,
    "torch.cholesky_inverse": _DIGITS,
    "torch.linalg.lu_factor": _DIGITS,
    "torch.fft.hfft2": _DIGITS,
    "torch.fft.hfftn": _DIGITS,
    "torch.linalg.lstsq": "the rank of every matrix of the stack, where PyTorch's driver gives one",
    "torch.linalg.solve_ex": "the names of built-in functions in Python's own error texts",
    "torch.inference_mode": "the version of an inference tensor can be read",
    "torch.is_storage": "storages with a dtype of their own",
    "torch.asarray": "PyTorch's own text says that the result has a gradient function; then it prints none",
    "torch.narrow_copy": "sparse tensors",
    "torch.nn.MaxUnpool2d": "Python's function `input` where a tensor should stand: another class of error",
    "torch.nn.RMSNorm": "one node, where PyTorch has one for each step",
    "torch.nn.SyncBatchNorm": "torch.distributed",
    "torch.set_default_dtype": "complex32",
    "torch.set_flush_denormal": "tiny numbers are never taken for zero",
    "torch.sort": "PyTorch leaves equal elements in any order; here they keep theirs",
}

SPACES = {
    "torch": (torch, numbatorch),
    "torch.Tensor": (torch.Tensor, numbatorch.Tensor),
    **{
        f"torch.{name}": (getattr(torch, name), getattr(numbatorch, name))
        for name in ("linalg", "fft", "special", "autograd", "func", "cuda", "random")
        if hasattr(numbatorch, name)
    },
    "torch.nn.functional": (torch.nn.functional, numbatorch.nn.functional),
    "torch.nn": (torch.nn, numbatorch.nn),
    "torch.nn.init": (torch.nn.init, numbatorch.nn.init),
    "torch.autograd.functional": (
        torch.autograd.functional,
        getattr(numbatorch.autograd, "functional", None),
    ),
}
_PARSER = doctest.DocTestParser()


def _examples(text: str) -> list[doctest.Example]:
    try:
        return _PARSER.get_examples(text)
    except ValueError:  # PyTorch's prompts are not always indented as doctest wants them
        tidy = re.sub(r"^(\s*)(>>>|\.\.\.)(?=\S)", r"\1\2 ", text, flags=re.MULTILINE)
        try:
            return _PARSER.get_examples(tidy)
        except ValueError:
            return []


def _documented() -> list[str]:
    found, seen = [], set()
    for space, (theirs, ours) in SPACES.items():
        for name in dir(theirs):
            if name.startswith("_") or not hasattr(ours, name):
                continue
            value = getattr(theirs, name)
            text = getattr(value, "__doc__", None) or ""
            if isinstance(value, types.ModuleType) or ">>>" not in text or text in seen:
                continue
            seen.add(text)
            if _examples(text):
                found.append(f"{space}.{name}")
    return found


def _run(library, examples: list[doctest.Example]) -> list[str]:
    """What each example prints, or its error."""
    library.manual_seed(0)
    names = {
        "torch": library,
        "math": math,
        "np": np,
        "numpy": np,
        "nn": library.nn,
        "F": library.nn.functional,
    }
    names |= {"Tensor": library.Tensor, "tensor": library.tensor, "autograd": library.autograd}
    names["__name__"] = "__main__"
    outputs = []
    before = [(module, dict(vars(module))) for module in (library, library.nn, library.nn.functional)]

    def imported(name, *args, **kwargs):
        if name.split(".")[0] != "torch" or library is torch:
            return builtins.__import__(name, *args, **kwargs)
        return builtins.__import__("numbatorch" + name[5:], *args, **kwargs)

    for example in examples:
        names["__builtins__"] = {**vars(builtins), "__import__": imported}
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(example.source, "<example>", "single"), names)
            except Exception as error:
                printed.write(f"{type(error).__name__}: {error}")
        outputs.append(printed.getvalue())
    library.set_default_dtype(library.float32)
    library.set_default_device(None)
    library.set_grad_enabled(True)
    library.use_deterministic_algorithms(False)
    library.set_printoptions(profile="default", sci_mode=None)
    for module, names in before:  # some examples replace functions
        for name, value in names.items():
            if vars(module).get(name) is not value:
                setattr(module, name, value)
    return outputs


def _plain(text: str) -> str:
    """Without addresses and the names of packages; numbers to five digits."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text).replace("numbatorch.", "torch.")
    text = re.sub(r"<(function|built-in method|bound method) [^>]*>", "<function>", text)
    return re.sub(r"\s+", "", text)


_NUMBER = re.compile(r"[-+]?(?<![a-zA-Z_\d])\d+(?:\.\d*)?(?:e[-+]?\d+)?")


def _agree(ours: str, theirs: str) -> bool:
    """The same words around numbers that are equal, or close where either has a fraction."""
    ours, theirs = _plain(ours), _plain(theirs)
    if _NUMBER.sub("#", ours) != _NUMBER.sub("#", theirs):
        return False
    pairs = zip(_NUMBER.findall(ours), _NUMBER.findall(theirs), strict=True)
    return all(
        a == b or (not (a + b).isdigit() and math.isclose(float(a), float(b), rel_tol=1e-3, abs_tol=2e-4))
        for a, b in pairs
    )


def differences(name: str) -> list[tuple[str, str, str]]:
    """Examples of a docstring with other output here than PyTorch has: source, here, there."""
    space, _, short = name.rpartition(".")
    examples = _examples(getattr(SPACES[space][0], short).__doc__)
    theirs, ours = _run(torch, examples), _run(numbatorch, examples)
    broken = re.compile(
        r"^(NameError|SyntaxError|ModuleNotFoundError|ImportError|AttributeError)", re.MULTILINE
    )
    return [
        (example.source, a, b)
        for example, a, b in zip(examples, ours, theirs, strict=True)
        if not broken.match(b) and not _agree(a, b)
    ]


@pytest.mark.parametrize("name", _documented())
def test_examples_of_pytorch(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some examples write files
    if DIFFERENT.get(name) == _CUDA:  # some would keep the simulator busy for minutes
        pytest.skip(_CUDA)
    different = differences(name)
    if name in DIFFERENT:
        assert different or DIFFERENT[name] in (_EMPTY, _DIGITS), (
            f"{name} agrees now: take it out of the table"
        )
        pytest.skip(DIFFERENT[name])
    text = "\n".join(f">>> {source}{a}\nPyTorch:\n{b}" for source, a, b in different)
    assert not different, text
