"""The main job, as a user starts it: a process of its own."""

import os
import re
import subprocess
import sys

import pytest


def demo(*arguments, **environment):
    result = subprocess.run(
        [sys.executable, "-m", "numbatorch.demo", *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def accuracy(output):
    return float(re.search(r"test accuracy ([\d.]+)%", output)[1])


def test_learns_to_read_and_reloads_what_it_saved(tmp_path):
    output = demo("--output", tmp_path)
    assert accuracy(output) >= 97
    assert len(re.findall(r"^  is \d ", output, re.MULTILINE)) == 10  # the confusion table
    assert "it predicts the same" in output
    assert (tmp_path / "digits.safetensors").stat().st_size > 300_000


def test_draws_a_picture_where_matplotlib_is_installed(tmp_path):
    pytest.importorskip("matplotlib")
    demo("--output", tmp_path, "--epochs", 1)
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")


def test_same_seed_same_result(tmp_path):
    first, again, other = (demo("--output", tmp_path, "--epochs", 1, "--seed", s) for s in (3, 3, 4))
    table = re.compile(r"read as.*test accuracy [^\n]*", re.DOTALL)
    assert table.search(first)[0] == table.search(again)[0]
    assert table.search(first)[0] != table.search(other)[0]


def test_on_cuda(tmp_path):
    output = demo("--device", "cuda", "--output", tmp_path, "--epochs", 1)
    assert "it predicts the same" in output


def test_refuses_no_epochs():
    command = [sys.executable, "-m", "numbatorch.demo", "--epochs", "0"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2 and "--epochs must be at least 1" in result.stderr
