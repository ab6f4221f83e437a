"""What programs import from the corners of `torch.nn`: files of modules, wrappers for several GPUs, types, tools."""

import pytest

import numbatorch as torch
from numbatorch import nn


def test_files_of_modules_have_the_classes_and_their_bases():
    modules = nn.modules
    assert isinstance(nn.BatchNorm2d(2), modules.batchnorm._BatchNorm)
    assert isinstance(nn.InstanceNorm2d(2), modules.instancenorm._InstanceNorm)
    assert isinstance(nn.Conv2d(1, 1, 1), modules.conv._ConvNd)
    assert isinstance(nn.ConvTranspose2d(1, 1, 1), modules.conv._ConvTransposeNd)
    assert isinstance(nn.MaxPool2d(2), modules.pooling._MaxPoolNd)
    assert isinstance(nn.Dropout(), modules.dropout._DropoutNd)
    assert isinstance(nn.MultiheadAttention(2, 1).out_proj, modules.linear.NonDynamicallyQuantizableLinear)
    assert modules.activation.MultiheadAttention is nn.MultiheadAttention
    assert (
        modules.loss.TripletMarginLoss is nn.TripletMarginLoss
        and modules.container.Sequential is nn.Sequential
    )
    assert modules.Linear is nn.Linear and modules.module.Module is nn.Module
    assert nn.utils.clip_grad_norm_ and nn.activation.ReLU is modules.activation.ReLU
    assert modules.utils._pair(3) == (3, 3) and modules.utils._ntuple(4)([1, 2]) == (1, 2)
    assert modules.utils._reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)
    assert nn.common_types._size_2_t == int | tuple[int, int]


def test_data_parallel_is_the_module_itself():
    model = nn.DataParallel(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), device_ids=[0])
    x = torch.randn(4, 3)
    assert torch.equal(model(x), model.module(x)) and list(model.state_dict()) == [
        "module.0.weight",
        "module.0.bias",
    ]
    assert torch.equal(nn.parallel.data_parallel(model.module, x), model(x))
    state = model.state_dict()
    modules_utils = nn.modules.utils
    modules_utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state._metadata) == ["", "0", "1"]
    nn.Sequential(nn.Linear(3, 2), nn.ReLU()).load_state_dict(state)


def test_processes_that_train_together_are_refused():
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        nn.parallel.DistributedDataParallel(nn.Linear(2, 2), device_ids=[0])


def test_memory_formats_of_convolutions():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Sequential(nn.ConvTranspose2d(3, 2, 3), nn.Linear(2, 2)))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert nn.utils.convert_conv2d_weight_memory_format(model, torch.channels_last) is model
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_module_as_a_function():
    layer = nn.Linear(2, 1)
    zeros = {name: torch.zeros_like(p) for name, p in layer.named_parameters()}
    assert nn.utils.stateless.functional_call(layer, zeros, torch.ones(2)).item() == 0
    assert torch.func.functional_call is nn.utils.stateless.functional_call


def test_gradients_of_cross_map_normalisation():
    x = torch.randn(1, 5, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(nn.CrossMapLRN2d(3, alpha=0.3), x)
    with pytest.raises(ValueError, match="CrossMapLRN2d: Expected input to be 4D, got 3D instead"):
        nn.CrossMapLRN2d(3)(torch.ones(2, 3, 4))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("options", [{"batch_chunk_size": 2}, {"chunking_method": "aspect_ratio"}, {}])
def test_cross_entropy_in_pieces(options, reduction):
    x, weight = torch.randn(7, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    bias, target = torch.randn(5, requires_grad=True), torch.tensor([0, 4, 2, -100, 1, 1, 3])
    given = {"weight": torch.arange(1.0, 6.0), "reduction": reduction, "linear_bias": bias}
    found = []
    for more in ({}, {"options": nn.LinearCrossEntropyOptions(**options)}):
        loss = nn.functional.linear_cross_entropy(x, weight, target, **given, **more)
        found.append([loss, *torch.autograd.grad(loss.sum(), [x, weight, bias])])
    for whole, pieces in zip(*found, strict=True):
        torch.testing.assert_close(pieces, whole)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"acc_policy": "fast"}, "invalid acc_policy"),
        ({"chunking_method": "aspect_ratio:0"}, "invalid chunking_method"),
        ({"batch_chunk_size": 0}, "batch_chunk_size must be positive int"),
        ({"acc_dtype": torch.int64}, "acc_dtype must be one of"),
    ],
)
def test_options_that_are_none(options, text):
    with pytest.raises(ValueError, match=text):
        nn.LinearCrossEntropyOptions(**options)
