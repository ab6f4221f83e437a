"""Layers joined with the ReLU right behind them: where no gradient is recorded, what a linear layer or a convolution
computes is made positive before it leaves the registers.

In training they stay two ops: of the steps in `benchmarks` the ReLU on the way there is at most 1.5 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from numbatorch.nn.activation import ReLU
from numbatorch.nn.conv import Conv1d, Conv2d, Conv3d
from numbatorch.nn.linear import Linear
from numbatorch.nn.module import Module
from numbatorch.ops import _addmm_activation, conv_relu

LARGE = 1 << 15  # numbers in a linear layer's result: smaller ones have a shorter way, see gemm/small.py
LAYERS = (Linear, Conv1d, Conv2d, Conv3d)


def joined(modules: Iterable[Module]) -> Iterator[Callable]:
    """What to call one after the other for the same result as `modules`."""
    waiting: Any = None
    for module in modules:
        if waiting is not None:
            both = module.__class__ is ReLU and _as_it_is(module)
            yield partial(_with_relu, waiting, module) if both else waiting
            waiting = None
            if both:
                continue
        if module.__class__ in LAYERS and _as_it_is(module):
            waiting = module
        else:
            yield module
    if waiting is not None:
        yield waiting


def _as_it_is(module: Module) -> bool:
    """Whether calling a module is its class's `forward` and nothing else."""
    return not (
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in module.__dict__
    )


def _with_relu(layer: Any, relu: Module, input: Any) -> Any:
    """relu(layer(input))"""
    try:
        if layer.__class__ is Linear:
            large = input.dim() == 2 and len(input) * layer.out_features >= LARGE
            if layer.bias is not None and large:
                return _addmm_activation(layer.bias, input, layer.weight.t())
        elif layer.padding_mode == "zeros":
            operands = input, layer.weight, layer.bias
            return conv_relu(layer.dims, *operands, layer.stride, layer.padding, layer.dilation, layer.groups)
    except Exception:
        pass  # is raised again below, by the layer, with its name
    return relu(layer(input))
