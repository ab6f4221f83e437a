"""Small tools that programs borrow from PyTorch's modules."""

from __future__ import annotations

from functools import partial
from typing import Any

from numbatorch.nn.conv import each

_single = partial(each, dims=1)
_pair = partial(each, dims=2)
_triple = partial(each, dims=3)
_quadruple = partial(each, dims=4)


def _ntuple(n: int, name: str = "parse") -> Any:
    """What makes a number a tuple of n."""
    return partial(each, dims=n)


def _reverse_repeat_tuple(t: tuple, n: int) -> tuple:
    """The elements from the last to the first, each n times: what `pad` wants of a padding for each direction."""
    return tuple(x for x in reversed(t) for _ in range(n))


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take `prefix` from the names in a state dict, in place: "module." of a model that was wrapped in `DataParallel`.

    >>> state = nn.DataParallel(nn.PReLU()).state_dict()
    >>> nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    >>> list(state)
    ['weight']
    """
    for name in list(state_dict):
        if name.startswith(prefix):
            state_dict[name.removeprefix(prefix)] = state_dict.pop(name)
    metadata = getattr(state_dict, "_metadata", {})
    for name in list(metadata):
        if name and (name == prefix.replace(".", "") or name.startswith(prefix)):
            metadata[name.removeprefix(prefix) if name.startswith(prefix) else ""] = metadata.pop(name)
