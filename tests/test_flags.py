"""What programs call beside tensors and modules: flags, the other accelerators, compile and jit, other processes."""

import sys

import pytest

import numbatorch as torch
from numbatorch import nn


def test_compile_and_jit_give_back_what_they_are_given():
    model = nn.Linear(2, 1)
    assert torch.compile(model) is model and torch.compile(model, mode="max-autotune") is model
    assert torch.compiler.COMPILES is False and not torch.compiler.is_compiling()

    @torch.compile
    def double(x):
        return 2 * x

    @torch.compile(fullgraph=True)
    @torch.jit.script
    def triple(x):
        return 3 * x

    @torch.jit.ignore
    @torch.jit.unused
    def quadruple(x):
        return 4 * x

    x = torch.ones(1)
    assert (double(x).item(), triple(x).item(), quadruple(x).item()) == (2, 3, 4)
    assert torch.jit.trace(model, torch.ones(1, 2)) is model and torch.jit.script(model) is model
    assert not torch.jit.is_scripting() and isinstance(model, torch.jit.ScriptModule)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        torch.jit.trace(model, (torch.ones(1, 3),))
    with pytest.raises(RuntimeError, match="Either mode or options"):
        torch.compile(model, mode="default", options={})


def test_what_is_not_here_says_so():
    for call in (
        lambda: torch.hub.load("pytorch/vision", "resnet18"),
        lambda: torch.hub.load_state_dict_from_url("https://example.org/x.pth"),
        lambda: torch.onnx.export(nn.Linear(1, 1), torch.ones(1), "x.onnx"),
        lambda: torch.jit.load("x.pt"),
        lambda: torch.jit.save(nn.Linear(1, 1), "x.pt"),
    ):
        with pytest.raises(RuntimeError, match="numbatorch"):
            call()
    assert not torch.distributed.is_available() and not torch.distributed.is_initialized()
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        torch.distributed.get_rank()


def test_accelerators():
    available = torch.cuda.is_available()
    assert torch.accelerator.is_available() == available
    place = torch.accelerator.current_accelerator()
    assert (place is not None and place.type == "cuda") if available else place is None
    assert torch.accelerator.device_count() == torch.cuda.device_count()
    assert not torch.backends.mps.is_available() and torch.backends.cudnn.version() is None
    torch.cuda.manual_seed_all(0)
    torch.cuda.empty_cache()
    assert torch.cuda.memory_allocated() >= 0
    if available:
        torch.cuda.set_device(0)
        torch.accelerator.synchronize()
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        with torch.cuda.stream(torch.cuda.Stream()):
            end.record()
        assert start.elapsed_time(end) >= 0 and len(torch.cuda.get_device_capability()) == 2


def test_flags():
    with torch.backends.cudnn.flags(enabled=True, benchmark=True):
        assert torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.benchmark
    torch.set_float32_matmul_precision("high")
    assert torch.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="x is not one of"):
        torch.set_float32_matmul_precision("x")
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True)
    assert torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    with torch.backends.cuda.sdp_kernel(enable_flash=False):
        assert not torch.backends.cuda.flash_sdp_enabled()
    torch.backends.cuda.matmul.allow_tf32 = False
    assert isinstance(3, torch.types.Number) and isinstance("cpu", torch.types.Device)


def fails(index):
    sys.exit(3 if index else 0)


def test_processes():
    assert torch.multiprocessing.get_start_method(allow_none=True) in (None, "fork", "spawn", "forkserver")
    with pytest.raises(
        torch.multiprocessing.ProcessRaisedException, match="process 1 terminated with exit code 3"
    ):
        torch.multiprocessing.spawn(fails, nprocs=2, start_method="fork")
