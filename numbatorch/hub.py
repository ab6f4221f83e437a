"""`torch.hub` for programs that call it: nothing is downloaded here."""

from __future__ import annotations

import os
from typing import Any, NoReturn

_INSTEAD = (
    "numbatorch downloads nothing: fetch the file with another program and read it by torch.load(path), which takes PyTorch's "
    "checkpoints and safetensors files"
)


def load(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Raises RuntimeError: programs from the net are not run."""
    raise RuntimeError(f"torch.hub.load('{repo_or_dir}', '{model}'): {_INSTEAD}")


def load_state_dict_from_url(url: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Raises RuntimeError: see the message."""
    raise RuntimeError(f"torch.hub.load_state_dict_from_url('{url}'): {_INSTEAD}")


def download_url_to_file(url: str, dst: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Raises RuntimeError: see the message."""
    raise RuntimeError(f"torch.hub.download_url_to_file('{url}'): {_INSTEAD}")


_folder: str | None = None


def set_dir(d: str | os.PathLike[str]) -> None:
    """From now on `get_dir` is this folder."""
    global _folder
    _folder = os.path.expanduser(d)


def get_dir() -> str:
    """The folder where PyTorch keeps what it has downloaded."""
    if _folder is not None:
        return _folder
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    return os.path.join(os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))), "hub")
