"""Pictures: data sets, transforms, models, under the names that torchvision has for them."""

from numbatorch.vision import datasets as datasets
from numbatorch.vision import models as models
from numbatorch.vision import transforms as transforms
from numbatorch.vision import utils as utils
