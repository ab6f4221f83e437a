"""Random programs of 1 to 10 operations give the same values, dtypes, shapes, errors and gradients as PyTorch.

NUMBATORCH_PROGRAMS=2000 pytest tests/parity/test_random_programs.py --hypothesis-seed=1    # more of them, and others
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity.steps import DTYPES, FAMILIES, Step

import numbatorch

PROGRAMS = int(os.environ.get("NUMBATORCH_PROGRAMS", "0"))
SHAPES = ((), (3,), (2, 3), (3, 3), (2, 1, 3), (0, 3), (1,))


class Program(NamedTuple):
    """Operands by shape and dtype, and lines: a step, the numbers of its operands, its numbers."""

    seed: int
    operands: list[tuple[tuple[int, ...], str]]
    lines: list[tuple[Step, list[int], list[int]]]

    def __repr__(self) -> str:
        lines = [
            f"{step.name}({', '.join(map(str, [f't{i}' for i in of] + n))})" for step, of, n in self.lines
        ]
        return f"seed {self.seed}, operands {self.operands}, then {'; '.join(lines)}"


@st.composite
def programs(draw) -> Program:
    number = st.integers(0, 30)
    operands = [
        (draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DTYPES))) for _ in range(draw(st.integers(1, 3)))
    ]
    lines, count = [], len(operands)
    for _ in range(draw(st.integers(1, 10))):
        step = draw(st.sampled_from(FAMILIES[draw(st.sampled_from(list(FAMILIES)))]))
        of = [draw(st.integers(0, count - 1)) for _ in range(step.tensors)]
        lines.append((step, of, [draw(number) for _ in range(step.numbers)]))
        count += 1
    return Program(draw(st.integers(0, 99)), operands, lines)


def run(
    program: Program, library: Any, noise: float = 0.0, apart: bool = False, rounded: bool = False
) -> list[Any]:
    """The result of every line, or its error (its result is then its first operand); and the gradients.
    `noise` changes the operands by this part of themselves. `apart`: operands that a line only reads are copied.
    `rounded`: every result is, to about the digits that are compared."""
    random = np.random.default_rng(program.seed)
    pool, leaves, found = [], [], []
    for shape, dtype in program.operands:
        values = random.uniform(-2, 2, shape)
        if dtype.startswith("complex"):
            values = values + 1j * random.uniform(-2, 2, shape)
        values = values * (1 + noise)
        x = library.tensor(np.abs(values) if dtype == "uint8" else values).to(getattr(library, dtype))
        if x.is_floating_point() or x.is_complex():
            leaves.append(x.requires_grad_())
            x = x * 1  # which may be changed in place
        pool.append(x)
    for step, of, numbers in program.lines:
        operands = [pool[i].clone() if apart and k else pool[i] for k, i in enumerate(of)]
        try:
            result = step.run(library, *operands, *numbers)
            if rounded and isinstance(result, library.Tensor):
                _round(result.data, library)
            found.append(result.detach().clone() if hasattr(result, "detach") else result)
        except Exception as error:
            result = operands[0]
            found.append(error)
        pool.append(result if hasattr(result, "detach") else operands[0])
    try:
        found += [x.detach() for x in pool]
        outputs = [x for x in pool if x.requires_grad]
        real = [library.view_as_real(x.resolve_conj().contiguous()) if x.is_complex() else x for x in outputs]
        if outputs:
            total = sum((x.double() * 0.5).sum() for x in real)
            found += library.autograd.grad(total, leaves, allow_unused=True)
    except Exception as error:
        found.append(error)
    return found


def _round(x: Any, library: Any) -> None:
    """Keep as many decimals of x as every library finds."""
    if x.is_complex():
        x = library.view_as_real(x)
    if x.dtype in (library.float32, library.float64):
        x.copy_(x.round(decimals=8 if x.dtype is library.float64 else 3))


TOLERANCE = {
    "float64": 1e-8, "complex128": 1e-8, "float32": 2e-4, "complex64": 2e-4, "float16": 5e-2, "bfloat16": 2e-1
}  # fmt: skip


def _array(x: Any) -> np.ndarray:
    library = torch if isinstance(x, torch.Tensor) else numbatorch
    return x.detach().resolve_conj().to(library.complex128 if x.is_complex() else library.float64).numpy()


def difference(ours: Any, theirs: Any, loosest: float) -> str | None:
    """What differs between two results, in words."""
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        # NotImplementedError is a RuntimeError, too, and each library has a _LinAlgError of its own
        named = [type(x).__name__ for x in (ours, theirs)]
        classes = {"RuntimeError" if name == "NotImplementedError" else name for name in named}
        return None if len(classes) == 1 else f"{ours!r} against PyTorch's {theirs!r}"
    if not isinstance(theirs, torch.Tensor):
        return None if ours is theirs else f"{ours!r} against PyTorch's {theirs!r}"
    if ours is None:
        return f"None against PyTorch's {theirs}"
    if (str(ours.dtype), tuple(ours.shape)) != (str(theirs.dtype), tuple(theirs.shape)):
        return f"{ours.dtype} {tuple(ours.shape)} against PyTorch's {theirs.dtype} {tuple(theirs.shape)}"
    a, b = _array(ours), _array(theirs)
    finite = np.abs(b[np.isfinite(b)])
    scale = max(1.0, finite.max()) if finite.size else 1.0
    with np.errstate(all="ignore"):
        close = np.isclose(a, b, rtol=loosest, atol=loosest * scale, equal_nan=True)
    return None if close.all() else f"{a} against PyTorch's {b}"


def first_difference(program: Program, ours: list, theirs: list) -> str | None:
    """Where two runs of a program part."""
    dtypes = [dtype for _, dtype in program.operands] + [
        str(x.dtype)[6:] for x in theirs if isinstance(x, torch.Tensor)
    ]
    loosest = max(TOLERANCE.get(dtype, TOLERANCE["float32"]) for dtype in dtypes)
    for number, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        words = difference(a, b, loosest)
        if words:
            lines = len(program.lines)
            what = (
                f"line {number + 1} ({program.lines[number][0].name})"
                if number < lines
                else f"result {number - lines}"
            )
            return f"{what}: {words}"
    return (
        None if len(ours) == len(theirs) else f"{ours[len(theirs) :]} against PyTorch's {theirs[len(ours) :]}"
    )


# Differences that stay, by what they look like, and why.
EXPLAINED = {
    "complex32|ComplexHalf": "there is no complex32: float16 with complex numbers gives complex64",
    r"PyTorch's RuntimeError.* modified by an inplace operation.* output 0 of Addcmul,": "x.addcmul_(x, x): what the gradient needs of x is copied first",
    r"PyTorch's RuntimeError.* modified by an inplace operation.* in .*(addcdiv|lerp|prelu|index_add|scatter_reduce|dist)\b": (
        "PyTorch's keep operands that no gradient needs which is wanted"
    ),
    "is a view and (its base|is being modified inplace)": "views from unbind and split may be overwritten",
    r"PyTorch's RuntimeError.* is not differentiable with respect to argument 'target'": "the derivative exists here",
    "automatic differentiation for outputs with complex": "the derivative exists here",
    r"Autograd not support dtype|isDifferentiableType.* INTERNAL ASSERT FAILED": (
        "PyTorch lets integers require grad after eq_, ne_ and lt_, and refuses them later"
    ),
    "bool tensor is not supported": "derivatives of PyTorch that negate or subtract an operand refuse a bool one",
    r"result .* doesn't match the broadcast shape": "PyTorch's derivative of clamp has no broadcast bounds",
    r"\((einsum \w+|cholesky|cum(min|max) values|eigvalsh|svdvals|adaptive_avg_pool1d)\): \w+Error.* PyTorch's tensor\(\[+(0|\])": (
        "over no elements, PyTorch's look at no dtypes and dimensions"
    ),
    r'"lu_cpu" not implemented .* PyTorch\'s tensor\(1': "the same, for the determinant of an empty matrix",
    r'("addmm_impl_cpu_" not implemented|expected m1 and m2 to have the same dtype).* PyTorch\'s tensor\(\[*(0|\])': "nor those of a product over no elements",
    r"not implemented for \\?'Complex.* PyTorch's tensor\([^\[]": "nor everywhere that of operands of no dimensions",
    r"result \d+: RuntimeError.*which is output 0 of View": "PyTorch's kron is blind to changes of its operands: a wrong gradient",
    r"\(kron\): .*view size is not compatible": "PyTorch views the product as a matrix, wherever its elements lie",
    "setStorage: sizes": "index_fill of an empty tensor stumbles in PyTorch; here it has the usual error",
    r"result \d+: .*result type Float can't be cast to the desired output type (Bool|Byte|Char|Short|Int|Long)": (
        "PyTorch's derivative of addcdiv divides integers in place"
    ),
    r"inf\+0\.j.* against PyTorch's .*inf\+nanj": "its complex sums multiply by alpha, though that be 1: infinities become NaN",
    r"\(isin\): .*PyTorch's RuntimeError.*view size is not compatible": "PyTorch's isin takes its operands by view",
    "grad_is_complex": "where an error of PyTorch itself is all that hinders a gradient",
    r"result \d+: .*addmv input tensors must have the same dtype": "PyTorch's derivative of addr wants operands of one dtype",
    r"result \d+: .*Found dtype \w+ but expected \w+": "and so do those of its losses",
    r"PyTorch's ValueError.*(Size of label|Einstein sum)": "the complaint of opt_einsum, which PyTorch passes on",
    "It was saved by (HingeEmbedding|MarginRanking)LossBackward": (
        "PyTorch's is made of ops that keep what is between them"
    ),
    r"\(batch_norm\): IndexError.* PyTorch's RuntimeError\('mean\(\)": "refused by both: PyTorch looks at the strides first",
    "PixelShuffleBackward0 returned an invalid gradient": "PyTorch's derivative of pixel_shuffle mistakes a batch of none",
    "Expected grad_output to have non-zero size": "PyTorch's derivatives of pooling refuse results without elements",
    r"result \d+: .*size mismatch \(got input: \[\d+\], target: \[1\]\)": "its derivative, one of a vector and one class",
    "ArrayRef: invalid slice": "nll_loss on the tape stumbles over a target without dimensions",
}
NOISE = (1e-12, -1e-12, 1e-9, -1e-9, 1e-7, -1e-7)


def unexplained(program: Program) -> str | None:
    """How numbatorch differs from PyTorch in this program, unless the reason is known: one of the table; that PyTorch
    reads operands while it overwrites memory that they share, and gives the same where they are copied; or that the
    last digit decides, as PyTorch itself shows where the operands are changed a little, or, of which values are
    equal, as both give the same where all results are rounded."""
    ours, theirs = run(program, numbatorch), run(program, torch)
    words = first_difference(program, ours, theirs)
    about = f"{words} in {', '.join(step.name for step, _, _ in program.lines)}"
    if not words or any(re.search(text, about, re.DOTALL) for text in EXPLAINED):
        return None
    if not first_difference(program, ours, run(program, torch, apart=True)):
        return None
    if any(first_difference(program, run(program, torch, noise), theirs) for noise in NOISE):
        return None
    if not any(["unique" in step.name or step.name == "isin" for step, _, _ in program.lines]):
        return words
    ours, theirs = [run(program, library, rounded=True) for library in (numbatorch, torch)]
    return words if first_difference(program, ours, theirs) else None


@pytest.mark.filterwarnings("ignore")
@settings(
    max_examples=PROGRAMS or 100,
    deadline=None,
    derandomize=not PROGRAMS,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(programs())
def test_random_programs(program):
    words = unexplained(program)
    assert not words, f"{program}\n{words}"
