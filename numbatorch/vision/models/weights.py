"""Weights that others have trained: there are none here."""

from __future__ import annotations

from typing import Any


def without_weights(weights: Any) -> None:
    """ValueError, with the remedy, where somebody asks for trained weights."""
    if weights is not None:
        raise ValueError(
            f"numbatorch has no trained weights to download, but got weights={weights!r}\n"
            "Parameters have the names that torchvision gives them: load its file with "
            "model.load_state_dict(torch.load(path))."
        )
