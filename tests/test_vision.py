"""`vision`: transforms, data sets (on small files made here), grids."""

import gzip
import hashlib
import io
import pickle
import struct
import sys
import tarfile

import numpy as np
import pytest

import numbatorch as torch
from numbatorch.utils.data import DataLoader
from numbatorch.vision import datasets, transforms, utils
from numbatorch.vision.transforms import functional as F

Image = pytest.importorskip("PIL.Image")
rng = np.random.default_rng(0)
RGB = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)


def smooth(height=24, width=32):
    """A picture without edges, on which ways to interpolate agree."""
    y, x = np.mgrid[0:height, 0:width] / 8.0
    return np.stack([np.sin(x) * np.cos(y), np.cos(x + y), np.sin(x - y)], -1) * 100 + 128


# ---- transforms


def test_to_tensor_and_back():
    image = Image.fromarray(RGB)
    tensor = F.to_tensor(image)
    assert tensor.shape == (3, 12, 16) and tensor.dtype is torch.float32
    assert torch.equal(tensor, F.to_tensor(RGB)) and torch.equal(tensor, F.to_tensor(F.pil_to_tensor(image)))
    assert np.array_equal(np.asarray(F.to_pil_image(tensor)), RGB)
    assert np.array_equal(np.asarray(F.to_pil_image(RGB)), RGB)
    for mode in ("1", "L", "LA", "RGBA", "I", "F"):
        converted = image.convert(mode)
        assert F.pil_to_tensor(converted).shape == (len(converted.getbands()), 12, 16)
    assert (
        F.to_pil_image(torch.zeros(1, 4, 5)).mode == "L"
        and F.to_pil_image(torch.zeros(4, 4, 5)).mode == "RGBA"
    )
    assert F.to_tensor(np.zeros((3, 4), np.float64)).shape == (1, 3, 4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: F.to_tensor([1]), TypeError, "pic should be PIL Image or ndarray. Got <class 'list'>"),
        (lambda: F.to_tensor(np.zeros(3)), ValueError, "pic should be 2/3 dimensional. Got 1 dimensions."),
        (lambda: F.pil_to_tensor(RGB), TypeError, "pic should be PIL Image. Got"),
        (lambda: F.to_pil_image(torch.zeros(5, 2, 2)), ValueError, "pic should not have > 4 channels. Got 5"),
        (
            lambda: F.normalize(torch.zeros(3, 2, 2, dtype=torch.uint8), [0], [1]),
            TypeError,
            "should be a float tensor",
        ),
        (lambda: F.normalize(torch.zeros(3, 2, 2), [0], [0]), ValueError, "std evaluated to zero"),
        (
            lambda: F.resize(torch.zeros(3, 4, 4), 5, max_size=4),
            ValueError,
            "max_size = 4 must be strictly greater",
        ),
        (
            lambda: F.pad(torch.zeros(3, 4, 4), [1, 2, 3]),
            ValueError,
            "Padding must be an int or a 1, 2, or 4",
        ),
        (lambda: F.hflip(3), TypeError, "Unexpected type <class 'int'>"),
        (
            lambda: transforms.RandomCrop(9)(torch.zeros(3, 4, 4)),
            ValueError,
            "Required crop size (9, 9) is larger",
        ),
        (lambda: transforms.ColorJitter(hue=1), ValueError, "hue values should be between"),
        (
            lambda: F.convert_image_dtype(torch.zeros(1, 1, 1), torch.int64),
            RuntimeError,
            "cannot be performed safely",
        ),
    ],
)
def test_complaints(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("transform", "tolerance"),
    [
        (lambda i: F.crop(i, -2, 3, 20, 40), 0),
        (lambda i: F.center_crop(i, (10, 40)), 0),
        (lambda i: F.hflip(i), 0),
        (lambda i: F.vflip(i), 0),
        (lambda i: F.pad(i, [1, 2, 3, 4], fill=7), 0),
        (lambda i: F.pad(i, [1, 2], padding_mode="reflect"), 0),
        (lambda i: F.pad(i, 3, padding_mode="edge"), 0),
        (lambda i: F.pad(i, 2, padding_mode="symmetric"), 0),
        (lambda i: F.resize(i, 12), 1),
        (lambda i: F.resize(i, (40, 20), transforms.InterpolationMode.BICUBIC), 2),
        (lambda i: F.center_crop(F.rotate(i, 30.0, transforms.InterpolationMode.BILINEAR), 14), 3),
        (lambda i: F.affine(i, 10.0, [2, 1], 1.2, [5.0, 3.0]), 40),
        (lambda i: F.adjust_brightness(i, 0.7), 1),
        (lambda i: F.adjust_contrast(i, 1.3), 2),
        (lambda i: F.adjust_saturation(i, 0.4), 2),
        (lambda i: F.adjust_hue(i, 0.2), 8),
        (lambda i: F.adjust_gamma(i, 1.5), 2),
        (lambda i: F.rgb_to_grayscale(i, 3), 2),
        (lambda i: F.invert(i), 0),
        (lambda i: F.gaussian_blur(i, 5), 0),
    ],
)
def test_tensors_and_images_of_pillow_agree(transform, tolerance):
    pixels = smooth().astype(np.uint8)
    ours = transform(torch.from_numpy(pixels.transpose(2, 0, 1).copy()))
    theirs = F.pil_to_tensor(transform(Image.fromarray(pixels)))
    assert ours.shape == theirs.shape and ours.dtype is torch.uint8
    worst = (ours.to(torch.int32) - theirs.to(torch.int32)).abs().float()
    assert worst.mean() <= min(tolerance, 3) / 2 and worst.max() <= tolerance


def test_a_quarter_turn_is_exact():
    x = torch.arange(9.0).view(1, 3, 3)
    assert torch.equal(F.rotate(x, 90), torch.rot90(x, 1, (1, 2)))
    assert F.rotate(torch.ones(1, 4, 8), 90, expand=True).shape == (1, 8, 4)
    filled = F.rotate(torch.zeros(3, 9, 9), 45, fill=[1.0, 2.0, 3.0])
    assert filled[:, 0, 0].tolist() == [1.0, 2.0, 3.0] and filled[:, 4, 4].tolist() == [0.0, 0.0, 0.0]
    moved = F.affine(x, 0.0, [1, 0], 1.0, 0.0)
    assert moved[0].tolist() == [[0, 0, 1], [0, 3, 4], [0, 6, 7]]


def test_random_transforms_draw_from_the_default_generator():
    image = Image.fromarray(smooth().astype(np.uint8))
    both = transforms.Compose(
        [
            transforms.RandomResizedCrop(16),
            transforms.RandomHorizontalFlip(),
            transforms.RandomVerticalFlip(),
            transforms.ColorJitter(0.2, 0.2, 0.2, 0.1),
            transforms.RandomRotation(10),
            transforms.RandomAffine(5, (0.1, 0.1), (0.9, 1.1), 3),
            transforms.RandomApply([transforms.GaussianBlur(3)], 0.5),
            transforms.RandomGrayscale(),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
            transforms.RandomErasing(1.0),
        ]
    )
    torch.manual_seed(3)
    first = both(image)
    second = both(image)
    torch.manual_seed(3)
    assert torch.equal(both(image), first) and not torch.equal(first, second) and first.shape == (3, 16, 16)
    assert repr(both).startswith("Compose(\n    RandomResizedCrop(size=(16, 16), scale=(0.08, 1.0)")


def test_random_crop_and_choices():
    x = torch.arange(64).view(1, 8, 8)
    assert transforms.RandomCrop(4, padding=2)(x).shape == (1, 4, 4)
    assert transforms.RandomCrop(10, pad_if_needed=True)(x).shape == (1, 10, 10)
    assert torch.equal(transforms.RandomCrop(8)(x), x)
    assert torch.equal(transforms.RandomChoice([F.hflip, F.hflip])(x), F.hflip(x))
    assert torch.equal(transforms.RandomOrder([F.hflip, F.hflip])(x), x)
    assert transforms.RandomErasing(1.0, value="random")(torch.zeros(3, 8, 8)).count_nonzero() > 0
    assert [part.shape for part in transforms.TenCrop(3)(x)] == [(1, 3, 3)] * 10


def test_v2():
    v2 = transforms.v2
    steps = v2.Compose([v2.ToImage(), v2.RandomHorizontalFlip(1.0), v2.ToDtype(torch.float32, scale=True)])
    image, label = steps(Image.fromarray(RGB), 3)
    assert label == 3 and torch.equal(image, F.hflip(F.to_tensor(RGB)))
    assert torch.equal(v2.Compose([v2.ToImage()])(RGB), F.to_image(RGB))
    assert v2.Resize(6)({"a": torch.zeros(3, 12, 16), "b": 1})["a"].shape == (3, 6, 8)
    assert repr(v2.ToDtype(torch.float32, scale=True)) == "ToDtype(dtype=torch.float32, scale=True)"


def test_convert_image_dtype():
    x = torch.tensor([[[0, 128, 255]]], dtype=torch.uint8)
    assert F.convert_image_dtype(F.convert_image_dtype(x), torch.uint8).tolist() == x.tolist()
    assert F.convert_image_dtype(x, torch.int16).tolist() == [[[0, 128 * 128, 255 * 128]]]
    assert F.convert_image_dtype(F.convert_image_dtype(x, torch.int16), torch.uint8).tolist() == x.tolist()


# ---- data sets


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A mirror with six images to train with and two to test with; its checksums become MNIST's."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    sums = []
    for part, count in (("train", 6), ("t10k", 2)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        for name, array in (
            (f"{part}-images-idx3", images),
            (f"{part}-labels-idx1", np.arange(count, dtype=np.uint8)),
        ):
            packed = gzip.compress(idx(array))
            (mirror / f"{name}-ubyte.gz").write_bytes(packed)
            sums.append(hashlib.md5(packed).hexdigest())
    monkeypatch.setattr(datasets.MNIST, "checksums", tuple(sums))
    return mirror


def test_mnist(small_mnist, tmp_path):
    root = tmp_path / "data"
    with pytest.raises(RuntimeError, match="Dataset not found. You can use download=True to download it"):
        datasets.MNIST(root)
    nowhere = (tmp_path / "nowhere").as_uri()
    with pytest.raises(RuntimeError, match="Error downloading train-images-idx3-ubyte.gz\n.*nowhere"):
        datasets.MNIST(root, download=True, mirrors=[nowhere])
    data = datasets.MNIST(root, download=True, mirrors=[nowhere, small_mnist.as_uri()])
    assert len(data) == 6 and data.data.shape == (6, 28, 28) and data.data.dtype is torch.uint8
    image, label = data[3]
    assert image.mode == "L" and image.size == (28, 28) and label == 3 and data.targets.dtype is torch.int64
    assert np.array_equal(np.asarray(image), data.data[3].numpy()) and data.class_to_idx["9 - nine"] == 9
    assert len(datasets.MNIST(root, train=False)) == 2, "it is there now"
    assert repr(data).splitlines()[:3] == [
        "Dataset MNIST",
        "    Number of datapoints: 6",
        f"    Root location: {root}",
    ]
    assert not [p for p in root.rglob("*") if p.name.startswith(".")], "no temporary file is left"


def test_damaged_files(small_mnist, tmp_path):
    good = (small_mnist / "t10k-labels-idx1-ubyte.gz").read_bytes()
    (small_mnist / "t10k-labels-idx1-ubyte.gz").write_bytes(good[:-1] + b"x")
    with pytest.raises(RuntimeError, match="the checksum is"):
        datasets.MNIST(tmp_path / "a", download=True, mirrors=[small_mnist.as_uri()])
    assert not (tmp_path / "a/MNIST/raw/t10k-labels-idx1-ubyte.gz").exists()
    (small_mnist / "t10k-labels-idx1-ubyte.gz").write_bytes(good)
    datasets.MNIST(tmp_path / "a", download=True, mirrors=[small_mnist.as_uri()])
    file = tmp_path / "a/MNIST/raw/train-images-idx3-ubyte"
    whole = file.read_bytes()
    for damaged in (whole[:100], b"", b"\1" + whole[1:], whole + b"x"):
        file.write_bytes(damaged)
        with pytest.raises(RuntimeError, match="is damaged|is no IDX file"):
            datasets.MNIST(tmp_path / "a")


def make_batches(data, **options):
    return [[part.tolist() for part in batch] for batch in DataLoader(data, 4, **options)]


@pytest.mark.parametrize("normalized", [True, False])
def test_batches_are_made_at_once_and_equal(small_mnist, tmp_path, normalized):
    steps = [transforms.ToTensor()] + [transforms.Normalize((0.1307,), (0.3081,))] * normalized
    data = datasets.MNIST(
        tmp_path, download=True, mirrors=[small_mnist.as_uri()], transform=transforms.Compose(steps)
    )
    at_once = make_batches(data)
    assert data.makes_batches
    data.target_transform = int
    assert not data.makes_batches and make_batches(data) == at_once
    data.target_transform, data.transform = None, transforms.Compose([*steps, F.hflip])
    assert not data.makes_batches


def test_without_pillow(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    data = datasets.MNIST(tmp_path, download=True, mirrors=[small_mnist.as_uri()], transform=F.hflip)
    image, _ = data[0]
    assert image.shape == (1, 28, 28) and image.dtype is torch.uint8
    assert F.to_tensor(image).max() <= 1
    with pytest.raises(ImportError, match=r"pip install numbatorch\[vision\]"):
        F.to_pil_image(image)


@pytest.mark.parametrize("which", ["CIFAR10", "CIFAR100"])
def test_cifar(which, tmp_path):
    key = "labels" if which == "CIFAR10" else "fine_labels"
    base = getattr(datasets, which)
    names = [name for name, _ in (*base.train_list, *base.test_list)]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for k, name in enumerate([*names, base.meta[0]]):
            content = {"data": rng.integers(0, 256, (3, 3072), dtype=np.uint8), key: [k, 1, 2]}
            content = {base.meta[1]: ["plane", "car", "bird"]} if name == base.meta[0] else content
            raw = pickle.dumps(content, protocol=2)
            info = tarfile.TarInfo(f"{base.base_folder}/{name}")
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    (tmp_path / base.filename).write_bytes(archive.getvalue())

    class Small(base):
        tgz_md5 = None
        train_list = [(name, None) for name, _ in base.train_list]
        test_list = [(name, None) for name, _ in base.test_list]
        meta = (*base.meta[:2], None)

    with pytest.raises(RuntimeError, match="Dataset not found or corrupted. You can use download=True"):
        Small(tmp_path / "x")
    data = Small(tmp_path / "x", download=True, mirrors=[tmp_path.as_uri()], transform=transforms.ToTensor())
    assert len(data) == 3 * len(base.train_list) and data.classes == ["plane", "car", "bird"]
    assert data.data.shape[1:] == (32, 32, 3) and data.targets[:3] == [0, 1, 2]
    images, labels = next(iter(DataLoader(data, 2)))
    assert torch.equal(images[1], data[1][0]) and labels.tolist() == [0, 1] and data.makes_batches

    class Evil:
        def __reduce__(self):
            return print, ("this must not be seen",)

    (tmp_path / "x" / base.base_folder / names[0]).write_bytes(pickle.dumps({"data": Evil()}))
    with pytest.raises(RuntimeError, match="builtins.print has no place in a file of images"):
        Small(tmp_path / "x")


def test_image_folder(tmp_path):
    for name, colour in (("cat", 10), ("dog", 200), ("dog/puppies", 100)):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4), (colour,) * 3).save(tmp_path / name / "one.png")
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    data = datasets.ImageFolder(tmp_path, transform=transforms.PILToTensor())
    assert (
        data.classes == ["cat", "dog"]
        and data.class_to_idx == {"cat": 0, "dog": 1}
        and data.targets == [0, 1, 1]
    )
    assert [int(image[0, 0, 0]) for image, _ in data] == [10, 200, 100]
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        FileNotFoundError, match="Found no valid file for the classes empty. Supported extensions are: .jpg"
    ):
        datasets.ImageFolder(tmp_path)
    assert len(datasets.ImageFolder(tmp_path, allow_empty=True)) == 3
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder in"):
        datasets.ImageFolder(tmp_path / "empty")


def test_fake_data():
    data = datasets.FakeData(3, (3, 8, 8), 5, transform=transforms.ToTensor())
    image, target = data[1]
    assert image.shape == (3, 8, 8) and 0 <= target < 5 and torch.equal(image, data[1][0])
    assert len(list(data)) == 3


# ---- grids


def test_grids(tmp_path):
    images = torch.rand(5, 1, 4, 6)
    grid = utils.make_grid(images, nrow=3, pad_value=0.5)
    assert (
        grid.shape == (3, 14, 26) and torch.equal(grid[0, 2:6, 10:16], images[1, 0]) and grid[0, 0, 0] == 0.5
    )
    assert utils.make_grid(torch.rand(3, 4, 4)).shape == (3, 4, 4)
    stretched = utils.make_grid(
        [torch.tensor([[[2.0, 4.0]]]), torch.tensor([[[0.0, 8.0]]])], padding=0, normalize=True
    )
    assert stretched[0].tolist() == [[0.25, 0.5, 0.0, 1.0]]
    path = tmp_path / "grid.png"
    utils.save_image(images, path, nrow=5)
    with Image.open(path) as picture:
        assert picture.size == (42, 8)
