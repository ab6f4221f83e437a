"""`vision` against PyTorch: torchvision is not needed. Resizing is that of `interpolate`; models are the same files,
run with PyTorch."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
import torch

import numbatorch
from numbatorch.vision import datasets, models, transforms

rng = np.random.default_rng(0)


@pytest.mark.parametrize("size", [(5, 7), (20, 31), (9, 40)])
@pytest.mark.parametrize(
    ("mode", "antialias"),
    [
        ("bilinear", True),
        ("bilinear", False),
        ("bicubic", True),
        ("bicubic", False),
        ("nearest", False),
        ("nearest-exact", False),
    ],
)
def test_resizing(size, antialias, mode):
    image = rng.random((2, 3, 13, 17), np.float32)
    options = {"antialias": antialias} if not mode.startswith("nearest") else {}
    theirs = torch.nn.functional.interpolate(torch.from_numpy(image), size, mode=mode, **options)
    kind = transforms.InterpolationMode(mode)
    ours = transforms.functional.resize(numbatorch.from_numpy(image), size, kind, antialias=antialias)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=2e-6)


def test_rotation_is_that_of_grid_sample():
    image = torch.rand(1, 2, 9, 12)
    angle = np.radians(25.0)
    turn = torch.tensor(
        [[np.cos(angle), -np.sin(angle) * 9 / 12, 0], [np.sin(angle) * 12 / 9, np.cos(angle), 0]]
    )
    grid = torch.nn.functional.affine_grid(turn.float()[None], image.shape, align_corners=False)
    theirs = torch.nn.functional.grid_sample(image, grid, align_corners=False)
    ours = transforms.functional.rotate(
        numbatorch.from_numpy(image.numpy()), 25.0, transforms.InterpolationMode.BILINEAR
    )
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)


def test_fake_data_is_the_same():
    def theirs(index):
        torch.manual_seed(index)
        image = torch.randn(3, 4, 4)
        return image.mul(255).byte().numpy(), torch.randint(0, 10, size=(1,)).item()

    image, target = datasets.FakeData(5, (3, 4, 4), transform=transforms.PILToTensor())[2]
    expected, label = theirs(2)
    assert target == label and np.array_equal(image.numpy() == 0, expected == 0)


def _with_torch(name: str) -> types.ModuleType:
    """A file of `vision.models` that imports PyTorch in place of this library."""
    source = (Path(models.__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    for ours, theirs in (
        ("numbatorch import nn", "torch import nn"),
        ("numbatorch.tensor", "torch"),
        ("numbatorch.ops", "torch"),
    ):
        source = source.replace(f"from {ours}", f"from {theirs}")
    module = types.ModuleType(f"with_torch_{name}")
    exec(compile(source, name, "exec"), module.__dict__)
    return module


@pytest.fixture
def one_thread():
    """PyTorch's threads wait for one another where others need the cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("file", "make", "shape"),
    [
        ("resnet", lambda m: m.resnet18(num_classes=7), (2, 3, 40, 40)),
        (
            "resnet",
            lambda m: m.ResNet(m.Bottleneck, [1, 1, 1, 1], num_classes=5, zero_init_residual=True),
            (2, 3, 33, 33),
        ),
        ("small", lambda m: m.LeNet(), (3, 1, 28, 28)),
        ("small", lambda m: m.MLP(16, [8, 4], dropout=0.5), (3, 1, 4, 4)),
        (
            "vision_transformer",
            lambda m: m.VisionTransformer(16, 4, 2, 2, 16, 32, num_classes=6, representation_size=8),
            (2, 3, 16, 16),
        ),
    ],
)
def test_models(file, make, shape, one_thread):
    x = rng.standard_normal(shape).astype(np.float32)
    built = []
    for library, module in ((numbatorch, getattr(models, file)), (torch, _with_torch(file))):
        library.manual_seed(0)
        model = make(module)
        values = {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}
        result = model(library.from_numpy(x))
        result.square().sum().backward()
        first = next(model.parameters()).grad
        model.eval()
        built.append(
            (
                repr(model),
                values,
                result.detach().numpy(),
                first.numpy(),
                model(library.from_numpy(x)).detach().numpy(),
            )
        )
    (text, ours, *numbers), (expected_text, theirs, *expected) = built
    assert text == expected_text and list(ours) == list(theirs)
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-7, err_msg=name)
    for a, b in zip(numbers, expected):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3 * max(1e-3, np.abs(b).max()))


def test_names_of_parameters():
    keys = list(models.resnet18(num_classes=2).state_dict())
    assert keys[:6] == [
        "conv1.weight",
        "bn1.weight",
        "bn1.bias",
        "bn1.running_mean",
        "bn1.running_var",
        "bn1.num_batches_tracked",
    ]
    assert "layer2.0.downsample.1.running_var" in keys and keys[-2:] == ["fc.weight", "fc.bias"]
    small = models.VisionTransformer(8, 4, 1, 2, 8, 8, num_classes=3)
    assert list(small.state_dict()) == [
        "class_token",
        "conv_proj.weight",
        "conv_proj.bias",
        "encoder.pos_embedding",
        *(
            f"encoder.layers.encoder_layer_0.{name}"
            for name in (
                "ln_1.weight",
                "ln_1.bias",
                "self_attention.in_proj_weight",
                "self_attention.in_proj_bias",
                "self_attention.out_proj.weight",
                "self_attention.out_proj.bias",
                "ln_2.weight",
                "ln_2.bias",
                "mlp.0.weight",
                "mlp.0.bias",
                "mlp.3.weight",
                "mlp.3.bias",
            )
        ),
        "encoder.ln.weight",
        "encoder.ln.bias",
        "heads.head.weight",
        "heads.head.bias",
    ]
    with pytest.raises(ValueError, match="no trained weights to download"):
        models.resnet18(weights="DEFAULT")
    with pytest.warns(UserWarning, match="'pretrained' is deprecated"):
        assert models.resnet18(pretrained=False, num_classes=2).fc.out_features == 2
