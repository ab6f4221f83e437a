"""All losses, which PyTorch has in one file."""

from numbatorch.nn.loss import *
from numbatorch.nn.loss import _Loss as _Loss
from numbatorch.nn.loss import _WeightedLoss as _WeightedLoss
from numbatorch.nn.margin import *
