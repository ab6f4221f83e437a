"""`torch.func`: functions of functions. Derivatives (`grad`, `vjp`, `jvp`, Jacobians, Hessians), `vmap`, and
modules as functions of their parameters. All of them compose."""

from numbatorch.func.derivatives import grad as grad
from numbatorch.func.derivatives import grad_and_value as grad_and_value
from numbatorch.func.derivatives import hessian as hessian
from numbatorch.func.derivatives import jacfwd as jacfwd
from numbatorch.func.derivatives import jacrev as jacrev
from numbatorch.func.derivatives import jvp as jvp
from numbatorch.func.derivatives import linearize as linearize
from numbatorch.func.derivatives import vjp as vjp
from numbatorch.func.modules import replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_
from numbatorch.func.modules import stack_module_state as stack_module_state
from numbatorch.func.vmap import vmap as vmap
from numbatorch.nn.utils.stateless import functional_call as functional_call
