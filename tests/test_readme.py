"""The Python of the README runs, in the order in which it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_python_of_the_readme_runs(tmp_path):
    blocks = re.findall(
        r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) >= 2
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "0"}  # it trains, which would take the simulator long
    command = [sys.executable, "-c", "\n".join(blocks)]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "def swish_kernel(" in result.stdout


def test_nothing_is_left_to_measure():
    assert "@@" not in README.read_text(encoding="utf-8")
