"""The profiler: what it records, how it shows it, and that it is gone when it is off."""

import gzip
import json
import threading

import pytest

import numbatorch as torch
from numbatorch.apply import Op, ViewOp
from numbatorch.elementwise import Pointwise, PointwiseNode
from numbatorch.profiler import (
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    tensorboard_trace_handler,
)


def names(prof):
    return [e.key for e in prof.key_averages()]


def test_operations_and_blocks_are_counted():
    x = torch.ones(4, 4, requires_grad=True)
    with profile(activities=[ProfilerActivity.CPU]) as prof:
        with record_function("forward"):
            y = (x @ x).relu() + (x @ x)
        y.sum().backward()
    found = {e.key: e for e in prof.key_averages()}
    assert found["aten::mm"].count >= 2 and found["aten::relu"].count == 1 and found["forward"].count == 1
    assert "MmBackward0" in found and "ReluBackward0" in found
    whole = found["forward"]
    assert whole.cpu_time_total >= whole.self_cpu_time_total > 0
    events = prof.events()
    assert next(e for e in events if e.name == "aten::mm").cpu_parent.name == "forward"
    inside = sum(
        e.cpu_time_total for e in events if e.cpu_parent is not None and e.cpu_parent.name == "forward"
    )
    assert whole.self_cpu_time_total == pytest.approx(whole.cpu_time_total - inside)


def test_the_doors_are_as_before_when_it_is_off():
    doors = [Pointwise.__call__, Pointwise.general, Op.__call__, ViewOp.__call__, PointwiseNode.backward]
    with pytest.raises(ZeroDivisionError), profile():
        assert Pointwise.__call__ is not doors[0]
        torch.ones(2) + 1 / 0
    assert doors == [
        Pointwise.__call__,
        Pointwise.general,
        Op.__call__,
        ViewOp.__call__,
        PointwiseNode.backward,
    ]


def test_an_operation_is_one_event_however_many_doors_it_takes():
    x = torch.ones(3)
    with profile() as prof:
        x + torch.ones(2, 1)  # not the plain case
        torch.add(x, x, out=torch.empty(3))
    assert {e.key: e.count for e in prof.key_averages()}["aten::add"] == 2


def test_shapes_and_memory():
    x = torch.ones(8, 16)
    with profile(record_shapes=True, profile_memory=True) as prof:
        x.exp()
        x[:2].exp()
        x.view(16, 8)
    groups = prof.key_averages(group_by_input_shape=True)
    assert [e.input_shapes for e in groups if e.key == "aten::exp"] == [[[8, 16]], [[2, 16]]]
    memory = {e.key: e.self_cpu_memory_usage for e in prof.key_averages()}
    assert memory["aten::exp"] == (8 * 16 + 2 * 16) * 4 and memory["aten::view"] == 0
    table = groups.table(sort_by="count")
    assert "CPU Mem" in table and "[[8, 16]]" in table


def test_the_table():
    with profile() as prof:
        for _ in range(3):
            torch.ones(2).exp().sum()
    lines = prof.key_averages().table(sort_by="cpu_time_total", row_limit=1).splitlines()
    assert lines[1].split("  ")[-2].strip() == "# of Calls" and len(lines) == 6
    assert lines[0] == lines[2] == lines[4] and set(lines[0]) == {"-", " "}
    assert lines[5].startswith("Self CPU time total: ")
    with pytest.raises(AttributeError):
        prof.key_averages().table(sort_by="beauty")
    assert prof.key_averages().total_average().key == "Total"


def test_callers():
    with profile(with_stack=True) as prof:
        torch.ones(2).exp()
    found = next(e for e in prof.key_averages(group_by_stack_n=5) if e.key == "aten::exp")
    assert any("test_callers" in frame for frame in found.stack)


def test_a_schedule_of_steps():
    recorded = []
    plan = schedule(wait=1, warmup=1, active=2, repeat=2)
    with profile(
        schedule=plan, on_trace_ready=lambda prof: recorded.append((prof.step_num, names(prof)))
    ) as prof:
        for _ in range(9):
            torch.ones(2).exp()
            prof.step()
    assert [step for step, _ in recorded] == [4, 8]
    assert [n for n in recorded[0][1] if n.startswith("Prof")] == ["ProfilerStep#2", "ProfilerStep#3"]
    with pytest.warns(UserWarning, match="won't be using warmup"):
        schedule(wait=0, warmup=0, active=1)
    with pytest.raises(AssertionError, match="Invalid profiler schedule"):
        schedule(wait=-1, warmup=1, active=1)


def test_traces(tmp_path):
    with profile(record_shapes=True, on_trace_ready=tensorboard_trace_handler(str(tmp_path / "log"))) as prof:
        with record_function("part"):
            torch.ones(2).exp()
    prof.export_chrome_trace(tmp_path / "trace.json.gz")
    (file,) = (tmp_path / "log").iterdir()
    assert file.name.endswith(".pt.trace.json")
    for text in (file.read_bytes(), gzip.decompress((tmp_path / "trace.json.gz").read_bytes())):
        events = json.loads(text)["traceEvents"]
        found = {e["name"]: e["cat"] for e in events if e["ph"] == "X"}
        assert found["part"] == "user_annotation" and found["aten::exp"] == "cpu_op"


def test_threads_have_their_own_parents():
    def work():
        with record_function("in the thread"):
            torch.ones(2).exp()

    with profile() as prof, record_function("in front"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    event = next(e for e in prof.events() if e.name == "in the thread")
    assert event.cpu_parent is None and event.thread != threading.get_ident()


def test_profilers_do_not_nest_and_want_something_recorded():
    with profile(), pytest.raises(RuntimeError, match="already enabled"):
        profile().start()
    with pytest.raises(AssertionError, match="must be initialized"):
        profile().key_averages()


def test_functions_can_be_named():
    @record_function("named")
    def f(x):
        return x.exp()

    f(torch.ones(2))
    with profile() as prof:
        f(torch.ones(2))
    assert "named" in names(prof)


def test_the_old_profiler():
    with torch.autograd.profiler.profile(record_shapes=True) as prof:
        torch.ones(2).exp()
    assert "aten::exp" in prof.table()
    with torch.autograd.profiler.profile(enabled=False) as prof, torch.autograd.profiler.emit_nvtx():
        torch.ones(2).exp()
    with pytest.raises(AssertionError):
        prof.key_averages()
