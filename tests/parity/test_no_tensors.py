"""What is no tensor, in the place of each operand of each row of the table of samples: PyTorch's class of error, and its text
where the function has one form."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from samples import SAMPLES, tensors

import numbatorch

WRONG = (3, "a", None, [1.0], np.ones(2))
# PyTorch speaks of a function inside, or of arguments by other names than those that it documents.
OTHER_WORDS = """
addcdiv addcmul airy_ai cholesky_solve cross det grid_sample inv inverse ldexp ldl_factor_ex logsigmoid lstsq matrix_power max_pool1d multilabel_soft_margin_loss
ormqr slogdet solve_ex solve_triangular tensorsolve unique unsafe_split
""".split()
# PyTorch wants tensors, where here a number does.
NUMBERS = """
add addcdiv addcmul atan2 copysign div eq floor_divide fmax fmin fmod gcd ge gt hypot igamma igammac lcm ldexp le lerp logaddexp
logaddexp2 logical_and logical_or logical_xor lt margin_ranking_loss maximum minimum mul ne
nn.functional.pairwise_distance pow remainder sub
""".split()
# These take numbers, and lists with them; PyTorch's gaussian_nll_loss is Python, and stumbles over NumPy's arrays.
LEFT_OUT = ("bucketize", "isin", "nn.functional.gaussian_nll_loss")
ROWS = {s.name: s for s in reversed(SAMPLES) if not s.name.startswith("Tensor.") and s.name not in LEFT_OUT}


def complaint(library, sample, arrays, place, wrong) -> tuple[str, str]:
    """The class and first line of the error, or "" for none."""
    operands = tensors(library, arrays, (sample.dtypes[0],) * len(arrays))
    operands[place] = wrong
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            sample.call(library, operands)
        except Exception as error:
            return type(error).__name__, str(error).split("\n")[0]
    return "", ""


@pytest.mark.parametrize("name", ROWS)
def test_the_same_complaint(name):
    sample = ROWS[name]
    arrays = sample.arrays(sample.shapes[0], sample.dtypes[0])
    for place in range(len(arrays)):
        for wrong in WRONG:
            ours, theirs = (complaint(t, sample, arrays, place, wrong) for t in (numbatorch, torch))
            if theirs[0] != "TypeError" or (isinstance(wrong, int) and name in NUMBERS):
                continue
            about = f"{wrong!r} as operand {place}: {ours} against PyTorch's {theirs}"
            assert ours[0] == "TypeError", about
            if "must be Tensor, not" in theirs[1] and name.split(".")[-1] not in OTHER_WORDS:
                assert ours == theirs, about
