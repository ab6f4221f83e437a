"""Tools around tensors."""

from numbatorch.utils import _pytree as _pytree
from numbatorch.utils import checkpoint as checkpoint
from numbatorch.utils import data as data
from numbatorch.utils import dlpack as dlpack
from numbatorch.utils import graph as graph
from numbatorch.utils import hooks as hooks
from numbatorch.utils.bar import progress as progress
from numbatorch.utils.swap import swap_tensors as swap_tensors
