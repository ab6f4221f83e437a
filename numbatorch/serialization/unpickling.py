"""Reading pickles without running anything in them.

Python's own unpickler imports what a pickle names and calls what it says. This one knows a table of names, each with
what it makes here, and calls nothing else; a pickle that names anything besides is refused. The opcodes are those
that pickle writes, of protocols 2 to 5. (PyTorch's `torch/_weights_only_unpickler.py` is of the same mind.)

What a pickle can cost is bounded by its length: counts and sizes that it claims are not believed but looked for, keys of
dicts stay small.
"""

from __future__ import annotations

import io
import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, NamedTuple

UnpicklingError = pickle.UnpicklingError
_UINT2, _INT4, _UINT4, _UINT8, _FLOAT8 = (Struct(form) for form in ("<H", "<i", "<I", "<Q", ">d"))
_KEY_SIZE = 1000  # how many parts a key may be made of: hashing sees a part as often as it occurs


class Call(NamedTuple):
    """A name that a pickle may call: what is called instead, and whether a pickle may hand it to another call."""

    function: Callable[..., Any]
    is_argument: bool = False


class Class(NamedTuple):
    """A class whose instances get the state that the pickle gives them; one that the user trusts may be called besides."""

    cls: Any
    may_be_called: bool = True


class Unpickler:
    """Reads one pickle.

    names       what a global, a module and a name in it, means here: a `Call`, a `Class`, or a plain object that may stand in the data
    load_id     makes what a persistent id stands for
    give_state  gives an object made by a `Call` the state that the pickle has for it; whether there is a way to
    """

    def __init__(
        self,
        data: bytes,
        names: Callable[[str, str], Any],
        load_id: Callable[[Any], Any],
        give_state: Callable[[Any, Any], bool],
    ):
        self._data = io.BytesIO(data)
        self._names, self._load_id, self._give_state = names, load_id, give_state
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._built: dict[int, Any] = {}  # by identity: what a `Class` has made, which may be given any state

    def load(self) -> Any:
        """The object. Raises UnpicklingError for pickles that are damaged, or name what is not in the table."""
        try:
            read = self._data.read
            while (code := read(1)) != pickle.STOP:
                step = _STEPS.get(code)
                if step is None:
                    raise UnpicklingError(f"Unsupported operand {code[0]}")
                step(self)
            if self._marks or len(self._stack) != 1:
                raise UnpicklingError("the pickle is damaged: it stops half-way")
            return self._out(self._stack.pop())
        except (UnpicklingError, RuntimeError):
            raise
        except Exception as error:
            raise UnpicklingError(f"the pickle is damaged: {type(error).__name__}: {error}") from error

    # -- the data

    def _take(self, size: int) -> bytes:
        data = self._data.read(size)
        if len(data) != size:
            raise UnpicklingError("the pickle is damaged: it ends too early")
        return data

    def _byte(self) -> int:
        return self._data.read(1)[0]  # an IndexError where it ends

    def _number(self, form: Struct) -> Any:
        return form.unpack(self._take(form.size))[0]

    def _line(self) -> str:
        line = self._data.readline(1000)
        if not line.endswith(b"\n"):
            raise UnpicklingError("the pickle is damaged: a name does not end")
        return line[:-1].decode()

    # -- the stack

    def _push(self, obj: Any) -> None:
        self._stack.append(obj)

    def _pop(self) -> Any:
        return self._out(self._stack.pop())

    @staticmethod
    def _out(obj: Any, in_tuple: bool = False) -> Any:
        """The object, where it becomes part of the data: a function does not, unless in the arguments of another."""
        if isinstance(obj, Call) and not (in_tuple and obj.is_argument):
            raise UnpicklingError("Functions can be called by a checkpoint, not be a part of it")
        return obj.cls if isinstance(obj, Class) else obj

    def _since_mark(self, in_tuple: bool = False) -> list[Any]:
        items = self._stack
        self._stack = self._marks.pop()
        return [self._out(item, in_tuple) for item in items]

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise UnpicklingError("the pickle is damaged: a tuple lacks items")
        items = tuple([self._out(item, True) for item in self._stack[-count:]])
        self._stack[-count:] = [items]

    def _append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise UnpicklingError(f"Can only extend lists, but got {type(target)}")
        target.extend(items)

    def _add(self) -> None:
        items, target = self._since_mark(), self._stack[-1]
        if type(target) is not set:
            raise UnpicklingError(f"Can only add to sets, but got {type(target)}")
        target.update(check_key(item) for item in items)

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) not in (dict, OrderedDict, Counter):
            raise UnpicklingError(
                f"Can only SETITEMS for dict, collections.OrderedDict, collections.Counter, but got {type(target)}"
            )
        if len(items) % 2:
            raise UnpicklingError("the pickle is damaged: a key lacks its value")
        for key, value in zip(items[::2], items[1::2]):
            target[check_key(key)] = value

    def _set_one(self) -> None:
        value = self._pop()
        self._set([self._pop(), value])

    # -- names and calls

    def _global(self, module: str, name: str) -> None:
        if (module, name) in NAME_MAPPING:
            module, name = NAME_MAPPING[module, name]
        self._push(self._names(IMPORT_MAPPING.get(module, module), name))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("the pickle is damaged: the name of a global is no text")
        self._global(module, name)

    def _call(self, new: bool = False) -> None:
        arguments = self._pop()
        callee = self._stack.pop()
        if type(arguments) is not tuple or not isinstance(callee, Call | Class):
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {callee!r:.100}")
        if isinstance(callee, Call):
            self._push(callee.function(*arguments))
        elif not callee.may_be_called and (arguments or not new):
            raise UnpicklingError(f"objects of {callee.cls.__qualname__} are not made by a call")
        else:
            made = callee.cls.__new__(callee.cls, *arguments) if new else callee.cls(*arguments)
            self._built[id(made)] = made
            self._push(made)

    def _build(self) -> None:
        state, obj = self._pop(), self._stack[-1]
        if id(obj) in self._built:
            set_state(obj, state)
        elif not self._give_state(obj, state):
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, "
                f"but got {type(obj)}"
            )

    def _persistent(self) -> None:
        self._push(self._load_id(self._pop()))

    def _remember(self, place: int) -> None:
        self._memo[place] = self._stack[-1]


def set_state(obj: Any, state: Any) -> None:
    """Give an object the state that pickle gave it: by its own `__setstate__`, or its attributes."""
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(state)
        return
    slots = None
    if type(state) is tuple and len(state) == 2:
        state, slots = state
    for attributes in (state, slots):
        if isinstance(attributes, Mapping):
            for name, value in attributes.items():
                if name.startswith("__"):
                    raise UnpicklingError(f"an object has the attribute {name!r:.100}, which it cannot have")
                object.__setattr__(obj, name, value)


def check_key(key: Any) -> Any:
    """`key`, which may be one of a dict. Raises UnpicklingError for tuples of so many parts that hashing takes forever."""
    waiting, seen = [key], 0
    while waiting:
        seen += 1
        if seen > _KEY_SIZE:
            raise UnpicklingError(f"a key of a dict has more than {_KEY_SIZE} parts")
        item = waiting.pop()
        if isinstance(item, tuple | frozenset):
            waiting.extend(item)
    return key


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _frozen(self: Unpickler) -> None:
    self._push(frozenset(check_key(tuple(self._since_mark()))))


_P = Unpickler
_STEPS: dict[bytes, Callable[[Unpickler], Any]] = {
    b"": lambda p: p._take(1),  # raises: nothing is left
    pickle.PROTO: _P._byte,
    pickle.FRAME: lambda p: p._take(8),
    pickle.NONE: lambda p: p._push(None),
    pickle.NEWTRUE: lambda p: p._push(True),
    pickle.NEWFALSE: lambda p: p._push(False),
    pickle.BININT1: lambda p: p._push(p._byte()),
    pickle.BININT2: lambda p: p._push(p._number(_UINT2)),
    pickle.BININT: lambda p: p._push(p._number(_INT4)),
    pickle.LONG1: lambda p: p._push(pickle.decode_long(p._take(p._byte()))),
    pickle.LONG4: lambda p: p._push(pickle.decode_long(p._take(p._number(_INT4)))),
    pickle.BINFLOAT: lambda p: p._push(p._number(_FLOAT8)),
    pickle.BINUNICODE: lambda p: p._push(_decoded(p._take(p._number(_UINT4)))),
    pickle.SHORT_BINUNICODE: lambda p: p._push(_decoded(p._take(p._byte()))),
    pickle.BINUNICODE8: lambda p: p._push(_decoded(p._take(p._number(_UINT8)))),
    pickle.SHORT_BINSTRING: lambda p: p._push(_decoded(p._take(p._byte()))),
    pickle.SHORT_BINBYTES: lambda p: p._push(p._take(p._byte())),
    pickle.BINBYTES: lambda p: p._push(p._take(p._number(_UINT4))),
    pickle.BINBYTES8: lambda p: p._push(p._take(p._number(_UINT8))),
    pickle.BYTEARRAY8: lambda p: p._push(bytearray(p._take(p._number(_UINT8)))),
    pickle.EMPTY_TUPLE: lambda p: p._push(()),
    pickle.EMPTY_LIST: lambda p: p._push([]),
    pickle.EMPTY_DICT: lambda p: p._push({}),
    pickle.EMPTY_SET: lambda p: p._push(set()),
    pickle.MARK: _P._mark,
    pickle.TUPLE: lambda p: p._push(tuple(p._since_mark(in_tuple=True))),
    pickle.TUPLE1: lambda p: p._tuple_of(1),
    pickle.TUPLE2: lambda p: p._tuple_of(2),
    pickle.TUPLE3: lambda p: p._tuple_of(3),
    pickle.APPEND: lambda p: p._append([p._pop()]),
    pickle.APPENDS: lambda p: p._append(p._since_mark()),
    pickle.ADDITEMS: _P._add,
    pickle.FROZENSET: _frozen,
    pickle.SETITEM: _P._set_one,
    pickle.SETITEMS: lambda p: p._set(p._since_mark()),
    pickle.GLOBAL: lambda p: p._global(p._line(), p._line()),
    pickle.STACK_GLOBAL: _P._stack_global,
    pickle.REDUCE: _P._call,
    pickle.NEWOBJ: lambda p: p._call(new=True),
    pickle.BUILD: _P._build,
    pickle.BINPERSID: _P._persistent,
    pickle.BINGET: lambda p: p._push(p._memo[p._byte()]),
    pickle.LONG_BINGET: lambda p: p._push(p._memo[p._number(_UINT4)]),
    pickle.BINPUT: lambda p: p._remember(p._byte()),
    pickle.LONG_BINPUT: lambda p: p._remember(p._number(_UINT4)),
    pickle.MEMOIZE: lambda p: p._remember(len(p._memo)),
}
