"""Modules as functions of their parameters and buffers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from numbatorch.nn.module import Module
from numbatorch.tensor import Tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` with these tensors, by name, in the place of its parameters and buffers,
    which come back afterwards. An `args` that is no tuple is the one argument. A buffer that the call assigns
    anew is put into the dictionary.

    tie_weights  one name is enough for tensors that the module has under several
    strict       raise RuntimeError where names are missing or unknown

    >>> module = torch.nn.Linear(2, 1)
    >>> zeros = {name: torch.zeros_like(p) for name, p in module.named_parameters()}
    >>> torch.func.functional_call(module, zeros, torch.ones(2))
    tensor([0.])
    """
    given = _merged(parameter_and_buffer_dicts)
    with _replaced(module, given, tie_weights, strict):
        return module(*args if isinstance(args, tuple) else () if args is None else (args,), **kwargs or {})


def _merged(given: Any) -> dict[str, Tensor]:
    if isinstance(given, dict):
        return given
    if not isinstance(given, Sequence):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    if not all(isinstance(d, dict) for d in given):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    repeated = [key for key, n in Counter([key for d in given for key in d]).items() if n > 1]
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous"
        )
    return {key: value for d in given for key, value in d.items()}


@contextmanager
def _replaced(module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """The module with other tensors inside the block."""
    own = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    tensors = _for_all_names(own, given) if tie_weights else given
    if strict:
        _check_names(module, own, tensors)
    places: dict[str, tuple[Any, str]] = {}
    for name in tensors:
        path, _, last = name.rpartition(".")
        holder = module.get_submodule(path)
        for table in (holder._parameters, holder._buffers):
            if last in table:
                places[name] = (table, last)
    original = {name: table[last] for name, (table, last) in places.items()}
    try:
        for name, (table, last) in places.items():
            table[last] = tensors[name]
        yield
    finally:
        for name, (table, last) in places.items():
            if name in given:
                given[name] = table[last]
            table[last] = original[name]


def _for_all_names(own: dict[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
    """`given`, with every name that a module has for the same tensor."""
    names: dict[int, list[str]] = {}
    for name, tensor in own.items():
        names.setdefault(id(tensor), []).append(name)
    result = dict(given)
    for tied in names.values():
        values = [given[name] for name in tied if name in given]
        if any(value is not values[0] for value in values):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(tied)}, which are tied. Consider "
                "using tie_weights=False"
            )
        if values:
            result.update(dict.fromkeys(tied, values[0]))
    return result


def _check_names(module: Module, own: dict[str, Tensor], given: dict[str, Tensor]) -> None:
    errors = []
    for what, names in (
        ("Unexpected", [name for name in given if name not in own]),
        ("Missing", [name for name in own if name not in given]),
    ):
        if names:
            errors.append(f"{what} key(s): {', '.join(map(repr, names))}.")
    if errors:
        raise RuntimeError(
            "Error(s) in reparametrizing for {}:\n\t{}".format(module._get_name(), "\n\t".join(errors))
        )
