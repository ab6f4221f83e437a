"""Which program computes attention. There is one here for each device; the names are for programs that choose."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager

from numbatorch.nn.attention import bias as bias
from numbatorch.nn.attention import flex_attention as flex_attention


class SDPBackend(enum.Enum):
    """PyTorch's programs for attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[dict]:
    """A block in which PyTorch would compute attention by one of `backends`; here it changes nothing.

    >>> with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):
    ...     F.scaled_dot_product_attention(torch.ones(1, 2), torch.ones(1, 2), torch.ones(1, 1))
    tensor([[1.]])
    """
    if not isinstance(backends, list | SDPBackend):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    yield {}
