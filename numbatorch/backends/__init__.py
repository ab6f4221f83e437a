"""What numbatorch makes use of where it is installed, and the flags that programs set for what it has no use of."""

from numbatorch.backends import cuda as cuda
from numbatorch.backends import cudnn as cudnn
from numbatorch.backends import mkl as mkl
from numbatorch.backends import mkldnn as mkldnn
from numbatorch.backends import mps as mps
from numbatorch.backends import openmp as openmp
from numbatorch.backends import opt_einsum as opt_einsum
from numbatorch.backends.precision import (
    are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled,
)
from numbatorch.backends.precision import get_deterministic_debug_mode as get_deterministic_debug_mode
from numbatorch.backends.precision import get_float32_matmul_precision as get_float32_matmul_precision
from numbatorch.backends.precision import (
    is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled,
)
from numbatorch.backends.precision import set_deterministic_debug_mode as set_deterministic_debug_mode
from numbatorch.backends.precision import set_float32_matmul_precision as set_float32_matmul_precision
from numbatorch.backends.precision import use_deterministic_algorithms as use_deterministic_algorithms
from numbatorch.backends.threads import get_num_interop_threads as get_num_interop_threads
from numbatorch.backends.threads import set_flush_denormal as set_flush_denormal
from numbatorch.backends.threads import set_num_interop_threads as set_num_interop_threads
