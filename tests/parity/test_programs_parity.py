"""The programs in tests/programs on PyTorch: the record that tests/test_programs.py compares with is what it prints."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from test_programs import EXPECTED, FOLDER, compare


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "all.py"], cwd=FOLDER, capture_output=True, text=True, timeout=600, check=True
    )
    return json.loads(done.stdout)


def test_the_record_is_what_pytorch_prints(printed):
    assert sorted(printed) == sorted(
        path.stem for path in Path(FOLDER).glob("*.py") if path.stem not in ("__init__", "all")
    )
    for name, output in printed.items():
        compare(output, EXPECTED[name])
