"""numbatorch: PyTorch's programming model, with the whole stack in Python that a person can read."""

from numbatorch.tensor import Tensor as Tensor  # isort: skip  (first: the functions `tensor` and `device` take the names of their modules)
from numbatorch.autograd import enable_grad as enable_grad
from numbatorch.autograd import inference_mode as inference_mode
from numbatorch.autograd import is_grad_enabled as is_grad_enabled
from numbatorch.autograd import no_grad as no_grad
from numbatorch.autograd import set_grad_enabled as set_grad_enabled
from numbatorch.device import device as device
from numbatorch.ops import *  # noqa: F403
