"""nn.DataParallel, and its kin, on one device."""

import pytest

import numbatorch as torch
from numbatorch import nn


def test_one_device_does_all():
    model = nn.Linear(2, 3)
    parallel = nn.DataParallel(model, device_ids=[0, 1], output_device=0).to("cpu")
    x = torch.randn(4, 2)
    assert parallel.module is model and list(parallel.state_dict()) == ["module.weight", "module.bias"]
    assert torch.equal(parallel(x), model(x)) and torch.equal(
        nn.parallel.data_parallel(model, x, [0]), model(x)
    )
    assert torch.equal(
        nn.parallel.data_parallel(nn.Bilinear(2, 2, 1), (x, x)).isnan(), torch.zeros(4, 1).bool()
    )


def test_several_processes_are_refused():
    with pytest.raises(ValueError, match=r"Default process group.*one process.*is_available\(\) is False"):
        nn.parallel.DistributedDataParallel(nn.Linear(2, 3))
