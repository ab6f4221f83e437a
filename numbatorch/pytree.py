"""Nested tuples, lists and dictionaries as a list of leaves and a description of the nest.

`tree_flatten` takes a nest apart, `tree_unflatten` puts one together, `tree_map` does both around a function.
Everything that is no container is a leaf, None too. Programs find these as `torch.utils._pytree`.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class _Container(NamedTuple):
    """How a type of container is taken apart, `flatten(tree) -> (children, context)`, and put together again,
    `unflatten(children, context)`."""

    flatten: Callable[[Any], tuple[list, Any]]
    unflatten: Callable[[list, Any], Any]


_CONTAINERS: dict[type, _Container] = {
    tuple: _Container(lambda t: (list(t), None), lambda children, _: tuple(children)),
    list: _Container(lambda t: (list(t), None), lambda children, _: list(children)),
    deque: _Container(lambda t: (list(t), t.maxlen), deque),
    dict: _Container(
        lambda t: (list(t.values()), list(t)), lambda children, keys: dict(zip(keys, children, strict=True))
    ),
    OrderedDict: _Container(
        lambda t: (list(t.values()), list(t)),
        lambda children, keys: OrderedDict(zip(keys, children, strict=True)),
    ),
    defaultdict: _Container(
        lambda t: (list(t.values()), [t.default_factory, list(t)]),
        lambda children, context: defaultdict(context[0], zip(context[1], children, strict=True)),
    ),
}
_NAMED_TUPLE = _Container(lambda t: (list(t), type(t)), lambda children, cls: cls(*children))


def _container(tree: Any) -> tuple[Any, _Container | None]:
    """The type that stands for `tree` in a TreeSpec, and its container; None for a leaf."""
    cls = type(tree)
    found = _CONTAINERS.get(cls)
    if found is None and issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return NamedTuple, _NAMED_TUPLE
    return cls, found


def register_pytree_node(cls: type, flatten_fn: Callable, unflatten_fn: Callable, **ignored: Any) -> None:
    """Make `cls` a container: `flatten_fn(tree)` is (children, context), `unflatten_fn(children, context)` is
    a tree. Raises ValueError if it is one already."""
    if cls in _CONTAINERS:
        raise ValueError(f"{cls} is already registered as pytree node.")
    _CONTAINERS[cls] = _Container(flatten_fn, unflatten_fn)


class TreeSpec:
    """The nest without its leaves: a container's type, its context (the keys of a dictionary), its children.
    `type` is None for a leaf."""

    def __init__(self, type: Any, context: Any, children: list[TreeSpec]):
        self.type, self.context, self._children = type, context, children
        self.num_leaves: int = sum([c.num_leaves for c in children]) if type is not None else 1
        self.num_children = len(children)

    def children(self) -> list[TreeSpec]:
        """What the container holds."""
        return list(self._children)

    def is_leaf(self) -> bool:
        """Whether this is no container."""
        return self.type is None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (self.type, self.context, self._children) == (other.type, other.context, other._children)

    def __hash__(self) -> int:
        return hash((self.type, self.num_children, self.num_leaves))

    def __repr__(self, indent: int = 0) -> str:
        if self.type is None:
            return "*"
        name = "namedtuple" if self.type is NamedTuple else self.type.__name__
        children = f",\n{' ' * (indent + 2)}".join([c.__repr__(indent + 2) for c in self._children])
        return f"TreeSpec({name}, {self.context}, [{children}])"


_LEAF = TreeSpec(None, None, [])


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list, TreeSpec]:
    """The leaves of `tree`, and its nest. What `is_leaf` says True of is not looked into.

    >>> torch.utils._pytree.tree_flatten((1, {"a": 2}))[0]
    [1, 2]
    """
    leaves: list = []
    return leaves, _flatten(tree, leaves, is_leaf)


def _flatten(tree: Any, leaves: list, is_leaf: Callable[[Any], bool] | None) -> TreeSpec:
    cls, container = _container(tree)
    if container is None or (is_leaf is not None and is_leaf(tree)):
        leaves.append(tree)
        return _LEAF
    children, context = container.flatten(tree)
    return TreeSpec(cls, context, [_flatten(child, leaves, is_leaf) for child in children])


def tree_unflatten(leaves: Iterable, treespec: TreeSpec) -> Any:
    """The nest with these leaves. Raises ValueError where their number is not the nest's."""
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(
            f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a pytree "
            f"that holds {treespec.num_leaves} items ({treespec})."
        )
    return _unflatten(iter(leaves), treespec)


def _unflatten(leaves: Iterable, spec: TreeSpec) -> Any:
    if spec.type is None:
        return next(leaves)  # type: ignore[call-overload]  # an iterator
    container = _NAMED_TUPLE if spec.type is NamedTuple else _CONTAINERS[spec.type]
    return container.unflatten([_unflatten(leaves, child) for child in spec._children], spec.context)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list:
    """The leaves of `tree`."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """The nest of `tree`."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func: Callable, tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The nest of `tree` with `func(leaf, ...)` for each leaf; `rests` are nests of the same form.

    >>> torch.utils._pytree.tree_map(lambda x: x + 1, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (3, 4)}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    return tree_unflatten(map(func, leaves, *[_up_to(spec, rest) for rest in rests]), spec)


def _up_to(spec: TreeSpec, tree: Any) -> list:
    """The parts of `tree` that stand where `spec` has leaves."""
    if spec.type is None:
        return [tree]
    cls, container = _container(tree)
    if cls is not spec.type or container is None:
        raise ValueError(f"Type mismatch; expected {spec.type!r}, but got {type(tree)!r}.")
    children, context = container.flatten(tree)
    if len(children) != spec.num_children:
        raise ValueError(f"Node arity mismatch; expected {spec.num_children}, but got {len(children)}.")
    if context != spec.context:
        raise ValueError(f"Node context mismatch for custom node type {spec.type!r}.")
    return [part for child, t in zip(spec._children, children, strict=True) for part in _up_to(child, t)]


def tree_map_(func: Callable, tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Call `func` on each leaf; the tree itself is returned."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind: Any, func: Callable, tree: Any) -> Any:
    """`tree_map`, where leaves that are no instances of `kind` (or that `kind`, a function, says False of)
    stay as they are."""
    wanted = kind if not isinstance(kind, type | tuple) else lambda leaf: isinstance(leaf, kind)
    return tree_map(lambda leaf: func(leaf) if wanted(leaf) else leaf, tree)


def tree_all(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether `pred` holds for all leaves."""
    return all(map(pred, tree_leaves(tree)))


def tree_any(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether `pred` holds for a leaf."""
    return any(map(pred, tree_leaves(tree)))


def broadcast_to_and_flatten(tree: Any, spec: TreeSpec) -> list | None:
    """The leaves of `tree`, each repeated for the part of `spec` that it stands for; None where the forms do
    not fit."""
    cls, container = _container(tree)
    if container is None:
        return [tree] * spec.num_leaves
    if spec.type is None or cls is not spec.type:
        return None
    children, context = container.flatten(tree)
    if len(children) != spec.num_children or context != spec.context:
        return None
    parts = [broadcast_to_and_flatten(t, s) for t, s in zip(children, spec._children, strict=True)]
    if any(part is None for part in parts):
        return None
    return [leaf for part in parts if part is not None for leaf in part]
