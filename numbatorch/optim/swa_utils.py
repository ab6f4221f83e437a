"""Averages of weights: over the steps of training (SWA), or with weights that fall exponentially (EMA)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any

from numbatorch.autograd import no_grad
from numbatorch.nn.batchnorm import _BatchNorm
from numbatorch.nn.module import Module
from numbatorch.ops import tensor
from numbatorch.optim.formulas import lerp
from numbatorch.optim.fused import run
from numbatorch.optim.lr_scheduler.cycles import check_anneal_strategy
from numbatorch.optim.lr_scheduler.scheduler import LRScheduler, Rate, one_for_each_group
from numbatorch.optim.optimizer import Optimizer
from numbatorch.tensor import Tensor
from numbatorch_kernels.update import Update

Average = Callable[[Tensor, Tensor, Any], Tensor]
AverageOfAll = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def _average(mean, new, weight):
    return (lerp(mean, new, weight),)


_lerp = Update(_average, states=0)


def _lerp_all(means: Sequence[Tensor], news: Sequence[Tensor], weight: float) -> None:
    """mean += weight (new - mean) for all, in one kernel call; of integers tensor by tensor."""
    if means[0].is_floating_point() or means[0].is_complex():
        run(_lerp, list(zip(means, news, strict=True)), [(weight,)])
    else:
        for mean, new in zip(means, news, strict=True):
            mean.copy_(mean * (1 - weight) + new * weight)


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_multi_avg_fn(decay: float = 0.999) -> AverageOfAll:
    """A function that makes lists of means decay × mean + (1 - decay) × new: one kernel call for all."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], _: Any) -> None:
        _lerp_all(ema_param_list, current_param_list, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> AverageOfAll:
    """A function that takes lists of means over n models to means over n + 1: one kernel call for all."""

    @no_grad()
    def swa_update(
        averaged_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], num_averaged: Any
    ) -> None:
        _lerp_all(averaged_param_list, current_param_list, 1 / (int(num_averaged) + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """A function of a mean and a new value: decay × mean + (1 - decay) × new."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """A function of a mean over n models and a new value: the mean over n + 1."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model, `module`, whose parameters are averages: `update_parameters(model)` takes a model into them.

    P. Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, arXiv:1803.05407.

    device          where the averages are; where the model is, if None
    avg_fn          the new average, of (average, parameter, number of models so far); the mean of all models if None
    multi_avg_fn    the same in place, for lists of all parameters of a dtype and device
    use_buffers     buffers are averaged, too; otherwise those of the last model are taken

    >>> model = torch.nn.Linear(2, 1)
    >>> average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    >>> average.update_parameters(model)
    >>> average.n_averaged
    tensor(1)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: AverageOfAll | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters of `model` into the averages."""
        own, news = (
            list(chain(m.parameters(), m.buffers() if self.use_buffers else ())) for m in (self.module, model)
        )
        pairs = [(mean.detach(), new.detach().to(mean.device)) for mean, new in zip(own, news, strict=False)]
        if self.n_averaged == 0:
            for mean, new in pairs:
                mean.copy_(new)
        elif self.avg_fn is not None:
            for mean, new in pairs:
                mean.copy_(self.avg_fn(mean, new, self.n_averaged.to(mean.device)))
        else:
            alike = defaultdict(list)
            for pair in pairs:
                alike[pair[0].device, pair[0].dtype].append(pair)
            average = get_swa_multi_avg_fn() if self.multi_avg_fn is None else self.multi_avg_fn
            for (device, _), found in alike.items():
                means, values = zip(*found, strict=True)
                average(list(means), list(values), self.n_averaged.to(device))
        if not self.use_buffers:
            for mean, new in zip(self.module.buffers(), model.buffers(), strict=True):
                mean.detach().copy_(new.detach().to(mean.device))
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Let the BatchNorm layers of a model find their running means anew, over all batches of `loader`.

    Averaged weights need that. A batch is a tensor, or a list or tuple that begins with one.
    """
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None
    for batch in loader:
        if isinstance(batch, list | tuple):
            batch = batch[0]
        model(batch if device is None else batch.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """lr goes to `swa_lr` in `anneal_epochs` epochs, along half a wave of the cosine ("cos") or a line ("linear")."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = one_for_each_group("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        check_anneal_strategy(anneal_strategy)
        self._anneal_strategy = anneal_strategy
        if anneal_epochs < 0 or not isinstance(anneal_epochs, int):
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """How far lr is on its way, of 1."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Rate]:
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            end = group["swa_lr"]
            start = end if before == 1 else (group["lr"] - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
