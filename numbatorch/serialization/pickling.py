"""Objects as PyTorch pickles them: the text `data.pkl` of its format, and the memory that tensors refer to.

The bytes are those of Python's pickle, protocol 2, of the same objects in PyTorch: tensors, dtypes, devices and sizes go
by PyTorch's names. Objects of other classes are written as pickle writes them, too; who reads them decides
whether the class is one to be trusted.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import struct
import sys
from _compat_pickle import REVERSE_IMPORT_MAPPING, REVERSE_NAME_MAPPING
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from types import BuiltinFunctionType, FunctionType
from typing import Any

from numbatorch import base
from numbatorch.device import CPU, device
from numbatorch.dtype import DType, type_word
from numbatorch.layout import strided
from numbatorch.nn.parameter import Parameter
from numbatorch.serialization.names import pytorch_name
from numbatorch.shape import Size
from numbatorch.storage import UntypedStorage
from numbatorch.tensor import Tensor

_BATCH = 1000  # items that one opcode adds to a list or dict


class Pickler:
    """Pickles one object.

    data        the pickle
    memories    what the tensors in it lie in, in the order of their numbers
    """

    def __init__(self, obj: Any):
        self.memories: list[UntypedStorage] = []
        self._numbers: dict[base.Storage, tuple[str, DType]] = {}
        self._memo: dict[Any, int] = {}  # by identity, or the name of a global
        self._kept: list[Any] = []  # so that identities stay true
        self._path: list[str] = []
        self._out = io.BytesIO()
        self._put = self._out.write
        self._put(pickle.PROTO + b"\x02")
        try:
            self._save(obj)
        except RecursionError:
            raise RecursionError(f"save() cannot write an object nested so deeply{self._where()}") from None
        self._put(pickle.STOP)
        self.data = self._out.getvalue()

    def _save(self, obj: Any) -> None:
        cls = type(obj)
        atom = _ATOMS.get(cls)
        if atom is not None:
            self._put(atom(obj))
        elif (place := self._memo.get(id(obj))) is not None:
            self._put(_numbered(pickle.BINGET, pickle.LONG_BINGET, place))
        elif (save := _WAYS.get(cls)) is not None:
            save(self, obj)
        elif isinstance(obj, Tensor):
            self._tensor(obj)
        elif obj is strided:
            self._call(partial(self._global, "torch.serialization", "_get_layout"), ("torch.strided",), obj)
        elif isinstance(obj, type | FunctionType | BuiltinFunctionType):
            self._named(obj)
        else:
            self._object(obj)

    def _where(self) -> str:
        return f" at '{'.'.join(self._path)}'" if self._path else ""

    def _remember(self, obj: Any) -> None:
        place = self._memo[id(obj)] = len(self._memo)
        self._kept.append(obj)
        self._put(_numbered(pickle.BINPUT, pickle.LONG_BINPUT, place))

    # -- Python's own types

    def _text(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self._put(pickle.BINUNICODE + struct.pack("<I", len(data)) + data)
        self._remember(text)

    def _bytes(self, data: bytes | bytearray) -> None:
        if isinstance(data, bytearray):
            self._call(partial(self._builtin, bytearray), (bytes(data),) if data else (), data)
        elif data:
            self._call(partial(self._global, "_codecs", "encode"), (data.decode("latin1"), "latin1"), data)
        else:
            self._call(partial(self._builtin, bytes), (), data)

    def _tuple(self, items: tuple) -> None:
        if not items:
            self._put(pickle.EMPTY_TUPLE)
            return
        if len(items) > 3:
            self._put(pickle.MARK)
        for item in self._each(items):
            self._save(item)
        if id(items) in self._memo:
            raise TypeError(f"save() cannot write a tuple that contains itself{self._where()}")
        self._put(
            (pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)[len(items) - 1] if len(items) <= 3 else pickle.TUPLE
        )
        self._remember(items)

    def _list(self, items: list) -> None:
        self._put(pickle.EMPTY_LIST)
        self._remember(items)
        if len(items) == 1:
            for item in self._each(items):
                self._save(item)
            self._put(pickle.APPEND)
        else:
            each = self._each(items)
            for _ in range(0, len(items), _BATCH):
                self._put(pickle.MARK)
                for item in islice(each, _BATCH):
                    self._save(item)
                self._put(pickle.APPENDS)

    def _each(self, items: Iterable) -> Iterator[Any]:
        for place, item in enumerate(items):
            self._path.append(str(place))
            yield item
            self._path.pop()

    def _dict(self, items: dict) -> None:
        self._put(pickle.EMPTY_DICT)
        self._remember(items)
        self._items(items)

    def _items(self, items: dict) -> None:
        entries = iter(items.items())
        while batch := list(islice(entries, _BATCH)):
            alone = len(items) == 1 if type(items) is dict else len(batch) == 1  # as pickle decides
            if not alone:
                self._put(pickle.MARK)
            for key, value in batch:
                self._save(key)
                self._path.append(str(key))
                self._save(value)
                self._path.pop()
            self._put(pickle.SETITEM if alone else pickle.SETITEMS)

    def _ordered(self, items: OrderedDict) -> None:
        self._call(partial(self._global, "collections", "OrderedDict"), (), items)
        self._items(items)
        if state := vars(items):  # the versions of modules in a state dict
            self._save(dict(state))
            self._put(pickle.BUILD)

    def _call(self, function: Callable[[], None], arguments: tuple, obj: Any) -> None:
        """The result of a call, which is `obj`."""
        function()
        self._tuple(arguments)
        self._put(pickle.REDUCE)
        self._remember(obj)

    def _builtin(self, cls: type) -> None:
        self._global("__builtin__", cls.__name__)

    def _global(self, module: str, name: str) -> None:
        place = self._memo.get((module, name))
        if place is not None:
            self._put(_numbered(pickle.BINGET, pickle.LONG_BINGET, place))
            return
        self._put(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        place = self._memo[module, name] = len(self._memo)
        self._put(_numbered(pickle.BINPUT, pickle.LONG_BINPUT, place))

    # -- PyTorch's types

    def _size(self, size: Size) -> None:
        self._call(partial(self._global, "torch", "Size"), (tuple(size),), size)

    def _dtype(self, dtype: DType) -> None:
        self._global("torch", dtype.name)

    def _device(self, place: device) -> None:
        arguments = (place.type,) if place.index is None else (place.type, place.index)
        self._call(partial(self._global, "torch", "device"), arguments, place)

    def _tensor(self, tensor: Tensor) -> None:
        rebuild = partial(self._global, "torch._utils")
        if isinstance(tensor, Parameter):
            arguments: tuple[Any, ...] = (tensor.detach(), tensor.requires_grad, OrderedDict())
            self._call(partial(rebuild, "_rebuild_parameter"), arguments, tensor)
            return
        rebuild("_rebuild_tensor_v2")
        array, memory = tensor.array, tensor.memory
        offset = (base.address(array) - base.address(memory.array)) // array.itemsize if array.size else 0
        self._put(pickle.MARK)
        self._storage(memory, tensor)
        self._save(offset)
        self._save(tuple(array.shape))
        self._save(tensor.stride())
        self._save(tensor.requires_grad)
        self._save(OrderedDict())
        self._put(pickle.TUPLE)
        self._remember(object())
        self._put(pickle.REDUCE)
        self._remember(tensor)

    def _storage(self, memory: base.Storage, tensor: Tensor) -> None:
        dtype, untyped = tensor.dtype, UntypedStorage(memory, tensor.device)
        if memory not in self._numbers:
            self._numbers[memory] = str(len(self._numbers)), dtype
            self.memories.append(untyped)
        number, first = self._numbers[memory]
        if first is not dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different types"
            )
        self._put(pickle.MARK)
        self._save("storage")
        self._global("torch", f"{type_word(dtype)}Storage")
        self._save(number)
        self._save(_location(tensor.device))
        self._save(untyped.nbytes() // dtype.itemsize)
        self._put(pickle.TUPLE)
        self._remember(object())
        self._put(pickle.BINPERSID)

    # -- everything else

    def _named(self, obj: Any) -> None:
        """A class or function, by its name."""
        module, name = obj.__module__, obj.__qualname__
        found = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not obj:
            raise TypeError(f"save() cannot write {obj!r}{self._where()}: it is not found as {module}.{name}")
        self._global(
            *REVERSE_NAME_MAPPING.get((module, name), (REVERSE_IMPORT_MAPPING.get(module, module), name))
            if (theirs := pytorch_name(obj)) is None
            else theirs
        )

    def _object(self, obj: Any) -> None:
        reduce = copyreg.dispatch_table.get(type(obj))
        try:
            how = reduce(obj) if reduce else obj.__reduce_ex__(2)
        except TypeError as error:
            raise TypeError(
                f"save() cannot write an object of type {type(obj).__name__}{self._where()}: {error}"
            ) from None
        if isinstance(how, str):
            self._global(obj.__module__, how)
            return
        function, arguments, state, items, pairs = (*how, None, None, None)[:5]
        if function is copyreg.__newobj__:  # type: ignore[attr-defined]
            self._save(arguments[0])
            self._tuple(tuple(arguments[1:]))
            self._put(pickle.NEWOBJ)
        else:
            self._save(function)
            self._tuple(tuple(arguments))
            self._put(pickle.REDUCE)
        self._remember(obj)
        for item in items or ():
            self._save(item)
            self._put(pickle.APPEND)
        if pairs is not None:
            self._items(OrderedDict(pairs))
        if state is not None:
            self._save(state)
            self._put(pickle.BUILD)


def _numbered(short: bytes, long: bytes, number: int) -> bytes:
    return short + bytes([number]) if number < 256 else long + struct.pack("<I", number)


def _integer(number: int) -> bytes:
    if 0 <= number < 256:
        return pickle.BININT1 + bytes([number])
    if 0 <= number < 1 << 16:
        return pickle.BININT2 + struct.pack("<H", number)
    if -(1 << 31) <= number < 1 << 31:
        return pickle.BININT + struct.pack("<i", number)
    data = pickle.encode_long(number)
    if len(data) < 256:
        return pickle.LONG1 + bytes([len(data)]) + data
    return pickle.LONG4 + struct.pack("<i", len(data)) + data


def _location(place: device) -> str:
    return "cpu" if place is CPU else f"{place.type}:{place.index or 0}"


_ATOMS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda obj: pickle.NONE,
    bool: lambda obj: pickle.NEWTRUE if obj else pickle.NEWFALSE,
    int: _integer,
    float: lambda obj: pickle.BINFLOAT + struct.pack(">d", obj),
}

_WAYS: dict[type, Callable[[Pickler, Any], None]] = {
    str: Pickler._text,
    bytes: Pickler._bytes,
    bytearray: Pickler._bytes,
    tuple: Pickler._tuple,
    list: Pickler._list,
    dict: Pickler._dict,
    OrderedDict: Pickler._ordered,
    Size: Pickler._size,
    DType: Pickler._dtype,
    device: Pickler._device,
}
