"""What `python -m numbatorch doctor` says, and the benchmark for GPUs, whether it works."""

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import gpu
from numbatorch import doctor
from numbatorch_kernels.cuda import compat

ROOT = Path(__file__).parents[1]


def test_the_doctor_speaks_of_everything():
    run = subprocess.run([sys.executable, "-m", "numbatorch", "doctor"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert [line for line in run.stdout.splitlines() if not line.startswith(" ")] == list(doctor.SECTIONS)
    if compat.SIMULATED:
        assert "cuda is the simulator, because NUMBA_ENABLE_CUDASIM is set" in run.stdout


def test_what_is_missing_comes_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "version", lambda *distributions: None)
    assert f"{'cublas':12} not installed: pip install 'numbatorch[cublas]'" in doctor.extras()
    assert "numba is missing: pip install numba" in doctor.software()[1]
    assert "OPENBLAS_NUM_THREADS" in doctor.threads()[1]
    monkeypatch.setattr(doctor.cache, "folder", lambda: None)
    assert "Set NUMBATORCH_CACHE_DIR to a folder that can" in doctor.kept()[0]


@pytest.mark.skipif(not compat.SIMULATED, reason="on a GPU it runs in full")
def test_the_benchmark_for_gpus(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "--tiny", "--results", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["check"] == {"rows": 2, "of": 2, "faults": {}}
    figures = found["figures"]
    assert {line["group"] for line in figures.values()} == {
        "memory",
        "product",
        "cublas",
        "launch",
        "decomposition",
        "rotations",
        "training",
    }
    assert all(isinstance(line["numbatorch"], float) for line in figures.values()), figures
    table = (tmp_path / "gpu.md").read_text()
    assert table.count("\n| ") == len(figures) + 1 and "| softmax |" in table


def test_the_benchmark_goes_on_where_a_process_has_died(monkeypatch):
    said = {
        "": [["begin", "a"], ["end", "a", None], ["begin", "b"]],
        "b": [["begin", "c"], ["end", "c", "differs"]],
    }
    monkeypatch.setattr(gpu, "_answers", lambda options, ends: said[options[options.index("--after") + 1]])
    found = list(gpu._to_the_end([], time.monotonic() + 60, False))
    died = "the process died, or was ended after 90 s: see its kernel"
    assert found == [["a", None], ["b", died], ["c", "differs"]]


def test_a_kernel_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(gpu, "PATIENCE", 0.1)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        gpu._end_later(process, math.inf).join()
        assert process.wait(60) != 0
