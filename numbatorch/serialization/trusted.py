"""What a checkpoint may name, and what that makes here."""

from __future__ import annotations

import contextlib
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from functools import cache
from types import TracebackType
from typing import Any

import numpy as np

from numbatorch import base
from numbatorch.base import Kind, kind_of
from numbatorch.device import device
from numbatorch.dtype import ALL_DTYPES, DType, type_word
from numbatorch.layout import strided
from numbatorch.nn.parameter import Parameter
from numbatorch.serialization.names import find, pytorch_name
from numbatorch.serialization.unpickling import Call, Class, UnpicklingError, check_key
from numbatorch.shape import Size
from numbatorch.storage import UntypedStorage, span
from numbatorch.tensor import Tensor
from numbatorch_kernels import memory

# ---- tensors

_INT = {int}
_SEQUENCE = (tuple, list)


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, dtype: Any = None) -> Tensor:
    """The tensor of this geometry, in elements, on loaded memory. Raises RuntimeError where it would reach out."""
    if not isinstance(storage, LoadedStorage) or not (dtype is None or isinstance(dtype, DType)):
        raise UnpicklingError("a tensor is made of what is no storage")
    if not isinstance(size, _SEQUENCE) or not isinstance(stride, _SEQUENCE):
        raise UnpicklingError("a tensor has no size")
    size, stride = tuple(size), tuple(stride)
    numbers = (offset, *size, *stride)
    if (
        not _INT.issuperset(map(type, numbers))
        or min(numbers) < 0
        or max(numbers) >= 1 << 62
        or len(size) != len(stride)
        or len(size) > 64
    ):
        raise UnpicklingError(
            f"a tensor has the size {size!r:.200}, stride {stride!r:.200}, offset {offset!r:.50}"
        )
    kind = Kind.of(storage.dtype if dtype is None else dtype, storage.device)
    itemsize = kind.numpy.itemsize
    whole = storage.whole
    needed, there = (offset + span(size, stride)) * itemsize, whole.size
    if needed > there and 0 not in size:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
            f"{itemsize} requiring a storage size of {needed} are out of bounds for storage of size {there}"
        )
    elements = whole[: there // itemsize * itemsize].view(kind.numpy)
    start = offset * itemsize if needed <= there else 0
    array = memory.strided(elements, size, tuple([s * itemsize for s in stride]), start)
    tensor = base.wrap(array, kind_of(array, kind))
    tensor._storage = storage._storage
    return tensor


class LoadedStorage(UntypedStorage):
    """Memory out of a checkpoint, and the type that tensors on it have. Where there is a `wait`, its data are there when
    that has returned."""

    def __init__(
        self, storage: base.Storage, place: device, dtype: DType, wait: Callable[[], None] | None = None
    ):
        super().__init__(storage, place)
        self.whole, self.dtype, self.wait = self.bytes(), dtype, wait


class StorageType:
    """What a checkpoint calls a storage's type."""

    def __init__(self, dtype: DType | None):
        self.dtype = dtype


def _tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, metadata: Any = None
) -> Tensor:
    return _finished(storage, rebuild_tensor(storage, offset, size, stride), requires_grad, metadata)


def _tensor_v3(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Tensor:
    return _finished(storage, rebuild_tensor(storage, offset, size, stride, dtype), requires_grad, metadata)


def _finished(storage: LoadedStorage, tensor: Tensor, requires_grad: Any, metadata: Any) -> Tensor:
    if metadata:  # PyTorch notes that the memory is to be conjugated or negated; here that is done at once
        if storage.wait is not None:
            storage.wait()
        for name, act in (("conj", Tensor.conj), ("neg", Tensor.neg)):
            if metadata.get(name):
                tensor = act(tensor)
    return tensor.requires_grad_() if requires_grad is True else tensor


def _parameter(data: Any, requires_grad: Any, hooks: Any = None, state: Any = None) -> Parameter:
    if not isinstance(data, Tensor):
        raise UnpicklingError("a parameter is made of what is no tensor")
    parameter = Parameter(data, bool(requires_grad))
    _set_attributes(parameter, state)
    return parameter


def _tensor_of_type(rebuild: Any, cls: Any, arguments: Any, state: Any) -> Tensor:
    tensor = rebuild.function(*arguments)
    if not isinstance(tensor, Tensor):
        raise UnpicklingError("a tensor is made by what makes none")
    if cls not in (Tensor, Parameter, type(tensor)):
        tensor = tensor.as_subclass(cls)
    _set_attributes(tensor, state)
    return tensor


def _set_attributes(tensor: Tensor, state: Any) -> None:
    """Attributes that a program gave its tensor; none may stand in for one of ours."""
    if type(state) is dict:
        for name, value in state.items():
            if (
                type(name) is not str
                or name.startswith("__")
                or hasattr(type(tensor), name)
                or name in ("array", "kind")
            ):
                raise UnpicklingError(f"a tensor has the attribute {name!r:.100}, which it cannot have")
            setattr(tensor, name, value)


# ---- NumPy's numbers and arrays, as training loops leave them in checkpoints

_NUMPY_CODES = {
    f"{kind}{size}" for kind, sizes in {"f": "248", "i": "1248", "u": "1248"}.items() for size in sizes
}
_NUMPY_CODES |= {"b1", "c8", "c16"}


def _numpy_dtype(code: Any, *unused: Any) -> np.dtype:
    if type(code) is not str or code not in _NUMPY_CODES:
        raise UnpicklingError(f"NumPy's dtype {code!r:.50} may not be in a checkpoint")
    return np.dtype(code)


def _numpy_scalar(dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, np.dtype) or type(data) is not bytes or len(data) != dtype.itemsize:
        raise UnpicklingError("a NumPy number is damaged")
    return np.frombuffer(data, dtype)[0]


def _numpy_array(cls: Any, shape: Any, code: Any) -> np.ndarray:
    return np.empty(0, np.uint8)


# ---- the table


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = {f"torch.{dtype.name}": dtype for dtype in ALL_DTYPES}
    table |= {f"torch.{type_word(dtype)}Storage": StorageType(dtype) for dtype in ALL_DTYPES}
    table |= {
        f"torch.{name}": value
        for name, value in {
            "UntypedStorage": StorageType(None),
            "storage.UntypedStorage": StorageType(None),
            "Size": Call(Size),
            "device": Call(device),
            "Tensor": Tensor,
            "nn.parameter.Parameter": Parameter,
            "serialization._get_layout": Call({"torch.strided": strided}.__getitem__),
            "_utils._rebuild_tensor": Call(rebuild_tensor, True),
            "_utils._rebuild_tensor_v2": Call(_tensor_v2, True),
            "_utils._rebuild_tensor_v3": Call(_tensor_v3, True),
            "_utils._rebuild_parameter": Call(_parameter, True),
            "_utils._rebuild_parameter_with_state": Call(_parameter, True),
            "_tensor._rebuild_from_type_v2": Call(_tensor_of_type),
        }.items()
    }
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        table[f"{module}.scalar"] = Call(_numpy_scalar)
        table[f"{module}._reconstruct"] = Call(_numpy_array)
    return table | {
        "collections.OrderedDict": Call(_ordered),
        "collections.Counter": Call(lambda counts=(): Counter(dict(counts))),
        "builtins.set": Call(lambda items=(): {check_key(item) for item in items}),
        "builtins.frozenset": Call(lambda items=(): frozenset([check_key(item) for item in items])),
        "builtins.bytes": Call(lambda: b""),
        "builtins.bytearray": Call(_bytearray),
        "builtins.complex": Call(complex),
        "_codecs.encode": Call(_encode),
        "numpy.dtype": Call(_numpy_dtype),
        "numpy.ndarray": np.ndarray,
    }


def _ordered(pairs: Any = ()) -> OrderedDict:
    return OrderedDict([(check_key(k), v) for k, v in pairs]) if pairs else OrderedDict()


def _encode(text: Any, encoding: Any) -> bytes:
    """How bytes are written in protocol 2."""
    if encoding != "latin1":
        raise UnpicklingError(f"bytes are written as latin1, not as {encoding!r:.50}")
    return str.encode(text, "latin1")


def _bytearray(data: Any = b"") -> bytearray:
    if type(data) is not bytes:
        raise UnpicklingError("a bytearray is made of what is not bytes")
    return bytearray(data)


def give_state(obj: Any, state: Any) -> bool:
    """Give an object of the table the state that a pickle has for it. Whether it is of those that have one."""
    if type(obj) is OrderedDict:
        if type(state) is not dict or any(type(k) is not str or hasattr(OrderedDict, k) for k in state):
            raise UnpicklingError("an OrderedDict has attributes that it cannot have")
        obj.__dict__.update(state)
    elif isinstance(obj, np.dtype):
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", "|", "="):
            raise UnpicklingError("NumPy's dtypes may have this machine's byte order only")
    elif type(obj) is np.ndarray:
        _, shape, dtype, _, data = state
        small = type(shape) is tuple and len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape)
        if not small or not isinstance(dtype, np.dtype) or type(data) is not bytes:
            raise UnpicklingError("a NumPy array is damaged")
        if len(data) != math.prod(shape) * dtype.itemsize or obj.size:
            raise UnpicklingError("a NumPy array is damaged: its data are not of its size")
        obj.__setstate__((1, shape, dtype, bool(state[3]), data))  # type: ignore[arg-type]
    else:
        return False
    return True


def lookup(module: str, name: str, whole: bool = False) -> Any:
    """What the global `name` of `module` means; `whole` modules that the program has are admitted too. Raises
    UnpicklingError for what is not to be trusted."""
    path = f"{module}.{name}"
    found = _table().get(path)
    if found is not None:
        return found
    if module in _NEVER:
        raise UnpicklingError(f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked.")
    for trusted in _trusted:
        if path == _path_of(trusted):
            return Class(trusted[0] if isinstance(trusted, tuple) else trusted)
    own = find(module, name)
    if whole and own is not None:
        return Class(own, may_be_called=False) if isinstance(own, type) else own
    if module == "torch" and (
        name.endswith("Storage") or name.startswith(("float", "uint", "int", "q", "complex", "bits"))
    ):
        raise UnpicklingError(
            f"numbatorch has no torch.{name}: its dtypes are {', '.join(d.name for d in ALL_DTYPES)}"
        )
    path = path.removeprefix("builtins.")
    raise UnpicklingError(
        f"Unsupported global: GLOBAL {path} was not an allowed global by default. "
        f"Please use `torch.serialization.add_safe_globals([{path}])` or the "
        f"`torch.serialization.safe_globals([{path}])` context manager to allowlist this global "
        "if you trust this class/function."
        + (
            ""
            if own is None
            else " It is of a whole module: weights_only=False loads these, and runs nothing either."
        )
    )


# ---- what users trust besides

_NEVER = {"sys", "os", "posix", "nt"}  # modules of which nothing can be trusted
_trusted: list[Any] = []  # classes and functions, or pairs of one and its path


def _path_of(trusted: Any) -> str:
    if isinstance(trusted, tuple):
        if len(trusted) != 2:
            raise ValueError(
                f"Expected tuple of length 2 (global, str of callable full path), but got tuple of length: {len(trusted)}"
            )
        if type(trusted[1]) is not str:
            raise TypeError(
                f"Expected second item in tuple to be str of callable full path, but got: {type(trusted[1])}"
            )
        return trusted[1]
    return ".".join(pytorch_name(trusted) or (trusted.__module__, trusted.__qualname__))


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Trust these classes and functions: `load` may make objects of them. A pair (class, "module.Name") trusts the class
    for what a file calls so.

    >>> torch.serialization.add_safe_globals([argparse.Namespace])
    """
    _trusted.extend(item for item in safe_globals if item not in _trusted)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` has added."""
    return list(_trusted)


def clear_safe_globals() -> None:
    """Trust nothing but what checkpoints are made of."""
    _trusted.clear()


class safe_globals(contextlib.ContextDecorator):
    """Within the block, trust these classes and functions: see `add_safe_globals`."""

    def __init__(self, safe_globals: Iterable[Any]):
        self._added = list(safe_globals)

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self._added)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _trusted[:] = self._before
