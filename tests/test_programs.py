"""The programs in tests/programs say `import torch`; here they run unchanged, and print what PyTorch prints."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_script import ENVIRONMENT

FOLDER = Path(__file__).parent / "programs"
EXPECTED: dict[str, str] = json.loads((FOLDER / "losses.json").read_text())
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def compare(found: str, expected: str) -> None:
    """The same words, and numbers that are equal to 0.001."""
    assert NUMBER.sub("#", found) == NUMBER.sub("#", expected), found
    for a, b in zip(NUMBER.findall(found), NUMBER.findall(expected), strict=True):
        assert float(a) == pytest.approx(float(b), rel=1e-3, abs=1e-3), f"{found}\n{expected}"


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_program(name):
    done = subprocess.run(
        [sys.executable, "-m", "numbatorch", f"{name}.py"],
        cwd=FOLDER, env=ENVIRONMENT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    compare(done.stdout, EXPECTED[name])
