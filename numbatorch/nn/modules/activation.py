"""Activations, and attention, which PyTorch has in one file."""

from numbatorch.nn.activation import *
from numbatorch.nn.multihead import MultiheadAttention as MultiheadAttention
from numbatorch.nn.multihead import NonDynamicallyQuantizableLinear as NonDynamicallyQuantizableLinear
