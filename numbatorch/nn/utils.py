"""Tools for the gradients and parameters of a model."""

from __future__ import annotations

import math
from collections.abc import Iterable

from numbatorch.autograd import no_grad
from numbatorch.ops import cat, linalg_vector_norm, stack, tensor
from numbatorch.tensor import Tensor
