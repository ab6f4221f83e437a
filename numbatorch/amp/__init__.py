"""Mixed precision: `autocast` chooses the type of each operation, `GradScaler` keeps small gradients from vanishing."""

from numbatorch.amp.autocast_mode import autocast as autocast
from numbatorch.amp.autocast_mode import custom_bwd as custom_bwd
from numbatorch.amp.autocast_mode import custom_fwd as custom_fwd
from numbatorch.amp.autocast_mode import is_autocast_available as is_autocast_available
from numbatorch.amp.grad_scaler import GradScaler as GradScaler
