"""`torch.utils._pytree`: nests of containers; see numbatorch/pytree.py."""

from numbatorch.pytree import TreeSpec as TreeSpec
from numbatorch.pytree import register_pytree_node as register_pytree_node
from numbatorch.pytree import tree_all as tree_all
from numbatorch.pytree import tree_any as tree_any
from numbatorch.pytree import tree_flatten as tree_flatten
from numbatorch.pytree import tree_leaves as tree_leaves
from numbatorch.pytree import tree_map as tree_map
from numbatorch.pytree import tree_map_ as tree_map_
from numbatorch.pytree import tree_map_only as tree_map_only
from numbatorch.pytree import tree_structure as tree_structure
from numbatorch.pytree import tree_unflatten as tree_unflatten
