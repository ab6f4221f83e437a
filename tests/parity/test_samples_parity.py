"""Every row of the table against PyTorch: value, dtype, shape, gradient, and the class and first line of
errors."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from samples import DIFFERENTIABLE, FLOATS, SAMPLES, Sample, results, tensors

import numbatorch

TOLERANCE = {
    "float16": (2e-3, 2e-3),
    "bfloat16": (1.6e-2, 1.6e-2),
    "float32": (2e-6, 1e-6),
    "float64": (1e-12, 1e-12),
    "complex64": (2e-6, 1e-6),
    "complex128": (1e-12, 1e-12),
}


def outcome(sample: Sample, library, operands: list):
    """The result, or the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return list(results(sample.call(library, operands)))
        except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
            return error


def agree(ours, theirs, sample: Sample, about: str) -> None:
    """The two outcomes are the same: both errors of one class, or equal results."""
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        assert type(ours) is type(theirs), f"{about}: {ours!r} against PyTorch's {theirs!r}"
        return
    assert len(ours) == len(theirs), about
    for a, b in zip(ours, theirs, strict=True):
        if not isinstance(b, torch.Tensor):
            assert a == b, about
            continue
        assert str(a.dtype) == str(b.dtype), f"{about}: {a.dtype} against PyTorch's {b.dtype}"
        assert tuple(a.shape) == tuple(b.shape), f"{about}: {a.shape} against PyTorch's {b.shape}"
        name = str(b.dtype).removeprefix("torch.")
        x = a.detach().to(numbatorch.float64 if name in FLOATS else a.dtype).numpy()
        y = b.detach().resolve_conj().to(torch.float64 if name in FLOATS else b.dtype).numpy()
        rtol, atol = TOLERANCE.get(name, (0, 0))
        np.testing.assert_allclose(
            x, y, rtol=rtol * sample.tol, atol=atol * sample.tol, equal_nan=True, err_msg=about
        )


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.id)
def test_values(sample):
    """Every shape and layout in the first dtype, and the first shape in every dtype."""
    first = sample.dtypes[0]
    cases = [(shapes, first, transposed) for shapes in sample.shapes for transposed in (False, True)]
    cases += [(sample.shapes[0], dtype, False) for dtype in sample.dtypes[1:]]
    for shapes, dtype, transposed in cases:
        arrays, dtypes = sample.arrays(shapes, dtype), (dtype,) * len(shapes)
        ours, theirs = (
            outcome(sample, t, tensors(t, arrays, dtypes, transposed)) for t in (numbatorch, torch)
        )
        agree(ours, theirs, sample, f"{sample.id} of {shapes} {dtype}{' transposed' * transposed}")


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.mixed], ids=lambda s: s.id)
def test_mixed_dtypes(sample):
    shapes = ((2, 3), (2, 3))
    for first in sample.dtypes:
        for second in sample.dtypes:
            arrays = sample.arrays(shapes, first, second)
            ours, theirs = (
                outcome(sample, t, tensors(t, arrays, (first, second))) for t in (numbatorch, torch)
            )
            agree(ours, theirs, sample, f"{sample.id} of {first} and {second}")


def _gradients(library, outputs: list, operands: list) -> list:
    """The gradients of a real number made of all outputs."""
    outputs = [o for o in outputs if o.requires_grad]
    if not outputs:
        return [library.zeros_like(o) for o in operands]
    weights = [(o.detach().sgn() if o.is_complex() else o.detach()).cos() for o in outputs]
    total = sum((o * w).sum().real for o, w in zip(outputs, weights, strict=True))
    found = library.autograd.grad(total, operands, create_graph=True, allow_unused=True)
    return [library.zeros_like(o) if g is None else g for o, g in zip(operands, found, strict=True)]


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=lambda s: s.id)
def test_gradients(sample):
    """The first gradient; of complex operands also the second."""
    for shapes in sample.shapes:
        arrays = sample.arrays(shapes, sample.wide)
        found = []
        for library in (numbatorch, torch):
            operands = [t.requires_grad_() for t in tensors(library, arrays, (sample.wide,) * len(shapes))]
            grads = _gradients(library, list(results(sample.call(library, operands))), operands)
            if sample.complex and sample.order > 1:
                grads += _gradients(library, grads, operands)
            found.append(grads)
        ours, theirs = found
        # PyTorch's slope of hardsigmoid is 1/6 rounded to float32, its trigamma has ten digits.
        tolerance = 1e5 if sample.name.endswith(("hardsigmoid", "digamma")) else sample.tol
        agree(ours, theirs, replace(sample, tol=tolerance), f"gradient of {sample.id} of {shapes}")


EXTREMES = np.array(
    [
        np.nan,
        np.inf,
        -np.inf,
        0.0,
        -0.0,
        1e-45,
        -1e-40,
        1e-38,
        3e38,
        -3e38,
        1.0,
        -1.0,
        0.5,
        88.7,
        -88.7,
        104.0,
        -104.0,
        1e10,
        -1e10,
    ],
    np.float32,
)


@pytest.mark.parametrize(
    "sample",
    [s for s in SAMPLES if s.shapes[0] == ((5,),) and not s.args and not s.complex],
    ids=lambda s: s.id,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes(sample, dtype, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)  # its gelu of float32 makes NaN of infinity
    ours, theirs = (
        outcome(sample, t, [t.tensor(EXTREMES).to(getattr(t, dtype))]) for t in (numbatorch, torch)
    )
    agree(ours, theirs, sample, f"{sample.id} of extremes")


@pytest.mark.parametrize(
    "name",
    [
        "add",
        "sub",
        "mul",
        "div",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "pow",
        "atan2",
        "eq",
        "lt",
        "le",
        "logaddexp",
        "hypot",
        "copysign",
    ],
)
def test_pairs_of_extremes(name):
    sample = next(s for s in SAMPLES if s.name == name)
    a, b = (x.reshape(-1) for x in np.meshgrid(EXTREMES, EXTREMES))
    ours, theirs = (outcome(sample, t, [t.tensor(a), t.tensor(b)]) for t in (numbatorch, torch))
    agree(ours, theirs, sample, f"{name} of pairs of extremes")
