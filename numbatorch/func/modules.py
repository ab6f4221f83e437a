"""Modules as functions: several as one, and none that changes itself."""

from __future__ import annotations

from collections.abc import Sequence

from numbatorch import ops
from numbatorch.nn import Module
from numbatorch.nn.batchnorm import _BatchNorm
from numbatorch.tensor import Tensor


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of modules of the same class, by name, each stacked along a new first
    dimension: what `vmap` over `functional_call` needs to run an ensemble.

    >>> params, buffers = torch.func.stack_module_state([torch.nn.Linear(2, 1) for _ in range(3)])
    >>> params["weight"].shape
    torch.Size([3, 1, 2])
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(model) is not type(models[0]) for model in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return tuple(  # type: ignore[return-value]  # two
        [
            {name: _stacked([t[name] for t in tables], name) for name in tables[0]}
            for tables in (parameters, buffers)
        ]
    )


def _stacked(tensors: list[Tensor], name: str) -> Tensor:
    requires_grad = {t.requires_grad for t in tensors}
    if len(requires_grad) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    result = ops.stack(tensors)
    return result.detach().requires_grad_() if requires_grad == {True} else result


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """`root`, in which every batch norm now forgets its running statistics and goes by those of each batch: a module
    that updates buffers in place is no function that `vmap` can run.

    >>> torch.func.replace_all_batch_norm_modules_(torch.nn.BatchNorm1d(3)).running_mean is None
    True
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
