"""Modules, their hooks and state, which PyTorch has in one file."""

from numbatorch.nn.module import *
from numbatorch.nn.state import _IncompatibleKeys as _IncompatibleKeys
