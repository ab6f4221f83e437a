"""Devices, streams, events and graphs as programs use them. Without a GPU, the simulator's."""

import pytest

import numbatorch as torch
from numbatorch_kernels.cuda import compat
from numbatorch_kernels.cuda.driver import driver

cuda = torch.cuda
simulated_only = pytest.mark.skipif(not compat.SIMULATED, reason="asks for a second simulated GPU")


def test_devices():
    of = cuda.get_device_properties("cuda:0")
    assert cuda.get_device_name() == of.name and cuda.get_device_capability(0) == (of.major, of.minor)
    assert repr(of).startswith(
        f"_CudaDeviceProperties(name='{of.name}', major={of.major}, minor={of.minor}, total_memory="
    )
    assert cuda.current_device() == 0 and cuda.is_initialized()
    with pytest.raises(RuntimeError, match="invalid device ordinal: cuda:7"):
        cuda.set_device(7)
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        cuda.get_device_name("cpu")


@simulated_only
def test_two_devices(monkeypatch):
    monkeypatch.setattr(driver, "devices", 2)
    with cuda.device(1):
        x = torch.ones(3, device="cuda")
        assert cuda.current_device() == 1 and x.device == torch.device("cuda:1")
        with cuda.device_of(torch.ones(1, device="cuda:0")):
            assert torch.ones(1, device="cuda").get_device() == 0
        with cuda.device(None), cuda.device(-1):
            assert cuda.current_device() == 1
    assert cuda.current_device() == 0
    y = x.to("cuda:0")
    assert y.device == torch.device("cuda:0") and y.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        x + y
    assert cuda.can_device_access_peer(0, 1) and cuda.memory_allocated(1) > 0
    stream = cuda.Stream("cuda:1")
    with cuda.stream(stream):
        assert cuda.current_device() == 1 and cuda.current_stream() == stream


def test_streams():
    stream, other = cuda.Stream(), cuda.Stream(priority=-1)
    assert stream != other and other.priority == -1 and stream.device == torch.device("cuda:0")
    assert cuda.current_stream() == cuda.default_stream() and cuda.default_stream().cuda_stream == 0
    with cuda.stream(stream):
        assert cuda.current_stream() == stream
        with cuda.stream(other), cuda.stream(None):
            assert cuda.current_stream() == other
        assert cuda.current_stream() == stream
        x = torch.ones(3, device="cuda") * 2
    stream.synchronize()
    assert stream.query() and x.tolist() == [2, 2, 2]
    other.wait_stream(stream)
    other.wait_event(stream.record_event())
    assert repr(cuda.default_stream()) == "<torch.cuda.Stream device=cuda:0 cuda_stream=0x0>"


def test_events():
    start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    assert repr(start) == "<torch.cuda.Event uninitialized>" and start.query()
    with pytest.raises(RuntimeError, match="Both events must be recorded before calculating elapsed time."):
        start.elapsed_time(end)
    start.record()
    end.record()
    end.synchronize()
    assert start.elapsed_time(end) >= 0
    with pytest.raises(RuntimeError, match="Both events must be created with argument 'enable_timing=True'."):
        start.elapsed_time(cuda.Event())
    with pytest.raises(RuntimeError, match="not shared with other processes"):
        cuda.Event(interprocess=True)


def test_states_of_random_numbers():
    cuda.manual_seed_all(3)
    state = cuda.get_rng_state()
    x = torch.rand(3, device="cuda").tolist()
    cuda.set_rng_state_all([state])
    assert torch.rand(3, device="cuda").tolist() == x and cuda.initial_seed() == 3
    assert len(cuda.get_rng_state_all()) == cuda.device_count()


# ---- graphs ----


def test_a_graph_is_replayed_on_new_values():
    x, graph = torch.zeros(3, device="cuda"), cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="without a preceding successful capture"):
        graph.replay()
    with cuda.graph(graph):
        assert cuda.is_current_stream_capturing()
        y = (x + 1) * 2
    assert not cuda.is_current_stream_capturing()
    for value in (1.0, 5.0):
        x.fill_(value)
        graph.replay()
        assert y.tolist() == [2 * value + 2] * 3


def test_what_has_no_place_in_a_capture():
    x, graph = torch.ones(3, device="cuda"), cuda.CUDAGraph()
    for call in (x.tolist, cuda.synchronize, lambda: x.copy_(torch.ones(3)).sum().item()):
        with (
            pytest.raises(torch.AcceleratorError, match="not permitted when stream is capturing"),
            cuda.graph(graph),
        ):
            call()
    with pytest.raises(RuntimeError, match="must be captured on a non-default stream"):
        graph.capture_begin()
    layer = torch.nn.Linear(2, 2, device="cuda")
    layer(torch.ones(1, 2, device="cuda")).sum().backward()
    optimizer = torch.optim.Adam(layer.parameters())
    with (
        pytest.raises(RuntimeError, match="instance of Adam but param_groups' capturable is False"),
        cuda.graph(graph),
    ):
        optimizer.step()
    assert x.tolist() == [1, 1, 1] and not cuda.is_current_stream_capturing()


def test_memory_of_a_graph_that_another_stream_has_used():
    """It cannot wait for that stream, so nobody has it before the graph is gone."""
    x, graph, other = torch.ones(8, device="cuda"), torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with torch.cuda.graph(graph):
        y = x * 2
        y.record_stream(other)
        taken = y.data_ptr()
        del y
        z = x * 3
        assert z.data_ptr() != taken
    graph.replay()
    assert z.tolist() == [3] * 8
    before = torch.cuda.memory_allocated()
    del z
    graph.reset()
    assert torch.cuda.memory_allocated() < before


def test_a_graph_is_captured_from_one_stream():
    graph, other = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with torch.cuda.graph(graph), pytest.raises(RuntimeError, match="a graph is captured from one stream"):
        other.wait_stream(torch.cuda.current_stream())


def test_the_memory_of_a_graph_stays_its_own():
    x, graph = torch.ones(500, device="cuda"), cuda.CUDAGraph()
    with cuda.graph(graph):
        y = (x + 1) * 2  # x + 1 is gone at once, and yet its memory is the graph's
    others = [torch.zeros(500, device="cuda") for _ in range(3)]
    graph.replay()
    assert y.sum().item() == 2000 and all(other.sum().item() == 0 for other in others)
    second = cuda.CUDAGraph()
    with cuda.graph(second, pool=graph.pool()):
        z = y + 1
    second.replay()
    assert z.sum().item() == 2500 and y.sum().item() == 2000
    reserved = cuda.memory_reserved()
    del y, z, others
    graph.reset(), second.reset()
    cuda.empty_cache()
    assert cuda.memory_reserved() < reserved


def test_a_training_step_as_a_graph():
    def model():
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 1, device="cuda")
        return layer, torch.optim.SGD(layer.parameters(), lr=0.1)

    def step(layer, optimizer, x):
        optimizer.zero_grad(set_to_none=False)
        loss = (layer(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    x, graph = torch.ones(2, 3, device="cuda"), cuda.CUDAGraph()
    layer, optimizer = model()
    expected = [step(layer, optimizer, x).item() for _ in range(4)]
    layer, optimizer = model()
    found = [step(layer, optimizer, x).item()]
    with cuda.graph(graph):
        loss = step(layer, optimizer, x)
    for _ in range(3):
        graph.replay()
        found.append(loss.item())
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_replay_draws_what_the_same_calls_outside_of_a_graph_would():
    own = torch.Generator("cuda").manual_seed(2**64 - 1)
    rate = torch.full((5,), 3.0, device="cuda")

    def draw():
        dropped = torch.nn.functional.dropout(rate, 0.5)
        return torch.cat([dropped, torch.randn(3, device="cuda", generator=own), torch.poisson(rate)])

    def start():
        torch.manual_seed(7), own.manual_seed(2**64 - 1)

    start()
    expected, graph = [draw().tolist() for _ in range(4)], cuda.CUDAGraph()
    start()
    assert draw().tolist() == expected[0]
    with cuda.graph(graph):
        x = draw()
    found = []
    for replayed in (True, True, False):
        if replayed:
            graph.replay()
        found.append((x if replayed else draw()).tolist())
    assert found == expected[1:]
    start()
    graph.replay()
    assert x.tolist() == expected[0]


def test_graphed_callables():
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2, device="cuda")
    x = torch.ones(2, 3, device="cuda")

    def gradients():
        layer.zero_grad()
        out = layer(2 * x)
        (out * out).sum().backward()
        return out.tolist(), layer.weight.grad.tolist()

    expected = gradients()
    graphed = cuda.make_graphed_callables(layer, (x.clone(),), num_warmup_iters=1)
    assert graphed is layer and gradients() == expected
    double = cuda.make_graphed_callables(lambda a: a + a, (x.clone().requires_grad_(),))
    y = (3 * x).requires_grad_()
    double(y).sum().backward()
    assert y.grad.tolist() == [[2.0] * 3] * 2
