"""Modules made of modules, and lists and dicts of parameters."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import groupby
from typing import Any, Self

from numbatorch.autograd import is_grad_enabled
from numbatorch.nn.joined import joined
from numbatorch.nn.module import Module, indented
from numbatorch.nn.parameter import Parameter
from numbatorch.tensor import Tensor


class _ModuleSequence(Module):
    """What `Sequential` and `ModuleList` share: children in a row, reached by number or slice."""

    _modules: dict[str, Module]  # type: ignore[assignment]

    def _key(self, index: int) -> str:
        """The name of the child at `index`."""
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def _renumber(self, modules: Iterable[Module]) -> None:
        self._modules = {str(number): module for number, module in enumerate(modules)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(dict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]
        self._renumber(module for name, module in self._modules.items() if name not in names)

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got "
                f"{type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at `index`."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take out and return the module at `key`, or a sequence of those in a slice."""
        modules = self[key]
        del self[key]
        return modules

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)


class Sequential(_ModuleSequence):
    """Modules called one after the other, each with what the one before has returned.

    Takes the modules, or one dict that names them.

    >>> nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))(torch.randn(5, 64)).shape
    torch.Size([5, 10])
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], Mapping) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        modules = self._modules.values()
        for step in modules if is_grad_enabled() else joined(modules):
            input = step(input)
        return input

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(
                f"add operator supports only objects of Sequential class, but {type(other)} is given."
            )
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return Sequential(*list(self) * times)

    __rmul__ = __mul__


class ModuleList(_ModuleSequence):
    """A list of modules whose parameters are found.

    It has no `forward`: the module that owns it says what happens.

    >>> layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
    >>> len(list(layers.parameters()))
    6
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index: int | slice) -> Any:
        return type(self)(list(self)[index]) if isinstance(index, slice) else super().__getitem__(index)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """Like any module's, with equal neighbours on one line: `(0-2): 3 x Linear(...)`."""
        lines, first = [], 0
        for text, group in groupby(repr(module) for module in self):
            count = len(list(group))
            if count == 1:
                lines.append(f"({first}): {text}")
            else:
                lines.append(f"({first}-{first + count - 1}): {count} x {text}")
            first += count
        inside = "".join(f"\n  {indented(line)}" for line in lines)
        return f"{self._get_name()}({inside}\n)" if lines else f"{self._get_name()}()"


class ModuleDict(Module, MutableMapping):
    """A dict of modules whose parameters are found.

    >>> nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})["tanh"]
    Tanh()
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    __eq__, __hash__ = object.__eq__, object.__hash__  # a module is itself, whatever it holds

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:  # type: ignore[override]
        """Add the modules of a mapping or of (name, module) pairs, in their order."""
        for key, module in _pairs(modules, "ModuleDict"):
            self[key] = module


class ParameterList(Module):
    """A list of parameters. Tensors become parameters; anything else is kept as it is."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _key(self, index: int) -> str:
        index = operator.index(index)
        if not -self._size <= index < self._size:
            raise IndexError(f"index {index} is out of range")
        return str(index % self._size)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(self._size))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._key(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._key(index), _as_parameter(value))

    def append(self, value: Any) -> Self:
        """Add a value at the end."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values: Any) -> Self:
        """Add values at the end."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(
                f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def extra_repr(self) -> str:
        return "\n".join(f"  ({i}): {_described(value, 'dtype')}" for i, value in enumerate(self))


class ParameterDict(Module, MutableMapping):
    """A dict of parameters. Tensors become parameters; anything else is kept as it is."""

    __eq__, __hash__ = object.__eq__, object.__hash__

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._others: dict[str, Any] = {}
        self._keys: dict[str, None] = {}  # the order of both kinds
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        return self._others[key] if key in self._others else self._parameters[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, Tensor):
            self._others.pop(key, None)
            self.register_parameter(key, _as_parameter(value))
        else:
            self._parameters.pop(key, None)
            self._others[key] = value
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        self._others.pop(key, None)
        self._parameters.pop(key, None)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def copy(self) -> ParameterDict:
        """A new dict of the same parameters."""
        return ParameterDict(dict(self))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dict with `default` under each of `keys`."""
        return ParameterDict(dict.fromkeys(keys, default))

    def update(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:  # type: ignore[override]
        """Add the entries of a mapping or of (name, value) pairs; those of a plain dict by name."""
        pairs = _pairs(parameters, "ParameterDict")
        ordered = not isinstance(parameters, Mapping) or isinstance(parameters, OrderedDict | ParameterDict)
        for key, value in pairs if ordered else sorted(pairs, key=operator.itemgetter(0)):
            self[key] = value

    def __or__(self, other: Mapping[str, Any]) -> ParameterDict:
        return ParameterDict({**self, **other})

    def __ror__(self, other: Mapping[str, Any]) -> ParameterDict:
        return ParameterDict({**other, **self})

    def __ior__(self, other: Mapping[str, Any]) -> Self:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        return "\n".join(f"  ({key}): {_described(value, 'type')}" for key, value in self.items())


def _as_parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _described(value: Any, kind: str) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    size = "x".join(map(str, value.shape))
    place = f" (GPU {value.get_device()})" if value.is_cuda else ""
    return f"Parameter containing: [{value.dtype if kind == 'dtype' else value.type()} of size {size}{place}]"


def _pairs(entries: Any, owner: str) -> Iterator[tuple[str, Any]]:
    """The (key, value) pairs of a mapping or of an iterable of pairs, with PyTorch's complaints."""
    if isinstance(entries, Mapping):
        yield from entries.items()
        return
    if not isinstance(entries, Iterable):
        raise TypeError(
            f"{owner}.update should be called with an iterable of key/value pairs, but got "
            f"{type(entries).__name__}"
        )
    for number, entry in enumerate(entries):
        if not isinstance(entry, Iterable):
            raise TypeError(
                f"{owner} update sequence element #{number} should be Iterable; is{type(entry).__name__}"
            )
        pair = tuple(entry)
        if len(pair) != 2:
            raise ValueError(
                f"{owner} update sequence element #{number} has length {len(pair)}; 2 is required"
            )
        yield pair
