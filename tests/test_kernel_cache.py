"""Kernels between processes, between threads, and after fork."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import numbatorch as torch
from numbatorch.warmup import data, main, warmup

PROGRAM = """
import math, sys, time
import numbatorch as torch

@torch.pointwise
def op(x):
    return {body}

print(op(torch.tensor([1.0, 2.0])).tolist())
"""


def run(folder, body: str = "x * 3", **environment: str) -> str:
    """What a process of its own prints, with its kernel cache in `folder`."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        env=os.environ | {"NUMBATORCH_CACHE_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def compiled_files(folder) -> set:
    return {p.name for p in folder.rglob("*.nbc")}


def test_a_second_process_finds_the_kernels_of_the_first(tmp_path):
    assert run(tmp_path) == "[3.0, 6.0]"
    files = compiled_files(tmp_path)
    assert files and run(tmp_path) == "[3.0, 6.0]"
    assert compiled_files(tmp_path) == files


def test_an_edited_body_is_never_served_stale(tmp_path):
    assert run(tmp_path, "x * 3") == "[3.0, 6.0]"
    assert run(tmp_path, "x * 4") == "[4.0, 8.0]"


def test_processes_at_the_same_time_share_a_cache(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(run(tmp_path))) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == ["[3.0, 6.0]"] * 3


def test_a_folder_that_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert run(blocked) == "[3.0, 6.0]"


def test_clear_cache(tmp_path, monkeypatch):
    run(tmp_path)
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("NUMBATORCH_CACHE_DIR", str(tmp_path))
    torch.clear_cache()
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_versions_that_nobody_uses_are_forgotten(tmp_path):
    unused, recent, mine = (tmp_path / name for name in ("0" * 20, "1" * 20, "letters"))
    for folder, days in ((unused, 31), (recent, 29), (mine, 31)):
        folder.mkdir()
        os.utime(folder, (0, time.time() - days * 86400))
    run(tmp_path)
    assert not unused.exists() and recent.exists() and mine.exists()
    (used,) = set(tmp_path.iterdir()) - {recent, mine}
    os.utime(used, (0, 0))
    run(tmp_path)
    assert used.stat().st_mtime > 0


def test_warming_up():
    assert warmup([data]) > 0
    with pytest.raises(SystemExit, match="2"):
        main(["tea"])


def test_warming_up_needs_a_folder(tmp_path):
    (tmp_path / "file").touch()
    result = subprocess.run(
        [sys.executable, "-m", "numbatorch", "warmup", "data"],
        env=os.environ | {"NUMBATORCH_CACHE_DIR": str(tmp_path / "file" / "cache")},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1 and "set NUMBATORCH_CACHE_DIR" in result.stderr


def test_generated_kernels_have_files():
    x = torch.ones(3)
    torch.tanh(x)
    generated = [m for name, m in sys.modules.items() if name.startswith("numbatorch_tanh")]
    assert generated and all(os.path.exists(m.__file__) for m in generated)


def test_threads_at_the_same_time():
    x = torch.rand(300_000)
    expected = x.numpy() * 2 + 1
    wrong = []

    def work():
        for _ in range(20):
            if not np.array_equal((x * 2 + 1).numpy(), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def holds_in_a_fork(claim):
    """Whether `claim()` is true in a child of this process, which ends whatever happens there."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if claim() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_fork():
    x = torch.rand(500_000)
    expected = (x + 1).sum().item()  # the pool of threads exists before the fork
    assert holds_in_a_fork(lambda: (x + 1).sum().item() == expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("size", [10, 100_000, 1_000_000])
def test_what_a_fork_writes_is_its_own(size):
    x = torch.zeros(size)
    assert holds_in_a_fork(lambda: x.add_(1).sum().item() == size)
    assert x.sum().item() == 0


def test_number_of_threads():
    before = torch.get_num_threads()
    x = torch.rand(400_000)
    try:
        results = []
        for n in (1, 2, 5):
            torch.set_num_threads(n)
            assert torch.get_num_threads() == n
            results.append((x.exp().numpy().tobytes(), x.sum().item()))
        assert len(set(results)) == 1
    finally:
        torch.set_num_threads(before)
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        torch.set_num_threads(0)


def test_memory_is_never_reused_under_a_view():
    x = torch.ones(300_000)
    view = (x * 2)[10:20]
    others = [x * 3 for _ in range(4)]
    assert view.tolist() == [2.0] * 10 and len(others) == 4
    array = (x * 5).numpy()
    others = [x * 3 for _ in range(4)]
    assert array[0] == 5
