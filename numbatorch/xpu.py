"""`torch.xpu`: Intel's GPUs, which numbatorch does not use."""

from __future__ import annotations

from numbatorch.mps import device_count as device_count
from numbatorch.mps import empty_cache as empty_cache
from numbatorch.mps import is_available as is_available
from numbatorch.mps import manual_seed as manual_seed
from numbatorch.mps import synchronize as synchronize
