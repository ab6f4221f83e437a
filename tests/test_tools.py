"""What programs call around their tensors: timers, test data, threads, devices that are not there, downloads that are not made."""

import pytest

import numbatorch as torch
from numbatorch.utils import benchmark, collect_env, model_zoo


def test_a_timer(capsys):
    ran = []
    timer = benchmark.Timer(
        "f(x)",
        "x = 3",
        globals={"f": ran.append},
        label="calls",
        sub_label="of f",
        description="plain",
        num_threads=1,
    )
    once = timer.timeit(50)
    assert ran == [3] * 52 and once.number_per_run == 50 and len(once.times) == 1 and once.iqr == 0
    assert "calls: of f\nsetup: x = 3\n" in repr(once) and "1 measurement, 50 runs , 1 thread" in repr(once)
    seen = []
    many = timer.blocked_autorange(lambda number, seconds: seen.append(number), min_run_time=0.01)
    assert set(seen) == {many.number_per_run} and sum(many.raw_times) >= 0.01 and 0 < many.median < 1e-3
    assert min(many.times) <= many.mean <= max(many.times) and "Median: " in repr(many)
    assert len(timer.adaptive_autorange(min_run_time=0.001, max_run_time=0.01).times) >= 4
    table = benchmark.Compare([once])
    table.extend_results([many])
    table.trim_significant_figures()
    table.colorize()
    table.print()
    lines = capsys.readouterr().out.splitlines()
    assert (
        "calls" in lines[0]
        and "plain" in lines[1]
        and "of f" in lines[3]
        and lines[-1].startswith("Times are in ")
    )


def test_a_timer_sets_the_threads():
    before, seen = torch.get_num_threads(), []
    benchmark.Timer("f()", globals={"f": lambda: seen.append(torch.get_num_threads())}, num_threads=3).timeit(
        1
    )
    assert set(seen) == {3} and torch.get_num_threads() == before
    with pytest.raises(ValueError, match="measures Python, not cpp"):
        benchmark.Timer(language="cpp")


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.complex64, torch.int8, torch.uint8, torch.bool], ids=str
)
def test_make_tensor(dtype):
    made = torch.testing.make_tensor(
        (50, 4), dtype=dtype, device="cpu", exclude_zero=True, noncontiguous=True
    )
    assert made.shape == (50, 4) and made.dtype is dtype and not made.is_contiguous() and (made != 0).all()
    if dtype not in (torch.bool, torch.complex64):
        made = torch.testing.make_tensor(100, dtype=dtype, device="cpu", low=2, high=4)
        assert 2 <= made.min() and made.max() <= 4 and made.float().std() > 0
    assert torch.testing.make_tensor((), dtype=torch.float32, device="cpu", requires_grad=True).requires_grad


def test_assert_allclose():
    with pytest.warns(FutureWarning, match="assert_allclose"):
        torch.testing.assert_allclose(torch.tensor([1.0, torch.nan]), [1.00001, torch.nan])
    with pytest.warns(FutureWarning), pytest.raises(AssertionError):
        torch.testing.assert_allclose(torch.ones(2), torch.ones(2) + 1e-3)


def test_configuration_and_threads():
    assert "numba " in torch.__config__.show() and "get_num_threads" in torch.__config__.parallel_info()
    assert "GPUs:" in collect_env.get_pretty_env_info()
    before = torch.get_num_interop_threads()
    torch.set_num_interop_threads(3)
    assert torch.get_num_interop_threads() == 3 and torch.set_flush_denormal(True) is False
    torch.set_num_interop_threads(before)
    with pytest.raises(RuntimeError, match="positive integer"):
        torch.set_num_interop_threads(0)
    with pytest.raises(RuntimeError, match="expects an int"):
        torch.set_num_interop_threads("2")
    assert torch.is_deterministic_algorithms_warn_only_enabled() is False


def test_devices_that_are_not_there():
    for module in (torch.mps, torch.xpu):
        assert not module.is_available() and module.device_count() == 0
        module.manual_seed(1), module.empty_cache(), module.synchronize()
    assert torch.cpu.is_available() and torch.cpu.device_count() == 1 and torch.cpu.current_device() == "cpu"
    torch.cpu.synchronize()


def test_nothing_is_downloaded_and_nobody_else_trains(tmp_path, monkeypatch):
    torch.hub.set_dir(tmp_path)
    assert torch.hub.get_dir() == str(tmp_path)
    monkeypatch.setattr(torch.hub, "_folder", None)
    assert torch.hub.get_dir().endswith("hub")
    for call in (lambda: model_zoo.load_url("https://x/y.pth"), lambda: torch.hub.load("a/b", "c")):
        with pytest.raises(RuntimeError, match=r"downloads nothing.*torch\.load\(path\)"):
            call()
    distributed = torch.distributed
    assert not distributed.is_available() and distributed.ReduceOp.SUM.name == "SUM"
    for call in (
        distributed.all_gather,
        distributed.broadcast,
        distributed.get_backend,
        distributed.new_group,
    ):
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            call()
