"""Linear layers, one of attention's among them, which PyTorch has in one file."""

from numbatorch.nn.flatten import Identity as Identity
from numbatorch.nn.lazy import LazyLinear as LazyLinear
from numbatorch.nn.linear import *
from numbatorch.nn.multihead import NonDynamicallyQuantizableLinear as NonDynamicallyQuantizableLinear
