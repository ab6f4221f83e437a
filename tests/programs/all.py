"""Run the programs of this folder, or some of them, and print what each has printed, as JSON."""

import contextlib
import io
import json
import runpy
import sys
import traceback
from pathlib import Path

import torch

FOLDER = Path(__file__).parent


def output(path):
    """What a program prints, or its traceback."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(str(path), run_name="__main__")
    except Exception:
        return printed.getvalue() + traceback.format_exc()
    return printed.getvalue()


if __name__ == "__main__":
    torch.set_num_threads(1)  # they are small
    target, names = (sys.argv[1:2] or ["-"])[0], sys.argv[2:]
    programs = [path for path in sorted(FOLDER.glob("*.py")) if path.stem not in ("__init__", "all")]
    found = json.dumps(
        {path.stem: output(path) for path in programs if not names or path.stem in names}, indent=1
    )
    print(found) if target == "-" else Path(target).write_text(found + "\n")
