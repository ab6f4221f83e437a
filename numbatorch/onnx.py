"""`torch.onnx` for programs that call it: models are not exported."""

from __future__ import annotations

from typing import Any, NoReturn


def export(model: Any, args: Any = (), f: Any = None, **options: Any) -> NoReturn:
    """Raises RuntimeError: there is no exporter."""
    raise RuntimeError(
        "numbatorch exports no ONNX models: torch.save(model.state_dict(), path) writes a checkpoint that PyTorch loads "
        "and exports"
    )


dynamo_export = export


def is_in_onnx_export() -> bool:
    """Whether a model is being exported: never."""
    return False
