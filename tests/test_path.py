"""How much there is to read between `a + b` and the loop of the machine."""

import gc
import inspect
import sys
from pathlib import Path

import numbatorch as torch
import numbatorch_kernels
from numbatorch_kernels import call

THE_GPU = {"simulated.py", "simulator.py"}  # which stand for its driver, and for itself
OURS = tuple([str(Path(module.__file__).parent) for module in (torch, numbatorch_kernels)])


def ours(file: str) -> bool:
    """Whether this is one of our files, or a kernel that was generated."""
    return file.startswith(OURS) or Path(file).name.startswith("numbatorch_")


def lines_executed(function) -> set[tuple[str, int]]:
    """The lines of our own Python that run: file and number. (No garbage is collected, which has ways of its own to go.)"""
    seen = set()

    def trace(frame, event, argument):
        if not ours(frame.f_code.co_filename):
            return None
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    gc.disable()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(None)
        gc.enable()
    return seen


def test_from_the_operator_to_the_loop_there_are_fewer_than_150_lines(device):
    a, b = torch.ones(3, device=device), torch.ones(3, device=device)
    a + b  # from here on the kernel is there
    path = lines_executed(lambda: a + b)
    path = {(file, line) for file, line in path if Path(file).name not in THE_GPU}
    native = (call.invoke, call.fill.py_func, call.outcome.py_func) if device == "cpu" else ()
    lines = len(path) + sum(len(inspect.getsource(f).splitlines()) for f in native)
    assert 20 < lines < 150
