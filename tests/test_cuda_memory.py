"""Device memory: what is counted, what is reused, what happens when there is no more. Without a GPU, of the simulator."""

import gc
import sys
import threading

import numpy as np
import pytest

import numbatorch as torch
from numbatorch_kernels.cuda import DeviceArray, compat, memory
from numbatorch_kernels.cuda.driver import driver

simulated_only = pytest.mark.skipif(not compat.SIMULATED, reason="sets the size of a simulated GPU")
KiB = 1 << 10


@pytest.fixture(autouse=True)
def tidy():
    gc.collect()
    torch.cuda.empty_cache()


def test_memory_is_reused_once_no_view_is_left():
    x = DeviceArray.empty((1000,), "f4")
    address, view = x.address, x[10:20]
    del x
    gc.collect()
    other = DeviceArray.empty((1000,), "f4")
    assert other.address != address
    del view
    gc.collect()
    assert DeviceArray.empty((1000,), "f4").address == address


def test_what_is_counted():
    cuda = torch.cuda
    before, reserved = cuda.memory_allocated(), cuda.memory_reserved()
    cuda.reset_peak_memory_stats()
    x = torch.empty(1000, device="cuda")
    size = memory.sizes(4000)[0]
    assert cuda.memory_allocated() == before + size
    assert cuda.memory_reserved() == reserved + size
    del x
    assert cuda.memory_allocated() == before
    assert cuda.memory_reserved() == reserved + size
    assert cuda.max_memory_allocated() == before + size
    cuda.empty_cache()
    assert cuda.memory_reserved() == reserved
    assert cuda.max_memory_reserved() == reserved + size


def test_statistics():
    first = torch.cuda.memory_stats()
    x = torch.empty(1000, device="cuda")
    stats = torch.cuda.memory_stats()
    assert stats["allocation.all.current"] == first["allocation.all.current"] + 1
    assert stats["requested_bytes.all.allocated"] == first["requested_bytes.all.allocated"] + 4000
    assert stats["num_device_alloc"] == first["num_device_alloc"] + 1
    assert (
        torch.cuda.memory_stats_as_nested_dict()["allocation"]["all"]["current"]
        == stats["allocation.all.current"]
    )
    table = torch.cuda.memory_summary()
    assert "numbatorch CUDA memory summary, device ID 0" in table
    assert len({len(line) for line in table.splitlines()}) == 1
    torch.cuda.reset_accumulated_memory_stats()
    stats = torch.cuda.memory_stats()
    assert stats["allocated_bytes.all.allocated"] == stats["allocated_bytes.all.current"]
    assert x.numel() == 1000


@pytest.mark.parametrize("nbytes", [0, 1, 511, 512, 513, 4000, 4096, 4097, 10**6, 2**20, 2**20 + 1, 10**9])
def test_size_classes_are_close_and_few(nbytes):
    size = memory.sizes(nbytes)[0]
    assert size >= max(nbytes, 1) and size % 512 == 0
    assert size - nbytes <= max(512, nbytes / 8)
    assert memory.sizes(size)[0] == size


def test_arrays_come_and_go_in_many_threads():
    before = torch.cuda.memory_allocated()
    wrong = []

    def work(seed):
        for k in range(50):
            host = np.full(100 + seed, 100 * seed + k)
            if not (DeviceArray.from_host(host).copy_to_host() == host).all():
                wrong.append((seed, k))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    gc.collect()
    assert torch.cuda.memory_allocated() == before


def test_no_step_of_training_leaves_memory_behind():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).to("cuda")
    optimizer = torch.optim.Adam(model.parameters())
    x = torch.ones(2, 3, device="cuda")

    def step():
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()

    for _ in range(3):
        step()
    gc.collect()
    gc.disable()  # reference counts alone must do
    try:
        before = torch.cuda.memory_allocated(), torch.cuda.memory_stats()["num_device_alloc"]
        for _ in range(10):
            step()
        assert (torch.cuda.memory_allocated(), torch.cuda.memory_stats()["num_device_alloc"]) == before
    finally:
        gc.enable()


@simulated_only
def test_ten_thousand_steps_leave_nothing_behind(monkeypatch):
    monkeypatch.setattr(driver, "launch", lambda *args: None)  # memory comes and goes all the same
    layer = torch.nn.Linear(3, 1, device="cuda")
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    x = torch.ones(2, 3, device="cuda")

    def run(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            layer(x).sum().backward()
            optimizer.step()
        gc.collect()
        counted = torch.cuda.memory_stats()
        return [
            counted[name]
            for name in ("allocated_bytes.all.current", "reserved_bytes.all.current", "num_device_alloc")
        ]

    before, objects = run(10), sys.getallocatedblocks()
    assert run(10_000) == before
    assert sys.getallocatedblocks() < objects + 2_000  # of Python


# ---- the end of memory ----


@pytest.fixture
def room(monkeypatch):
    """room(n): the simulated GPU has n bytes besides those that are in use."""

    def set_room(nbytes):
        monkeypatch.setattr(driver, "total", driver.total - driver.memory_info(0)[0] + nbytes)

    return set_room


@simulated_only
def test_the_cache_and_garbage_go_first(room):
    kept = torch.empty(64 * KiB, dtype=torch.uint8, device="cuda")
    cycle = [torch.empty(64 * KiB, dtype=torch.uint8, device="cuda")]
    cycle.append(cycle)
    room(0)
    del kept, cycle
    before = torch.cuda.memory_stats()["num_alloc_retries"]
    x = torch.empty(100 * KiB, dtype=torch.uint8, device="cuda")  # fits once both are given back
    stats = torch.cuda.memory_stats()
    assert x.numel() and stats["num_alloc_retries"] == before + 1


@simulated_only
def test_an_error_names_the_largest_tensors(room):
    x = torch.empty(8, 8 * KiB, dtype=torch.uint8, device="cuda")
    room(10 * KiB)
    before = torch.cuda.memory_stats()["num_ooms"]
    with pytest.raises(torch.cuda.OutOfMemoryError) as caught:
        torch.empty(1 << 20, dtype=torch.uint8, device="cuda")
    text = str(caught.value)
    assert text.startswith("CUDA out of memory. Tried to allocate 1.00 MiB. GPU 0 has a total capacity of ")
    assert "of which 10.00 KiB is free. Of the allocated memory " in text
    assert "The largest live tensors: 64.00 KiB uint8[8, 8192]" in text
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError
    assert torch.cuda.memory_stats()["num_ooms"] == before + 1
    assert x.numel() and torch.empty(8 * KiB, dtype=torch.uint8, device="cuda").numel()  # life goes on


def test_a_part_of_the_memory():
    with pytest.raises(ValueError, match="Invalid fraction value: 1.5. Allowed range: 0~1"):
        torch.cuda.set_per_process_memory_fraction(1.5)
    with pytest.raises(TypeError, match="Invalid type for fraction argument, must be `float`"):
        torch.cuda.set_per_process_memory_fraction(1)
    torch.cuda.set_per_process_memory_fraction(0.0)
    try:
        assert torch.cuda.get_per_process_memory_fraction() == 0.0
        with pytest.raises(torch.OutOfMemoryError, match="0 bytes allowed; "):
            torch.empty(10**6, device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total == torch.cuda.get_device_properties(0).total_memory


# ---- memory and streams ----


def test_a_block_goes_to_the_next_tensor_of_its_stream():
    other = torch.cuda.Stream()
    x = torch.empty(1000, device="cuda")
    address = x.data_ptr()
    del x
    with torch.cuda.stream(other):
        y = torch.empty(1000, device="cuda")
    assert y.data_ptr() != address
    assert torch.empty(1000, device="cuda").data_ptr() == address


def test_a_recorded_stream_is_waited_for(monkeypatch):
    waited = []
    wait = driver.wait
    monkeypatch.setattr(driver, "wait", lambda *args: (waited.append(args), wait(*args)))
    other = torch.cuda.Stream()
    x = torch.empty(1000, device="cuda")
    x.record_stream(other)
    x.record_stream(torch.cuda.current_stream())  # its own: nothing to wait for
    del x
    torch.cuda.memory_allocated()
    assert [handle for *_, handle in waited] == [other.kernels.handle]


# ---- pinned memory ----


def test_pinned_memory():
    x = torch.arange(6.0).reshape(2, 3)
    assert not x.is_pinned() and not x.to("cuda").is_pinned()
    pinned = x.t().pin_memory()
    assert pinned.is_pinned() and pinned[1:].is_pinned() and pinned.pin_memory() is pinned
    assert pinned.tolist() == x.t().tolist()
    there = pinned.to("cuda", non_blocking=True)
    torch.cuda.synchronize()
    assert there.tolist() == pinned.tolist()
    assert torch.tensor([1, 2], pin_memory=True).is_pinned()
    with pytest.raises(
        RuntimeError, match="cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned"
    ):
        there.pin_memory()


def test_pinned_memory_is_reused_when_copies_are_done(monkeypatch):
    x = torch.empty(1000).pin_memory()
    address = x.data_ptr()
    done = False
    monkeypatch.setattr(driver, "event_done", lambda event: done)
    x.to("cuda", non_blocking=True)
    del x
    y = torch.empty(1000).pin_memory()
    assert y.data_ptr() != address
    done = True
    assert torch.empty(1000).pin_memory().data_ptr() == address


def test_a_loader_pins_its_batches():
    data = torch.utils.data.TensorDataset(torch.arange(4.0), torch.arange(4))
    for x, y in torch.utils.data.DataLoader(data, 2, pin_memory=True):
        assert x.is_pinned() and y.is_pinned()
