"""Data sets of images: torchvision's, and the digits that come with the package."""

from numbatorch.vision.datasets.cifar import CIFAR10 as CIFAR10
from numbatorch.vision.datasets.cifar import CIFAR100 as CIFAR100
from numbatorch.vision.datasets.digits import Digits as Digits
from numbatorch.vision.datasets.fake import FakeData as FakeData
from numbatorch.vision.datasets.folder import DatasetFolder as DatasetFolder
from numbatorch.vision.datasets.folder import ImageFolder as ImageFolder
from numbatorch.vision.datasets.mnist import KMNIST as KMNIST
from numbatorch.vision.datasets.mnist import MNIST as MNIST
from numbatorch.vision.datasets.mnist import FashionMNIST as FashionMNIST
from numbatorch.vision.datasets.vision import VisionDataset as VisionDataset
