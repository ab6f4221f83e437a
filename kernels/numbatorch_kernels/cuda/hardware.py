"""The GPUs, by way of NVIDIA's cuda-core and the driver's own functions.

Everything that touches a driver is here, and nothing else: `simulated.Simulated` has the same methods for a machine
without one. A stream, an event, a graph are cuda-core's objects, which those who hold them pass back and do not
look into.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from numbatorch_kernels.cuda.errors import WITHOUT_GPU, AcceleratorError
from numbatorch_kernels.cuda.properties import Properties

try:
    from cuda import core
    from cuda.bindings import driver as api
except ImportError as error:
    raise RuntimeError(
        f"CUDA needs cuda-core, which comes with numba-cuda ({error}): pip install 'numbatorch[cuda]'. {WITHOUT_GPU}"
    ) from error

LOWEST_PRIORITY = 0  # of streams; what is more urgent has a smaller number


def _of(result: tuple) -> Any:
    """What a function of the driver returns. Raises MemoryError, or AcceleratorError in the driver's words."""
    error, *values = result
    if error == api.CUresult.CUDA_SUCCESS:
        return values[0] if values else None
    if error == api.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
        raise MemoryError("the GPU is out of memory")
    name, text = (function(error)[1] for function in (api.cuGetErrorName, api.cuGetErrorString))
    raise AcceleratorError(f"CUDA error: {text.decode()} ({name.decode()})")


def _finished(wait) -> None:
    """Call `wait`, which returns when the device is done. Raises AcceleratorError if a kernel has failed."""
    try:
        wait()
    except Exception as error:  # cuda-core's own class is not public
        raise AcceleratorError(
            f"CUDA error: {error}. A kernel that ran before has failed, and this process can no longer use the GPU; "
            "under NUMBA_ENABLE_CUDASIM=1 the simulator names the kernel and the thread"
        ) from error


class Hardware:
    """All GPUs of this machine."""

    def __init__(self) -> None:
        self.of_thread = threading.local()  # .device: the number of the device that is current for the driver
        self.known: dict[int, Properties] = {}

    # ---- devices ----

    @cached_property
    def failure(self) -> str | None:
        """Why there is no GPU to use; None where there is one."""
        try:
            (error,) = api.cuInit(0)
        except Exception as missing:  # the bindings find no library to load
            return f"no NVIDIA driver is installed ({missing})"
        if error != api.CUresult.CUDA_SUCCESS:
            return f"the NVIDIA driver answers {error.name}"
        return (
            None if _of(api.cuDeviceGetCount()) else "the NVIDIA driver sees no GPU (CUDA_VISIBLE_DEVICES?)"
        )

    @cached_property
    def devices(self) -> int:
        return 0 if self.failure else _of(api.cuDeviceGetCount())

    def count(self) -> int:
        return self.devices

    def version(self) -> tuple[int, int] | None:
        """The newest CUDA that the driver can work with; None without one."""
        if self.failure:
            return None
        number = _of(api.cuDriverGetVersion())
        return number // 1000, number % 1000 // 10

    def enter(self, index: int) -> Any:
        """Make device number `index` the driver's current one in this thread."""
        device = core.Device(index)
        if getattr(self.of_thread, "device", None) != index:
            device.set_current()
            self.of_thread.device = index
        return device

    def left(self) -> None:
        """Somebody else may have changed the driver's current device."""
        self.of_thread.device = None

    def properties(self, index: int) -> Properties:
        if index in self.known:
            return self.known[index]
        device = self.enter(index)
        of = device.properties
        major, minor = device.compute_capability
        found = self.known[index] = Properties(
            device.name, major, minor, self.memory_info(index)[1], of.multiprocessor_count, of.warp_size,
            of.max_threads_per_block, of.max_threads_per_multiprocessor, of.max_registers_per_multiprocessor,
            of.max_shared_memory_per_block, of.max_shared_memory_per_block_optin,
            of.max_shared_memory_per_multiprocessor, of.l2_cache_size, of.clock_rate, of.memory_clock_rate,
            of.global_memory_bus_width, of.pci_bus_id, of.pci_device_id, of.pci_domain_id, int(of.integrated),
            int(of.multi_gpu_board), device.uuid, device.name,
        )  # fmt: skip
        return found

    def can_access_peer(self, index: int, peer: int) -> bool:
        return core.Device(index).can_access_peer(peer)

    # ---- memory ----

    def memory_info(self, index: int) -> tuple[int, int]:
        """Bytes that are free, and that there are."""
        self.enter(index)
        error, free, total = api.cuMemGetInfo()
        _of((error,))
        return free, total

    def allocate(self, index: int, size: int) -> tuple[int, Any]:
        """The address of new memory, and a buffer of bytes that has this address. Raises MemoryError."""
        self.enter(index)
        address = int(_of(api.cuMemAlloc(size)))
        return address, (ctypes.c_uint8 * size).from_address(address)

    def free(self, index: int, address: int) -> None:
        """Give memory back, once the device has done all that it was given."""
        self.enter(index)
        _of(api.cuMemFree(address))

    def pinned(self, size: int) -> Any:
        """Host memory that the device copies to and from by itself, as a buffer of bytes."""
        self.enter(0)
        return (ctypes.c_uint8 * size).from_address(int(_of(api.cuMemAllocHost(size))))

    def unpin(self, memory: Any) -> None:
        _of(api.cuMemFreeHost(ctypes.addressof(memory)))

    def upload(self, index: int, block: Any, offset: int, data: np.ndarray, stream: Any, wait: bool) -> None:
        """Copy host memory, an array of bytes, to the device; `wait` unless the host memory stays as it is."""
        self.enter(index)
        _of(api.cuMemcpyHtoDAsync(block.address + offset, data.ctypes.data, data.nbytes, stream.handle))
        if wait:
            _finished(stream.sync)

    def download(self, index: int, block: Any, offset: int, data: np.ndarray, stream: Any) -> None:
        """Fill host memory, an array of bytes, from the device."""
        self.enter(index)
        _of(api.cuMemcpyDtoHAsync(data.ctypes.data, block.address + offset, data.nbytes, stream.handle))
        _finished(stream.sync)

    def copy(self, index: int, target: Any, at: int, source: Any, of: int, size: int, stream: Any) -> None:
        """Copy from device memory to device memory, of this or another device."""
        self.enter(index)
        _of(api.cuMemcpyAsync(target.address + at, source.address + of, size, stream.handle))

    # ---- streams and events ----

    def default_stream(self, index: int) -> Any:
        self.enter(index)
        return core.LEGACY_DEFAULT_STREAM

    def stream(self, index: int, priority: int) -> Any:
        """A new one, which does not wait for the default stream."""
        return self.enter(index).create_stream(
            options=core.StreamOptions(nonblocking=True, priority=priority)
        )

    def external(self, index: int, handle: int) -> Any:
        """A stream that somebody else has made."""
        self.enter(index)
        return core.Stream.from_handle(handle)

    def handle(self, stream: Any) -> int:
        return int(stream.handle)

    def finish(self, index: int, stream: Any = None) -> None:
        """Wait for a stream, or for the device."""
        self.enter(index)
        _finished((lambda: _of(api.cuCtxSynchronize())) if stream is None else stream.sync)

    def done(self, index: int, stream: Any) -> bool:
        """Whether a stream has nothing left to do."""
        self.enter(index)
        (error,) = api.cuStreamQuery(stream.handle)
        if error == api.CUresult.CUDA_ERROR_NOT_READY:
            return False
        return _of((error,)) is None

    def wait(self, index: int, stream: Any, other: Any) -> None:
        """What comes next on `stream` waits for an event, or for what another stream has been given."""
        self.enter(index)
        stream.wait(other)

    def event(self, index: int, timing: bool, blocking: bool) -> Any:
        return self.enter(index).create_event(
            core.EventOptions(timing_enabled=timing, blocking_sync=blocking)
        )

    def record(self, index: int, event: Any, stream: Any) -> None:
        self.enter(index)
        stream.record(event)

    def event_done(self, event: Any) -> bool:
        return event.is_done

    def finish_event(self, event: Any) -> None:
        _finished(event.sync)

    def elapsed(self, start: Any, end: Any) -> float:
        """Milliseconds between two events."""
        return end - start

    # ---- kernels and graphs ----

    def link(self, ptx: str, architecture: str) -> bytes:
        """Machine code of what a compiler has written. No GPU is needed."""
        options = core.LinkerOptions(arch=architecture)
        return core.Linker(core.ObjectCode.from_ptx(ptx.encode()), options=options).link("cubin").code

    def load(self, index: int, code: bytes, entry: str) -> Any:
        """The kernel named `entry` in machine code, on a device."""
        self.enter(index)
        return core.ObjectCode.from_cubin(code).get_kernel(entry)

    def configuration(self, index: int, grid: int | tuple[int, ...], block: int | tuple[int, ...]) -> Any:
        """What `launch` wants to know of the grid."""
        self.enter(index)
        return core.LaunchConfig(grid=grid, block=block)

    def launch(self, index: int, stream: Any, configuration: Any, kernel: Any, args: Sequence) -> None:
        """Have a kernel run: addresses and integers are ints, reals floats."""
        if getattr(self.of_thread, "device", None) != index:
            self.enter(index)
        core.launch(stream, configuration, kernel, *args)

    def capture(self, index: int, stream: Any) -> Any:
        """Note what `stream` is given from now on instead of doing it."""
        self.enter(index)
        return stream.create_graph_builder().begin_building("relaxed")

    def captured(self, builder: Any) -> Any:
        """The end of a capture: what was noted, ready to be replayed."""
        return builder.end_building().complete()

    def abandon(self, builder: Any) -> None:
        """The end of a capture that has failed."""
        try:
            builder.end_building()
        finally:
            builder.close()

    def replay(self, index: int, graph: Any, stream: Any) -> None:
        self.enter(index)
        graph.launch(stream)
