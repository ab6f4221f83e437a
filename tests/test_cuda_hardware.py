"""What is asked of NVIDIA's libraries where there is a GPU, tried on a driver that only pretends: see fake_driver/libcuda.c."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not (
        shutil.which("cc")
        and sys.platform == "linux"
        and all(importlib.util.find_spec(name) for name in ("cuda", "numba_cuda"))
    ),
    reason="needs cuda-core, numba-cuda and a C compiler",
)

BEGIN = """
import ctypes
import numpy as np
import numbatorch as torch
fake = ctypes.CDLL("libcuda.so.1")
count = lambda name: ctypes.c_long.in_dll(fake, "fake_" + name).value
cuda = torch.cuda
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("driver")
    source = Path(__file__).parent / "fake_driver" / "libcuda.c"
    command = "cc -shared -fPIC -w -Wl,-soname,libcuda.so.1 -o".split()
    subprocess.run([*command, str(path / "libcuda.so.1"), str(source), "-ldl"], check=True)
    return path


@pytest.fixture
def printed(folder):
    """What a program prints that finds this driver."""

    def run(program: str, **environment: str) -> list[str]:
        own = {k: v for k, v in os.environ.items() if k != "NUMBA_ENABLE_CUDASIM"}
        paths = os.pathsep.join(filter(None, (str(folder), own.get("LD_LIBRARY_PATH"))))
        own |= {"LD_LIBRARY_PATH": paths, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | environment
        done = subprocess.run(
            [sys.executable, "-c", BEGIN + program], capture_output=True, text=True, env=own
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.splitlines()

    return run


def test_devices_memory_streams_and_events(printed):
    program = """
print(cuda.device_count(), cuda.get_device_name(), cuda.get_device_capability())
x = torch.arange(6.0).to("cuda")
print(x.cpu().tolist(), x[1::2].cpu().tolist())
pinned = torch.ones(4).pin_memory()
print(pinned.to("cuda", non_blocking=True).cpu().tolist(), pinned.is_pinned())
start, end, stream = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True), cuda.Stream()
with cuda.stream(stream):
    start.record()
    end.record()
print(start.elapsed_time(end), stream.query(), cuda.current_stream().cuda_stream)
stream.wait_event(start), stream.wait_stream(cuda.default_stream()), stream.synchronize(), end.synchronize()
x.record_stream(stream)
del x
cuda.synchronize()
print(cuda.memory_allocated() > 0, cuda.mem_get_info()[1])
cuda.empty_cache()
try:
    torch.empty(10**6, device="cuda")
except torch.OutOfMemoryError as error:
    print(str(error).splitlines()[0])
"""
    *lines, error = printed(program)
    assert lines == [
        "1 Fake GPU (9, 0)", "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0] [1.0, 3.0, 5.0]", "[1.0, 1.0, 1.0, 1.0] True", "1.5 True 0",
        "False 1048576",
    ]  # fmt: skip
    assert error.startswith(
        "CUDA out of memory. Tried to allocate 4.00 MiB. GPU 0 has a total capacity of 1.00 MiB of which"
    )


LAUNCH = """
from numbatorch_kernels.cuda import DeviceArray
from numbatorch_kernels.cuda.launch import compiled, geometry

def kernel(out, x, sizes, n, a, z):
    out[0] = x[0] * a + z.real + z.imag + n + sizes[0]

ctypes.c_int.in_dll(fake, "fake_arg_count").value = 7
out, x = DeviceArray.empty((4,), "f4"), DeviceArray.empty((4,), "f4")
sizes = np.array([7], np.int64)
launch = compiled(kernel, "f4", "f4", "i8", int, float, complex)
launch(3, 32, out, x, sizes, -5, 2, 1.5 - 2j)
args = (ctypes.c_uint64 * 12).in_dll(fake, "fake_args")
print([out.address, x.address, geometry(sizes, 0).address] == list(args[:3]))
print(np.array(args[3:4], np.uint64).view(np.int64)[0], *np.array(args[4:7], np.uint64).view(np.float64))
print(*[ctypes.c_uint.in_dll(fake, name).value for name in ("fake_grid", "fake_block")], count("launches"))
"""


def test_the_driver_gets_addresses_and_numbers(printed):
    assert printed(LAUNCH) == ["True", "-5 2.0 1.5 -2.0", "3 32 1"]


def test_a_graph_notes_launches_and_is_replayed(printed):
    program = """
x = torch.ones(4, device="cuda")
x * 2 + 1
before, graph = count("launches"), cuda.CUDAGraph()
with cuda.graph(graph):
    y = (x * 2 + 1)[:3]
print(count("launches") - before, count("noted"), count("replays"))
graph.replay()
print(count("replays"))
try:
    with cuda.graph(graph):
        x.tolist()
except torch.AcceleratorError as error:
    print(str(error).partition(". ")[0])
print(len(x.tolist()))
del y
graph.reset()
"""
    assert printed(program) == [
        "0 2 0", "1", "CUDA error: operation not permitted when stream is capturing", "4"
    ]  # fmt: skip


def test_a_driver_older_than_the_compiler(printed):
    program = """
try:
    torch.ones(3, device="cuda") + 1
except RuntimeError as error:
    print(error)
"""
    (text,) = printed(program, FAKE_CUDA="12080", NUMBATORCH_CACHE_DIR=os.devnull)
    assert text.startswith(
        "the NVIDIA driver of this machine works with CUDA 12.8 at most, and the compiler is of CUDA 13"
    )
    assert "install a newer driver, or pip install 'numbatorch[cu12]'" in text
