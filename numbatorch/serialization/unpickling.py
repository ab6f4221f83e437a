"""Reading pickles without running anything in them.

Python's own unpickler imports what a pickle names and calls what it says. This one knows a table of names, each with
what it makes here, and calls nothing else; a pickle that names anything besides is refused. The opcodes are those
that pickle writes, of protocols 2 to 5. (PyTorch's `torch/_weights_only_unpickler.py` is of the same mind.)

What a pickle can cost is bounded by its length: counts and sizes that it claims are not believed but looked for, keys of
dicts stay small.
"""

from __future__ import annotations

import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, NamedTuple

UnpicklingError = pickle.UnpicklingError
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
        self._data = data
        self._names, self._load_id, self._give_state = names, load_id, give_state
        self._stack: list[Any] = []
        self._marks: list[int] = []  # how many items there were when what follows them began
        self._memo: dict[int, Any] = {}
        self._built: dict[int, Any] = {}  # by identity: what a `Class` has made, which may be given any state

    def load(self) -> Any:
        """The object. Raises UnpicklingError for pickles that are damaged, or name what is not in the table."""
        try:
            self._run()
            if self._marks or len(self._stack) != 1:
                raise UnpicklingError("the pickle is damaged: it stops half-way")
            return self._pop()
        except (UnpicklingError, RuntimeError):
            raise
        except Exception as error:
            raise UnpicklingError(f"the pickle is damaged: {type(error).__name__}: {error}") from error

    def _run(self) -> None:
        data, at, stack, memo = self._data, 0, self._stack, self._memo
        while (code := data[at]) != _STOP:
            if code == _BINPUT:  # this one and the next are half of all
                memo[data[at + 1]] = stack[-1]
                at += 2
            elif code == _BINGET:
                stack.append(memo[data[at + 1]])
                at += 2
            elif (known := _STEPS.get(code)) is None:
                raise UnpicklingError(f"Unsupported operand {code}")
            else:
                read, step = known
                if read is None:
                    at += 1
                    step(self)
                else:
                    argument, at = read(data, at + 1)
                    if step is None:
                        stack.append(argument)
                    else:
                        step(self, argument)

    # -- the stack

    def _push(self, obj: Any) -> None:
        self._stack.append(obj)

    def _pop(self) -> Any:
        return _outer(self._stack.pop())

    def _since_mark(self) -> list[Any]:
        mark = self._marks.pop()
        items = self._stack[mark:]
        del self._stack[mark:]
        return _outer_items(items)

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _tuple(self) -> None:
        mark, stack = self._marks.pop(), self._stack
        stack[mark:] = [tuple(_outer_items(stack[mark:], in_tuple=True))]

    def _tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise UnpicklingError("the pickle is damaged: a tuple lacks items")
        self._marks.append(len(self._stack) - count)
        self._tuple()

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

    def _global(self, path: tuple[str, str]) -> None:
        module, name = path
        if (module, name) in NAME_MAPPING:
            module, name = NAME_MAPPING[module, name]
        self._push(self._names(IMPORT_MAPPING.get(module, module), name))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("the pickle is damaged: the name of a global is no text")
        self._global((module, name))

    def _call(self, new: bool = False) -> None:
        arguments = self._pop()
        callee = self._stack.pop()
        if type(arguments) is not tuple or type(callee) not in _NAMED:
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {callee!r:.100}")
        if type(callee) is Call:
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


_NAMED = {Call, Class}


def _outer(obj: Any, in_tuple: bool = False) -> Any:
    """The object, where it becomes part of the data: a function does not, unless in the arguments of another."""
    if type(obj) is Call and not (in_tuple and obj.is_argument):
        raise UnpicklingError("Functions can be called by a checkpoint, not be a part of it")
    return obj.cls if type(obj) is Class else obj


def _outer_items(items: list[Any], in_tuple: bool = False) -> list[Any]:
    if _NAMED.isdisjoint(map(type, items)):
        return items
    return [_outer(item, in_tuple) for item in items]


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
    if type(key) is str:
        return key
    waiting, seen = [key], 0
    while waiting:
        seen += 1
        if seen > _KEY_SIZE:
            raise UnpicklingError(f"a key of a dict has more than {_KEY_SIZE} parts")
        item = waiting.pop()
        if isinstance(item, tuple | frozenset):
            waiting.extend(item)
    return key


# ---- what follows an opcode: (the argument, where the next opcode is) of the data and a place in them


def _byte(data: bytes, at: int) -> tuple[int, int]:
    return data[at], at + 1


def _number(form: str) -> Callable[[bytes, int], tuple[Any, int]]:
    struct = Struct(form)
    unpack, size = struct.unpack_from, struct.size
    return lambda data, at: (unpack(data, at)[0], at + size)


_UINT2, _INT4, _UINT4, _UINT8, _FLOAT8 = (_number(form) for form in ("<H", "<i", "<I", "<Q", ">d"))


def _bytes(
    count: Callable[[bytes, int], tuple[int, int]], made: Callable[[bytes], Any] | None = None
) -> Callable[[bytes, int], tuple[Any, int]]:
    """As many bytes as a number before them says, or what is `made` of them."""

    def read(data: bytes, at: int) -> tuple[Any, int]:
        size, at = count(data, at)
        end = at + size
        if not at <= end <= len(data):
            raise UnpicklingError("the pickle is damaged: it ends too early")
        return (data[at:end] if made is None else made(data[at:end])), end

    return read


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _line(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\n", at, at + 1000)
    if end < 0:
        raise UnpicklingError("the pickle is damaged: a name does not end")
    return data[at:end].decode(), end + 1


def _two_lines(data: bytes, at: int) -> tuple[tuple[str, str], int]:
    first, at = _line(data, at)
    second, at = _line(data, at)
    return (first, second), at


# ---- the opcodes: how what follows is read, and what is done with it; no more than to push it, where nothing is said


def _frozen(self: Unpickler) -> None:
    self._push(frozenset(check_key(tuple(self._since_mark()))))


def _skip(self: Unpickler, argument: Any) -> None:
    """A pickle's version and its division into frames say nothing that is needed."""


_P = Unpickler
_STOP, _BINPUT, _BINGET = pickle.STOP[0], pickle.BINPUT[0], pickle.BINGET[0]
_OPCODES: dict[bytes, tuple[Callable[[bytes, int], tuple[Any, int]] | None, Any]] = {
    pickle.PROTO: (_byte, _skip),
    pickle.FRAME: (_UINT8, _skip),
    pickle.NONE: (None, lambda p: p._push(None)),
    pickle.NEWTRUE: (None, lambda p: p._push(True)),
    pickle.NEWFALSE: (None, lambda p: p._push(False)),
    pickle.BININT1: (_byte, None),
    pickle.BININT2: (_UINT2, None),
    pickle.BININT: (_INT4, None),
    pickle.LONG1: (_bytes(_byte, pickle.decode_long), None),
    pickle.LONG4: (_bytes(_INT4, pickle.decode_long), None),
    pickle.BINFLOAT: (_FLOAT8, None),
    pickle.BINUNICODE: (_bytes(_UINT4, _text), None),
    pickle.SHORT_BINUNICODE: (_bytes(_byte, _text), None),
    pickle.BINUNICODE8: (_bytes(_UINT8, _text), None),
    pickle.SHORT_BINSTRING: (_bytes(_byte, _text), None),
    pickle.SHORT_BINBYTES: (_bytes(_byte), None),
    pickle.BINBYTES: (_bytes(_UINT4), None),
    pickle.BINBYTES8: (_bytes(_UINT8), None),
    pickle.BYTEARRAY8: (_bytes(_UINT8, bytearray), None),
    pickle.EMPTY_TUPLE: (None, lambda p: p._push(())),
    pickle.EMPTY_LIST: (None, lambda p: p._push([])),
    pickle.EMPTY_DICT: (None, lambda p: p._push({})),
    pickle.EMPTY_SET: (None, lambda p: p._push(set())),
    pickle.MARK: (None, _P._mark),
    pickle.TUPLE: (None, _P._tuple),
    pickle.TUPLE1: (None, lambda p: p._tuple_of(1)),
    pickle.TUPLE2: (None, lambda p: p._tuple_of(2)),
    pickle.TUPLE3: (None, lambda p: p._tuple_of(3)),
    pickle.APPEND: (None, lambda p: p._append([p._pop()])),
    pickle.APPENDS: (None, lambda p: p._append(p._since_mark())),
    pickle.ADDITEMS: (None, _P._add),
    pickle.FROZENSET: (None, _frozen),
    pickle.SETITEM: (None, _P._set_one),
    pickle.SETITEMS: (None, lambda p: p._set(p._since_mark())),
    pickle.GLOBAL: (_two_lines, _P._global),
    pickle.STACK_GLOBAL: (None, _P._stack_global),
    pickle.REDUCE: (None, _P._call),
    pickle.NEWOBJ: (None, lambda p: p._call(new=True)),
    pickle.BUILD: (None, _P._build),
    pickle.BINPERSID: (None, _P._persistent),
    pickle.LONG_BINGET: (_UINT4, lambda p, place: p._push(p._memo[place])),
    pickle.LONG_BINPUT: (_UINT4, _P._remember),
    pickle.MEMOIZE: (None, lambda p: p._remember(len(p._memo))),
}
_STEPS = {opcode[0]: row for opcode, row in _OPCODES.items()}
