"""PyTorch's place of the modes: which operations are recorded."""

from numbatorch.autograd.mode import enable_grad as enable_grad
from numbatorch.autograd.mode import inference_mode as inference_mode
from numbatorch.autograd.mode import no_grad as no_grad
from numbatorch.autograd.mode import set_grad_enabled as set_grad_enabled
from numbatorch.autograd.mode import set_multithreading_enabled as set_multithreading_enabled
