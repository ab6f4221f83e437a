"""Optimizers: what changes parameters by their gradients."""

from numbatorch.optim.adam import Adam as Adam
from numbatorch.optim.adam import AdamW as AdamW
from numbatorch.optim.optimizer import Optimizer as Optimizer
from numbatorch.optim.sgd import SGD as SGD
