"""Weights that others have trained: there are none here."""

from __future__ import annotations

import warnings
from typing import Any


def without_weights(weights: Any, kwargs: dict[str, Any]) -> None:
    """ValueError, with the remedy, where somebody asks for trained weights; also by `pretrained`, as one did of
    old, which is taken out of `kwargs`."""
    if "pretrained" in kwargs:
        warnings.warn(
            "The parameter 'pretrained' is deprecated since 0.13 and may be removed in the future, please use "
            "'weights' instead.",
            stacklevel=4,
        )
        weights = kwargs.pop("pretrained") or weights
    if weights is not None and weights is not False:
        raise ValueError(
            f"numbatorch has no trained weights to download, but got weights={weights!r}\n"
            "Parameters have the names that torchvision gives them: load its file with "
            "model.load_state_dict(torch.load(path))."
        )
