"""Calls of kernels: arguments of every kind, and shares of one call among threads."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled


def count(out, start, stop):
    """One more in each place."""
    for i in range(start, stop):
        out[i] += 1


def take(out, a, whole, real, z, start, stop):
    out[0] = a[0]
    out[1] = whole
    out[2] = real
    out[3] = z.real
    out[4] = z.imag
    out[5] = stop - start


@pytest.fixture
def threads():
    before = parallel.get_num_threads()
    yield parallel.set_num_threads
    parallel.set_num_threads(before)


@pytest.mark.parametrize("n", [1, 63, 64, 1000, 4097, 100_003])
@pytest.mark.parametrize("helpers", [1, 2, 3, 5])
def test_every_unit_of_work_is_done_once(threads, n, helpers):
    threads(helpers)
    out = np.zeros(n, np.int64)
    for _ in range(20):
        parallel.run(compiled(count, "i8", int, int), n, 1, out)
    assert (out == 20).all()


def test_callers_in_several_threads_do_not_disturb_each_other(threads):
    threads(2)
    entry, outs = compiled(count, "i8", int, int), [np.zeros(5000, np.int64) for _ in range(4)]

    def work(out):
        for _ in range(200):
            parallel.run(entry, out.size, 1, out)

    callers = [threading.Thread(target=work, args=(out,)) for out in outs]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all((out == 200).all() for out in outs)


def test_a_helper_that_has_gone_to_sleep_wakes(threads):
    threads(2)
    entry, out = compiled(count, "i8", int, int), np.zeros(5000, np.int64)
    for _ in range(3):
        parallel.run(entry, out.size, 1, out)
        threading.Event().wait(0.02)
    assert (out == 3).all()


def test_arguments_of_every_kind():
    out = np.zeros(6)
    entry = compiled(take, "f8", "f8", int, float, complex, int, int)
    entry(out, np.array([2.5]), np.int64(-3), 7, 1 - 2j, 0, 9)
    assert out.tolist() == [2.5, -3.0, 7.0, 1.0, -2.0, 9.0]
    parallel.run(entry, 5, 5, out, np.array([0.5]), True, np.float32(0.25), 3.0)
    assert out.tolist() == [0.5, 1.0, 0.25, 3.0, 0.0, 5.0]


def test_arguments_that_do_not_fit_are_errors(threads):
    threads(2)
    out = np.zeros(4, np.int64)
    entry = compiled(count, "i8", int, int)
    for wrong in ((out,), (out, 0, 4, 4), (out, "a", 4), (out, 0, None)):
        with pytest.raises(TypeError):
            entry(*wrong)
    with pytest.raises(TypeError):
        parallel.run(entry, 4, 1, out, 1)
    with pytest.raises((TypeError, SystemError)):
        parallel.run(lambda *args: None, 4, 1, out)
    assert not out.any()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_gathers_a_team_of_its_own():
    program = """
import os, numpy as np
from numbatorch_kernels import parallel
from numbatorch_kernels.cpu import compiled

def count(out, start, stop):
    for i in range(start, stop):
        out[i] += 1

def once_more(out, start, stop):
    for i in range(start, stop):
        out[i] += 1

parallel.set_num_threads(2)
out = np.zeros(100_000, np.int64)
parallel.run(compiled(count, "i8", int, int), out.size, 1, out)
child = os.fork()  # while the first helper begins
parallel.run(compiled(once_more, "i8", int, int), out.size, 1, out)
if child:
    assert os.waitpid(child, 0)[1] == 0
assert (out == 2).all()
print("done", flush=True)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (found.returncode, found.stdout) == (0, "done\ndone\n"), found.stderr
