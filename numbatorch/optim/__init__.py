"""Optimizers: what changes parameters by their gradients."""

from numbatorch.optim import adamw as adamw
from numbatorch.optim import lr_scheduler as lr_scheduler
from numbatorch.optim import swa_utils as swa_utils
from numbatorch.optim.adadelta import Adadelta as Adadelta
from numbatorch.optim.adafactor import Adafactor as Adafactor
from numbatorch.optim.adagrad import Adagrad as Adagrad
from numbatorch.optim.adam import Adam as Adam
from numbatorch.optim.adam import AdamW as AdamW
from numbatorch.optim.adamax import Adamax as Adamax
from numbatorch.optim.asgd import ASGD as ASGD
from numbatorch.optim.lbfgs import LBFGS as LBFGS
from numbatorch.optim.muon import Muon as Muon
from numbatorch.optim.nadam import NAdam as NAdam
from numbatorch.optim.optimizer import Optimizer as Optimizer
from numbatorch.optim.radam import RAdam as RAdam
from numbatorch.optim.rmsprop import RMSprop as RMSprop
from numbatorch.optim.rprop import Rprop as Rprop
from numbatorch.optim.sgd import SGD as SGD
from numbatorch.optim.sparse_adam import SparseAdam as SparseAdam
