"""PyTorch's files of modules by their names there, for programs that write `nn.modules.batchnorm._BatchNorm`. At home they are in `nn`."""

from numbatorch.nn import *
from numbatorch.nn import adaptive as adaptive
from numbatorch.nn import batchnorm as batchnorm
from numbatorch.nn import batchnorm as instancenorm
from numbatorch.nn import channelshuffle as channelshuffle
from numbatorch.nn import containers as container
from numbatorch.nn import conv as conv
from numbatorch.nn import distance as distance
from numbatorch.nn import dropout as dropout
from numbatorch.nn import flatten as flatten
from numbatorch.nn import fold as fold
from numbatorch.nn import lazy as lazy
from numbatorch.nn import normalization as normalization
from numbatorch.nn import padding as padding
from numbatorch.nn import pixelshuffle as pixelshuffle
from numbatorch.nn import pooling as pooling
from numbatorch.nn import rnn as rnn
from numbatorch.nn import sparse as sparse
from numbatorch.nn import transformer as transformer
from numbatorch.nn import upsampling as upsampling

# These have files of their own, which take the place of nn's of the same name.
from numbatorch.nn.modules.activation import MultiheadAttention as MultiheadAttention
from numbatorch.nn.modules.linear import Linear as Linear
from numbatorch.nn.modules.loss import _Loss as _Loss
from numbatorch.nn.modules.module import Module as Module
from numbatorch.nn.modules.utils import _pair as _pair
