"""Streams and events: several orders of work on a device, and moments in them."""

from __future__ import annotations

from typing import Any

from numbatorch.cuda.devices import current_device, driver_for, index_of, set_device
from numbatorch.device import device as Device
from numbatorch_kernels.cuda import faults
from numbatorch_kernels.cuda import stream as kernels


class Stream:
    """An order of work on a device, beside its others. There are 32 of a priority, which are handed out in turn.

    Memory that was allocated in another stream must be named with `tensor.record_stream(stream)` if it may be freed
    while this one still uses it.
    """

    def __init__(self, device: Any = None, priority: int = 0, **own: Any):
        index = index_of(device)
        self.kernels = own["kernels"] if "kernels" in own else kernels.another(index, priority)

    @property
    def device(self) -> Device:
        """The device that does the work."""
        return Device("cuda", self.kernels.device)

    @property
    def device_index(self) -> int:
        return self.kernels.device

    @property
    def priority(self) -> int:
        """Smaller is more urgent; 0 is usual."""
        return self.kernels.priority

    @property
    def cuda_stream(self) -> int:
        """The driver's handle; 0 is the default stream."""
        if self.kernels is kernels.default(self.device_index):
            return 0
        return driver_for(self.device_index).handle(self.kernels.handle)

    stream_id = cuda_stream

    def synchronize(self) -> None:
        """Wait until all that the stream was given is done. Raises the errors of kernels that have failed."""
        faults.synchronize(self.device_index, self.kernels)

    def query(self) -> bool:
        """Whether all is done."""
        return driver_for(self.device_index).done(self.device_index, self.kernels.handle)

    def wait_stream(self, stream: Stream) -> None:
        """What comes next waits for all that the other stream has been given. Raises RuntimeError where a graph is captured from
        the other one alone."""
        if stream.kernels.capture is not self.kernels.capture is None:
            raise RuntimeError(
                "a graph is captured from one stream: what another stream does for it belongs into that stream as well"
            )
        driver_for(self.device_index).wait(self.device_index, self.kernels.handle, stream.kernels.handle)

    def wait_event(self, event: Event) -> None:
        """What comes next waits for an event."""
        event.wait(self)

    def record_event(self, event: Event | None = None) -> Event:
        """Make this moment an event, a new one unless given."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.kernels is self.kernels

    def __hash__(self) -> int:
        return hash(self.kernels)

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class ExternalStream(Stream):
    """A stream that another library has made, from its address."""

    def __init__(self, stream_ptr: int, device: Any = None):
        index = index_of(device)
        super().__init__(device, kernels=kernels.Stream(index, driver_for(index).external(index, stream_ptr)))


class Event:
    """A moment in a stream."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False):
        if interprocess:
            raise RuntimeError("events are not shared with other processes: leave out interprocess=True")
        self.enable_timing, self.blocking = enable_timing, blocking
        self.handle: Any = None
        self.device: Device | None = None
        driver_for()

    def record(self, stream: Stream | None = None) -> None:
        """This moment of the stream, the current one unless given."""
        stream = current_stream() if stream is None else stream
        driver, index = driver_for(stream.device_index), stream.device_index
        if self.device not in (None, stream.device):
            raise RuntimeError(
                f"Event device {self.device} does not match recording stream's device {stream.device}."
            )
        if self.handle is None:
            self.device, self.handle = stream.device, driver.event(index, self.enable_timing, self.blocking)
        driver.record(index, self.handle, stream.kernels.handle)

    def wait(self, stream: Stream | None = None) -> None:
        """What comes next in the stream, the current one unless given, waits for the event."""
        stream = current_stream() if stream is None else stream
        if self.handle is not None:
            driver_for().wait(stream.device_index, stream.kernels.handle, self.handle)

    def query(self) -> bool:
        """Whether the moment has passed."""
        return self.handle is None or driver_for().event_done(self.handle)

    def synchronize(self) -> None:
        """Wait until the moment has passed."""
        if self.handle is not None:
            driver_for().finish_event(self.handle)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds until another event. Raises RuntimeError unless both were recorded, with times, and have passed."""
        if not (self.enable_timing and end_event.enable_timing):
            raise RuntimeError("Both events must be created with argument 'enable_timing=True'.")
        if self.handle is None or end_event.handle is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        if not (self.query() and end_event.query()):
            raise RuntimeError("Both events must be completed before calculating elapsed time.")
        return driver_for().elapsed(self.handle, end_event.handle)

    def __repr__(self) -> str:
        if self.handle is None:
            return "<torch.cuda.Event uninitialized>"
        return f"<torch.cuda.Event {id(self.handle):#x}>"


def current_stream(device: Any = None) -> Stream:
    """The stream that this thread gives its work to."""
    index = index_of(device)
    return Stream(index, kernels=kernels.current(index))


def default_stream(device: Any = None) -> Stream:
    """The stream in which work is done where nobody says otherwise."""
    index = index_of(device)
    return Stream(index, kernels=kernels.default(index))


def get_stream_from_external(data_ptr: int, device: Any = None) -> Stream:
    """A stream that another library has made, from its address."""
    return ExternalStream(data_ptr, device)


def set_stream(stream: Stream | None) -> None:
    """Give the work of this thread to `stream`. (`with cuda.stream(...)` is better style.)"""
    if stream is not None:
        kernels.use(stream.kernels)


class StreamContext:
    """Within `with cuda.stream(s):`, work goes to `s`, and "cuda" means its device. None changes nothing."""

    def __init__(self, stream: Stream | None):
        self.stream = stream
        self.before: Any = None

    def __enter__(self) -> None:
        if self.stream is not None:
            index = current_device()
            self.before = (index, current_stream(self.stream.device_index))
            set_device(self.stream.device_index)
            set_stream(self.stream)

    def __exit__(self, *exception: object) -> None:
        if self.stream is not None:
            index, stream = self.before
            set_stream(stream)
            set_device(index)


def stream(stream: Stream | None) -> StreamContext:
    """Within `with cuda.stream(s):`, work goes to `s`."""
    return StreamContext(stream)
