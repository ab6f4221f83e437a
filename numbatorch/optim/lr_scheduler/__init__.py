"""Learning rates that change as training goes on: `scheduler.step()` after the optimizer's step, or after an epoch."""

from numbatorch.optim.lr_scheduler.combined import ChainedScheduler as ChainedScheduler
from numbatorch.optim.lr_scheduler.combined import SequentialLR as SequentialLR
from numbatorch.optim.lr_scheduler.cosine import CosineAnnealingLR as CosineAnnealingLR
from numbatorch.optim.lr_scheduler.cosine import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from numbatorch.optim.lr_scheduler.cycles import CyclicLR as CyclicLR
from numbatorch.optim.lr_scheduler.cycles import OneCycleLR as OneCycleLR
from numbatorch.optim.lr_scheduler.factors import ConstantLR as ConstantLR
from numbatorch.optim.lr_scheduler.factors import ExponentialLR as ExponentialLR
from numbatorch.optim.lr_scheduler.factors import LambdaLR as LambdaLR
from numbatorch.optim.lr_scheduler.factors import LinearLR as LinearLR
from numbatorch.optim.lr_scheduler.factors import MultiplicativeLR as MultiplicativeLR
from numbatorch.optim.lr_scheduler.factors import MultiStepLR as MultiStepLR
from numbatorch.optim.lr_scheduler.factors import PolynomialLR as PolynomialLR
from numbatorch.optim.lr_scheduler.factors import StepLR as StepLR
from numbatorch.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from numbatorch.optim.lr_scheduler.scheduler import LRScheduler as LRScheduler
from numbatorch.optim.lr_scheduler.scheduler import LRScheduler as _LRScheduler
