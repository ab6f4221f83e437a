"""Tools around tensors."""

from numbatorch.utils import data as data
