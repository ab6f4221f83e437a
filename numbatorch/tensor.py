"""The class `Tensor`: its state is in base.py, its operations are the public functions of `ops`, here under
their method names."""

from __future__ import annotations

import copy as _copy
import warnings
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import arguments, base, ops, printing
from numbatorch.autograd import inplace as _inplace
from numbatorch.autograd.api import backward
from numbatorch.autograd.mode import state as inference_state
from numbatorch.autograd.node import Handle, Node, Slot, leaf_hooks, refresh, type_name
from numbatorch.base import Kind, TensorBase, alias
from numbatorch.layout import kept_order, lies_in_order, strided
from numbatorch.layout import memory_format as MemoryFormat
from numbatorch.ops.view import reverse
from numbatorch.shape import Size, contiguous_strides, normalize_dim
from numbatorch.storage import offset_in_memory


def inplace(function: Callable) -> Callable:
    """The in-place form of an op: `inplace(ops.exp)` is `exp_`, which writes its result over its first
    operand."""

    @wraps(function)
    def method(self, *args, **kwargs):
        return function(self, *args, out=self, **kwargs)

    method.__name__ = method.__qualname__ = f"{function.__name__}_"
    return method


def reflected(function: Callable) -> Callable:
    """The operator with its operands swapped: `2 - x` calls `x.__rsub__(2)`."""

    def method(self, other):
        return function(other, self)

    return method


def operator(function: Callable, arrays: bool = False) -> Callable:
    """A binary operator that leaves what it does not understand to the other operand; that is NumPy's arrays too, unless
    `arrays`."""

    @wraps(function)
    def method(self, other):
        if isinstance(other, _OPERANDS):
            return function(self, other)
        return (
            function(self, ops.from_numpy(other))
            if arrays and isinstance(other, np.ndarray)
            else NotImplemented
        )

    return method


def inplace_operator(function: Callable) -> Callable:
    """`x += y`, which for an array of NumPy's is x = x + y."""

    @wraps(function)
    def method(self, other):
        return NotImplemented if isinstance(other, np.ndarray) else function(self, other, out=self)

    return method


def _divide(divisor: Tensor, number: base.Number) -> Tensor:
    """number / divisor. Both it and the divisor may be overwritten before the way back, which keeps the reciprocal."""
    return ops.mul(ops.reciprocal(divisor), number)


_OPERANDS = (TensorBase, bool, int, float, complex, np.generic)


@base.register
class Tensor(TensorBase):
    """An n-dimensional array of numbers on a device, which remembers how it was computed.

    `Tensor(2, 3)` is an uninitialised float32 tensor, `Tensor([1, 2])` one with these numbers; prefer
    `torch.empty` and `torch.tensor`.
    """

    def __new__(cls, *args, device: Any = None):
        if len(args) == 1 and not isinstance(args[0], int):
            data = args[0]
            if isinstance(data, Size):
                return ops.empty(data, dtype=dt.get_default_dtype(), device=device)
            made = (
                ops.as_tensor(data, dtype=dt.get_default_dtype(), device=device)
                if isinstance(data, TensorBase | np.ndarray)
                else ops.tensor(data, dtype=dt.get_default_dtype(), device=device)
            )
            return alias(made)
        return ops.empty(args or (0,), dtype=dt.get_default_dtype(), device=device)

    # --- state

    data = property(
        lambda self: _data(self),
        lambda self, value: _set_data(self, value),
        doc="The same memory, off the tape.",
    )

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        if self._base is not None:
            refresh(self)
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start or stop recording operations on this leaf. Raises RuntimeError for tensors that are not
        floating point or no leaves."""
        if self._grad_fn is not None:
            if not requires_grad:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a "
                    "computed variable in a subgraph that "
                    "doesn't require differentiation use var_no_grad = var.detach()."
                )
            return self
        if requires_grad and not (self.kind.dtype.is_inexact):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if requires_grad and self._inference and not inference_state.inference and self.is_inference():
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
            )
        self._requires_grad = bool(requires_grad)
        return self

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have added up here."""
        if self._grad is None and self._grad_fn is not None and not self._retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                "attribute won't be populated during "
                "autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
                "Tensor, use .retain_grad() on the "
                "non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the "
                "leaf Tensor instead.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, TensorBase):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type "
                    f"{type(value).__name__}"
                )
            if value.array.shape != self.array.shape:
                raise RuntimeError(
                    f"assigned grad has data of a different size: expected {list(self.array.shape)}, got "
                    f"{list(value.array.shape)}"
                )
            if value.kind.dtype is not self.kind.dtype:
                raise RuntimeError(
                    f"assigned grad has data of a different type: expected {self.dtype}, got {value.dtype}"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def grad_fn(self) -> Node | None:
        """The operation that made this tensor, if it was recorded."""
        if self._base is not None:
            refresh(self)
        fn = self._grad_fn
        return None if fn is None else (fn.node if isinstance(fn, Slot) else fn).shown()

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was made by the user, not by a recorded operation."""
        return self._grad_fn is None

    @property
    def output_nr(self) -> int:
        """Which result of `grad_fn` this is."""
        return self._grad_fn.number if isinstance(self._grad_fn, Slot) else 0

    _retains_grad = False

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this tensor, which is no leaf."""
        return self._retains_grad

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in `grad` although it is no leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._grad_fn is None or self._retains_grad:
            return
        self._retains_grad = True
        reference = _weak(self)

        def keep(grad):
            tensor = reference()
            if tensor is not None:
                tensor._grad = grad.clone() if tensor._grad is None else tensor._grad + grad

        hooks = self._capture(keep)._hooks
        hooks["retained"] = hooks.popitem()[1]

    def _capture(self, hook: Callable) -> Handle:
        fn = self._grad_fn
        return fn.node.capture(fn.number, hook) if isinstance(fn, Slot) else fn.capture(0, hook)

    def register_hook(self, hook: Callable) -> Handle:
        """Call `hook(grad)` when the gradient of this tensor is complete; what it returns, if not None,
        replaces it."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._grad_fn is not None:
            return self._capture(hook)
        return Handle(leaf_hooks(self), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable) -> Handle:
        """Call `hook(tensor)` after a gradient was added to `grad` of this leaf."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._grad_fn is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return Handle(leaf_hooks(self).setdefault("accumulated", {}), hook)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor to the `grad` of every leaf that it was computed from.

        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        """
        backward(self, gradient, retain_graph, create_graph, inputs)

    detach = ops.detach

    def share_memory_(self) -> Tensor:
        """Nothing to do: threads share memory as it is, and processes get copies."""
        return self

    def detach_(self) -> Tensor:
        """Take this tensor off the tape."""
        if self._base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._grad_fn, self._requires_grad = None, False
        return self

    # --- geometry

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    ndimension = dim

    def size(self, dim: int | None = None):
        """The sizes of the dimensions, or of one of them."""
        if dim is None:
            return self.shape
        return self.array.shape[normalize_dim(dim, self.array.ndim)]

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    nelement = numel

    def stride(self, dim: int | None = None):
        """How many elements lie between neighbours along each dimension, or one of them."""
        array = self.array
        if array.size:
            strides = tuple([s // array.itemsize for s in array.strides])
        else:  # of which NumPy knows no strides
            strides = contiguous_strides(array.shape)
        return strides if dim is None else strides[normalize_dim(dim, len(strides))]

    def storage_offset(self) -> int:
        """How many elements lie before the first one in the memory that the tensor shares."""
        return 0 if self._storage is None else offset_in_memory(self)

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self.array.ctypes.data if self.kind.cpu else self.array.address

    def element_size(self) -> int:
        """Bytes an element takes."""
        return self.array.itemsize

    itemsize = property(element_size)

    @property
    def nbytes(self) -> int:
        """Bytes that the elements take."""
        return self.array.size * self.array.itemsize

    const_data_ptr = data_ptr

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements fill memory without gaps, row-major or in the order of a memory format."""
        if memory_format is None or self.array.ndim not in (4, 5):
            return self.kind.contiguous
        return lies_in_order(self.array, memory_format.order(self.array.ndim))

    def dim_order(self, *, ambiguity_check: Any = False) -> tuple[int, ...]:
        """The dimensions from the outermost in memory to the innermost. With `ambiguity_check` there must be no
        other answer, or, of a list of memory formats, only one that fits; RuntimeError otherwise.

        >>> torch.ones(2, 3).t().dim_order()
        (1, 0)
        """
        formats = [] if isinstance(ambiguity_check, bool) else ambiguity_check
        if isinstance(formats, str) or not all([isinstance(f, MemoryFormat) for f in formats]):
            raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
        order, shape = kept_order(self.array), self.array.shape
        if ambiguity_check is True:
            steps = [abs(s) for s, n in zip(self.array.strides, shape)]
            if 0 in steps:
                raise RuntimeError("The tensor does not have unique dim order.")
            unique = len(set(steps)) == len(steps) and 1 not in shape and 0 not in shape
        else:
            fitting = [f for f in formats if self.is_contiguous(memory_format=f)]
            unique = not formats or len(fitting) == 1
        if not unique:
            raise RuntimeError(
                "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
            )
        return order

    def is_set_to(self, tensor: Tensor) -> bool:
        """Whether both are the same elements of the same memory."""
        same = self.array.shape == tensor.array.shape and self.array.strides == tensor.array.strides
        return same and self._storage is not None and self._storage is tensor._storage

    is_floating_point = ops.is_floating_point
    is_complex = ops.is_complex
    is_signed = ops.is_signed
    is_nonzero = ops.is_nonzero
    is_same_size = ops.is_same_size

    pin_memory = ops.pin_memory
    is_pinned = ops.is_pinned
    record_stream = ops.record_stream

    def is_shared(self) -> bool:
        """Whether other processes see the memory: never."""
        return False

    def is_distributed(self) -> bool:
        """Whether parts of the tensor are on other machines: never."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is on a GPU."""
        return not self.kind.cpu

    @property
    def is_cpu(self) -> bool:
        """Whether the memory is the CPU's."""
        return self.kind.cpu

    def get_device(self) -> int:
        """The index of the GPU, -1 on the CPU."""
        return -1 if self.kind.cpu else self.kind.device.index or 0

    def _is_view(self) -> bool:
        return self._base is not None

    is_sparse = is_sparse_csr = is_nested = is_quantized = is_mkldnn = is_meta = False
    is_ipu = is_maia = is_mps = is_mtia = is_vulkan = is_xla = is_xpu = False
    layout = strided

    T = property(reverse)

    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped."""
        if not self.array.ndim:
            return self
        if self.array.ndim < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self.array.ndim}-D "
                f"tensor."
            )
        return ops.transpose(self, -2, -1)

    real = property(ops.real, ops.set_real)
    imag = property(ops.imag, ops.set_imag)
    H = property(ops.hermitian)
    mH = property(ops.matrix_adjoint)

    # --- Python values

    def item(self):
        """The only element, as a Python number. Raises RuntimeError if there are more or fewer."""
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return ops.numbers(self).item()

    def tolist(self):
        """The elements as nested lists of Python numbers; a number for a 0-d tensor."""
        return ops.numbers(self).tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The elements as a NumPy array on the same memory."""
        if force:
            return ops.host(self.detach())
        if not self.kind.cpu:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the "
                f"tensor to host memory first."
            )
        if self._requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if self.kind.dtype is dt.bfloat16:
            raise TypeError("Got unsupported ScalarType BFloat16")
        self._storage = self.memory  # from now on the array may change the memory too
        return self.array

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    @property
    def __array_interface__(self) -> dict:
        return self.numpy().__array_interface__

    @property
    def __cuda_array_interface__(self) -> dict:
        if self.kind.cpu:
            raise AttributeError("Can't get __cuda_array_interface__ on non-CUDA tensor type: " + self.type())
        if self._requires_grad:
            raise RuntimeError(
                "Can't get __cuda_array_interface__ on Variable that requires grad. Use var.detach() instead."
            )
        return {
            "typestr": self.kind.numpy.str,
            "shape": tuple(self.array.shape),
            "data": (self.array.address, False),
            "version": 3,
            "strides": None if self.kind.contiguous else tuple(self.array.strides),
        }

    __array_priority__ = 1000  # array == tensor is left to the tensor

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Tensor:
        """The result of one of NumPy's functions of a tensor is a tensor; truth is 0 or 1 there, as in PyTorch."""
        return ops.from_numpy(np.asarray(array, np.uint8 if array.dtype == np.bool_ else None))

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
    ):
        if self._requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        if max_version is None:
            return self.array.__dlpack__()
        return self.array.__dlpack__(max_version=max_version, dl_device=dl_device, copy=copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0) if self.kind.cpu else (2, self.kind.device.index or 0)

    def __bool__(self) -> bool:
        if self.array.size != 1:
            if self.array.size == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self._real_item("int64_t"))

    def __float__(self) -> float:
        return float(self._real_item("double"))

    def _real_item(self, wanted: str) -> Any:
        """The only element; RuntimeError where it has an imaginary part."""
        value = self._only()
        if not isinstance(value, complex):
            return value
        if value.imag:
            raise RuntimeError(f"value cannot be converted to type {wanted} without overflow")
        return value.real

    def __complex__(self) -> complex:
        return complex(self._only())

    def _only(self) -> Any:
        """The only element. Raises ValueError if there are more or fewer, where `item` raises RuntimeError."""
        if self.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def __index__(self) -> int:
        if self.kind.dtype.is_inexact or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(ops.unbind(self))

    def __reversed__(self) -> Tensor:
        return ops.flip(self, tuple(range(self.array.ndim))) if self.array.ndim else self

    def __contains__(self, element) -> bool:
        if not isinstance(element, Tensor | bool | int | float | complex):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return ops.eq(self, element).any().item()

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return printing.tensor_repr(*_printed(self), **_on_tape(self))

    def _repr_html_(self) -> str:
        return printing.tensor_html(*_printed(self), **_on_tape(self))

    def __format__(self, spec: str) -> str:
        if self.array.ndim == 0:
            return self.item().__format__(spec)
        return object.__format__(self, spec)

    def __dir__(self):
        return sorted(set(object.__dir__(self)))

    def __reduce__(self):
        return _rebuild, (
            type(self),
            ops.host(self.detach()),
            self.dtype,
            str(self.device),
            self._requires_grad,
            self.__dict__.get("name"),
        )

    def __deepcopy__(self, memo: dict) -> Tensor:
        if self._grad_fn is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
                "the moment.  If you were "
                "attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
                "see "
                "https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]
        made = self.detach().clone()
        copied = type(self).__new__(type(self)) if type(self) is Tensor else object.__new__(type(self))
        copied.array, copied.kind, copied._requires_grad = made.array, made.kind, self._requires_grad
        memo[id(self)] = copied
        if self._grad is not None:
            copied._grad = _copy.deepcopy(self._grad, memo)
        return copied

    def type(self, dtype: Any = None, non_blocking: bool = False):
        """PyTorch's name of the tensor's type, or the tensor converted to another type."""
        if dtype is None:
            return type_name(self.kind)
        from numbatorch.legacy import parse_type

        return ops.to(self, **parse_type(dtype))

    def as_subclass(self, cls: Any) -> Any:
        """A tensor of a subclass on the same memory, at the same place on the tape."""
        made: Any = object.__new__(cls)
        made.__dict__.update(ops.alias_view(self).__dict__)
        return made

    def new(self, *args: Any) -> Tensor:
        """A tensor of this dtype and device: of this shape, or of these numbers. Old: prefer `new_empty` and
        `new_tensor`."""
        if len(args) == 1 and not isinstance(args[0], int | Size):
            return ops.new_tensor(self, args[0])
        return ops.new_empty(self, *(args or (0,)))

    def resize(self, *sizes: Any) -> Tensor:
        """The same elements in another shape. Old: prefer `reshape`."""
        shape = ops.sizes(sizes)
        if Size(shape).numel() != self.array.size:
            raise RuntimeError(
                f"requested resize to {'x'.join(map(str, shape))} ({Size(shape).numel()} elements in total), but "
                f"the given tensor has a size of {'x'.join(map(str, self.array.shape))} ({self.array.size} "
                "elements). autograd's resize can only change the shape of a given tensor, while preserving the "
                "number of elements. "
            )
        return ops.reshape(self, shape)

    def resize_as(self, tensor: Tensor) -> Tensor:
        """The same elements in the shape of another tensor. Old: prefer `reshape_as`."""
        return self.resize(tensor.array.shape)

    def map_(self, other: Tensor, callable: Callable) -> Tensor:
        """Replace every element by callable(element, element of `other`). Slow: a Python call an element."""
        return _map(self, callable, "map_", {"other": other})

    def map2_(self, x: Tensor, y: Tensor, callable: Callable) -> Tensor:
        """Replace every element by callable(element, element of x, element of y). Slow: a Python call an
        element."""
        return _map(self, callable, "map2_", {"argument 'x'": x, "argument 'y'": y})

    def apply_(self, function: Callable) -> Tensor:
        """Replace every element by what `function` makes of it. Slow: a Python call an element."""
        flat = ops.host(self)
        flat[...] = np.vectorize(function, otypes=[flat.dtype])(flat)
        _inplace.changed(self)
        return self

    # --- operators

    __add__ = __radd__ = operator(ops.add)
    __sub__ = operator(ops.sub)
    __rsub__ = operator(ops.rsub)
    __mul__ = __rmul__ = operator(ops.mul)
    __truediv__ = operator(ops.div)
    __rtruediv__ = operator(_divide, arrays=True)
    __div__ = __truediv__
    __rdiv__ = __rtruediv__
    __floordiv__ = operator(ops.floor_divide)
    __rfloordiv__ = operator(reflected(ops.floor_divide))
    __mod__ = operator(ops.remainder)
    __rmod__ = operator(reflected(ops.remainder))
    __pow__ = operator(ops.pow)
    __rpow__ = operator(reflected(ops.pow))
    __and__ = __rand__ = operator(ops.bitwise_and)
    __or__ = __ror__ = operator(ops.bitwise_or)
    __xor__ = __rxor__ = operator(ops.bitwise_xor)
    __lshift__ = operator(ops.bitwise_left_shift)
    __rshift__ = operator(ops.bitwise_right_shift)

    def __matmul__(self, other: Any) -> Tensor:
        return ops.matmul(self, other) if isinstance(other, Tensor) else NotImplemented

    __neg__ = ops.neg
    __pos__ = ops.positive
    __abs__ = ops.abs

    def __invert__(self) -> Tensor:
        if self.kind.dtype.is_inexact:
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return ops.bitwise_not(self)

    __eq__ = operator(ops.eq, arrays=True)
    __ne__ = operator(ops.ne, arrays=True)
    __lt__ = operator(ops.lt, arrays=True)
    __le__ = operator(ops.le, arrays=True)
    __gt__ = operator(ops.gt, arrays=True)
    __ge__ = operator(ops.ge, arrays=True)
    __iadd__ = inplace_operator(ops.add)
    __isub__ = inplace_operator(ops.sub)
    __imul__ = inplace_operator(ops.mul)
    __itruediv__ = __idiv__ = inplace_operator(ops.div)
    __ifloordiv__ = inplace_operator(ops.floor_divide)
    __imod__ = inplace_operator(ops.remainder)
    __ipow__ = inplace_operator(ops.pow)
    __iand__ = inplace_operator(ops.bitwise_and)
    __ior__ = inplace_operator(ops.bitwise_or)
    __ixor__ = inplace_operator(ops.bitwise_xor)

    # --- elements

    add = ops.add
    sub = ops.sub
    rsub = ops.rsub
    mul = ops.mul
    div = ops.div
    floor_divide = ops.floor_divide
    remainder = ops.remainder
    fmod = ops.fmod
    pow = ops.pow
    square = ops.square
    maximum = ops.maximum
    minimum = ops.minimum
    fmax = ops.fmax
    fmin = ops.fmin
    atan2 = ops.atan2
    hypot = ops.hypot
    copysign = ops.copysign
    logaddexp = ops.logaddexp
    xlogy = ops.xlogy
    lerp = ops.lerp
    addcmul = ops.addcmul
    addcdiv = ops.addcdiv
    exp = ops.exp
    exp2 = ops.exp2
    expm1 = ops.expm1
    log = ops.log
    log2 = ops.log2
    log10 = ops.log10
    log1p = ops.log1p
    sqrt = ops.sqrt
    rsqrt = ops.rsqrt
    reciprocal = ops.reciprocal
    sin = ops.sin
    cos = ops.cos
    tan = ops.tan
    asin = ops.asin
    acos = ops.acos
    atan = ops.atan
    sinh = ops.sinh
    cosh = ops.cosh
    tanh = ops.tanh
    asinh = ops.asinh
    acosh = ops.acosh
    atanh = ops.atanh
    erf = ops.erf
    erfc = ops.erfc
    sigmoid = ops.sigmoid
    abs = ops.abs
    neg = ops.neg
    positive = ops.positive
    sign = ops.sign
    floor = ops.floor
    ceil = ops.ceil
    trunc = ops.trunc
    round = ops.round
    frac = ops.frac
    clamp = ops.clamp
    nan_to_num = ops.nan_to_num
    isnan = ops.isnan
    isinf = ops.isinf
    isfinite = ops.isfinite
    relu = ops.relu
    prelu = ops.prelu
    hardshrink = ops.hardshrink
    clamp_max = ops.clamp_max
    clamp_min = ops.clamp_min
    deg2rad = ops.deg2rad
    frexp = ops.frexp
    isneginf = ops.isneginf
    isposinf = ops.isposinf
    isreal = ops.isreal
    logit = ops.logit
    rad2deg = ops.rad2deg
    sgn = ops.sgn
    signbit = ops.signbit
    sinc = ops.sinc
    digamma = ops.digamma
    erfinv = ops.erfinv
    i0 = ops.i0
    igamma = ops.igamma
    igammac = ops.igammac
    lgamma = ops.lgamma
    mvlgamma = ops.mvlgamma
    float_power = ops.float_power
    gcd = ops.gcd
    heaviside = ops.heaviside
    lcm = ops.lcm
    ldexp = ops.ldexp
    logaddexp2 = ops.logaddexp2
    nextafter = ops.nextafter
    multiply = ops.mul
    subtract = ops.sub
    divide = ops.div
    true_divide = ops.div
    absolute = ops.abs
    negative = ops.neg
    clip = ops.clamp
    fix = ops.trunc
    arcsin = ops.asin
    arccos = ops.acos
    arctan = ops.atan
    arctan2 = ops.atan2
    arccosh = ops.acosh
    arcsinh = ops.asinh
    arctanh = ops.atanh

    def split(self, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """`torch.split(self, split_size, dim)`"""
        return ops.split(self, split_size, dim)

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """`self` where the condition holds, else `other`."""
        return ops.where(condition, self, other)

    def polygamma(self, n: int) -> Tensor:
        """`torch.polygamma(n, self)`"""
        return ops.polygamma(n, self)

    def polygamma_(self, n: int) -> Tensor:
        """`polygamma`, in place."""
        return ops.polygamma(n, self, out=self)

    # --- comparisons and logic

    eq = ops.eq
    ne = ops.ne
    lt = ops.lt
    le = ops.le
    gt = ops.gt
    ge = ops.ge
    isclose = ops.isclose
    allclose = ops.allclose
    equal = ops.equal
    logical_and = ops.logical_and
    logical_or = ops.logical_or
    logical_xor = ops.logical_xor
    logical_not = ops.logical_not
    bitwise_and = ops.bitwise_and
    bitwise_or = ops.bitwise_or
    bitwise_xor = ops.bitwise_xor
    bitwise_left_shift = ops.bitwise_left_shift
    bitwise_right_shift = ops.bitwise_right_shift
    bitwise_not = ops.bitwise_not
    masked_fill = ops.masked_fill
    greater = ops.gt
    greater_equal = ops.ge
    less = ops.lt
    less_equal = ops.le
    not_equal = ops.ne

    # --- reductions

    sum = ops.sum
    mean = ops.mean
    prod = ops.prod
    std = ops.std
    var = ops.var
    norm = ops.norm
    dist = ops.dist
    renorm = ops.renorm
    renorm_ = ops.renorm_
    logsumexp = ops.logsumexp
    any = ops.any
    all = ops.all
    count_nonzero = ops.count_nonzero
    nansum = ops.nansum
    nanmean = ops.nanmean
    amax = ops.amax
    amin = ops.amin
    max = ops.max
    min = ops.min
    argmax = ops.argmax
    argmin = ops.argmin
    aminmax = ops.aminmax
    sum_to_size = ops.sum_to_size
    softmax = ops.softmax
    log_softmax = ops.log_softmax

    # --- products

    matmul = ops.matmul
    mm = ops.mm
    bmm = ops.bmm
    mv = ops.mv
    dot = ops.dot
    outer = ops.outer
    vdot = ops.vdot
    ger = ops.ger
    inner = ops.inner
    kron = ops.kron
    _addmm_activation = ops._addmm_activation
    addmm = ops.addmm
    addmm_ = ops.addmm_
    addbmm = ops.addbmm
    addbmm_ = ops.addbmm_
    addmv = ops.addmv
    addmv_ = ops.addmv_
    addr = ops.addr
    addr_ = ops.addr_
    baddbmm = ops.baddbmm
    baddbmm_ = ops.baddbmm_
    cov = ops.cov
    stft = ops.stft
    istft = ops.istft
    corrcoef = ops.corrcoef

    # --- linear algebra

    det = ops.det
    logdet = ops.logdet
    slogdet = ops.slogdet
    inverse = ops.inverse
    pinverse = ops.pinverse
    cholesky = ops.cholesky
    cholesky_inverse = ops.cholesky_inverse
    cholesky_solve = ops.cholesky_solve
    triangular_solve = ops.triangular_solve
    lu = ops.lu
    lu_solve = ops.lu_solve
    eig = ops.eig
    lstsq = ops.lstsq
    solve = ops.solve
    symeig = ops.symeig
    qr = ops.qr
    geqrf = ops.geqrf
    orgqr = ops.orgqr
    ormqr = ops.ormqr
    svd = ops.svd
    matrix_power = ops.matrix_power
    matrix_exp = ops.matrix_exp
    trace = ops.trace
    cross = ops.cross

    # --- views

    view = ops.view
    view_as = ops.view_as
    reshape = ops.reshape
    reshape_as = ops.reshape_as
    ravel = ops.ravel
    flatten = ops.flatten
    unflatten = ops.unflatten
    permute = ops.permute
    transpose = ops.transpose
    t = ops.t
    movedim = ops.movedim
    unsqueeze = ops.unsqueeze
    squeeze = ops.squeeze
    expand = ops.expand
    expand_as = ops.expand_as
    broadcast_to = ops.broadcast_to
    as_strided = ops.as_strided
    narrow = ops.narrow
    select = ops.select
    split_with_sizes = ops.split_with_sizes
    chunk = ops.chunk
    hsplit = ops.hsplit
    vsplit = ops.vsplit
    dsplit = ops.dsplit
    unsafe_split = ops.unsafe_split
    unsafe_split_with_sizes = ops.unsafe_split_with_sizes
    unsafe_chunk = ops.unsafe_chunk
    narrow_copy = ops.narrow_copy
    select_scatter = ops.select_scatter
    slice_scatter = ops.slice_scatter
    diagonal_scatter = ops.diagonal_scatter
    as_strided_scatter = ops.as_strided_scatter
    squeeze_ = ops.squeeze_
    unsqueeze_ = ops.unsqueeze_
    transpose_ = ops.transpose_
    swapaxes_ = ops.swapaxes_
    swapdims_ = ops.swapdims_
    t_ = ops.t_
    as_strided_ = ops.as_strided_
    resize_ = ops.resize_
    resize_as_ = ops.resize_as_
    set_ = ops.set_
    storage = ops.storage
    untyped_storage = ops.untyped_storage
    tensor_split = ops.tensor_split
    unbind = ops.unbind
    diagonal = ops.diagonal
    unfold = ops.unfold
    swapaxes = ops.swapaxes
    swapdims = ops.swapdims
    moveaxis = ops.moveaxis

    # --- chosen elements

    index_select = ops.index_select
    index_add = ops.index_add
    index_add_ = ops.index_add_
    index_copy = ops.index_copy
    index_copy_ = ops.index_copy_
    index_fill = ops.index_fill
    index_fill_ = ops.index_fill_
    index_reduce = ops.index_reduce
    index_reduce_ = ops.index_reduce_
    index_put = ops.index_put
    index_put_ = ops.index_put_
    gather = ops.gather
    scatter = ops.scatter
    scatter_ = ops.scatter_
    scatter_add = ops.scatter_add
    scatter_add_ = ops.scatter_add_
    scatter_reduce = ops.scatter_reduce
    scatter_reduce_ = ops.scatter_reduce_
    put = ops.put
    put_ = ops.put_
    take = ops.take
    take_along_dim = ops.take_along_dim
    masked_select = ops.masked_select
    masked_scatter = ops.masked_scatter
    masked_scatter_ = ops.masked_scatter_
    nonzero = ops.nonzero
    nonzero_static = ops.nonzero_static
    argwhere = ops.argwhere
    tril = ops.tril
    triu = ops.triu
    diag = ops.diag
    diag_embed = ops.diag_embed
    flip = ops.flip
    fliplr = ops.fliplr
    flipud = ops.flipud
    rot90 = ops.rot90
    tril_ = ops.tril_
    triu_ = ops.triu_
    diagflat = ops.diagflat
    fill_diagonal_ = ops.fill_diagonal_
    msort = ops.msort
    roll = ops.roll
    repeat = ops.repeat
    tile = ops.tile
    repeat_interleave = ops.repeat_interleave
    sort = ops.sort
    argsort = ops.argsort
    topk = ops.topk
    kthvalue = ops.kthvalue
    median = ops.median
    nanmedian = ops.nanmedian
    mode = ops.mode
    quantile = ops.quantile
    nanquantile = ops.nanquantile
    histc = ops.histc
    histogram = ops.histogram
    bincount = ops.bincount
    diff = ops.diff
    logcumsumexp = ops.logcumsumexp
    cummax = ops.cummax
    cummin = ops.cummin
    unique = ops.unique
    unique_consecutive = ops.unique_consecutive
    cumsum = ops.cumsum
    cumsum_ = ops.cumsum_
    cumprod_ = ops.cumprod_
    cumprod = ops.cumprod
    conj = ops.conj
    conj_physical = ops.conj_physical
    conj_physical_ = ops.conj_physical_
    resolve_conj = ops.resolve_conj
    resolve_neg = ops.resolve_neg
    is_conj = ops.is_conj
    is_neg = ops.is_neg
    angle = ops.angle
    adjoint = ops.adjoint

    # --- copies and conversions

    clone = ops.clone
    clone_contiguous = ops.clone_contiguous
    contiguous = ops.contiguous
    copy_ = ops.copy_
    fill_ = ops.fill_
    zero_ = ops.zero_
    to = ops.to
    cpu = ops.cpu
    cuda = ops.cuda
    type_as = ops.type_as
    double = ops.double
    half = ops.half
    bfloat16 = ops.bfloat16
    long = ops.long
    short = ops.short
    char = ops.char
    byte = ops.byte
    cfloat = ops.cfloat
    cdouble = ops.cdouble
    float = ops.float_
    int = ops.int_
    bool = ops.bool_

    # --- creation

    new_empty = ops.new_empty
    new_empty_strided = ops.new_empty_strided
    new_zeros = ops.new_zeros
    new_ones = ops.new_ones
    new_full = ops.new_full
    new_tensor = ops.new_tensor

    # --- random numbers

    uniform_ = ops.uniform_
    normal_ = ops.normal_
    random_ = ops.random_
    bernoulli_ = ops.bernoulli_
    exponential_ = ops.exponential_
    cauchy_ = ops.cauchy_
    geometric_ = ops.geometric_
    log_normal_ = ops.log_normal_
    bernoulli = ops.bernoulli
    multinomial = ops.multinomial

    # --- in place

    add_ = inplace(ops.add)
    sub_ = inplace(ops.sub)
    mul_ = inplace(ops.mul)
    div_ = inplace(ops.div)
    floor_divide_ = inplace(ops.floor_divide)
    remainder_ = inplace(ops.remainder)
    fmod_ = inplace(ops.fmod)
    pow_ = inplace(ops.pow)
    square_ = inplace(ops.square)
    lerp_ = inplace(ops.lerp)
    addcmul_ = inplace(ops.addcmul)
    addcdiv_ = inplace(ops.addcdiv)
    exp_ = inplace(ops.exp)
    exp2_ = inplace(ops.exp2)
    expm1_ = inplace(ops.expm1)
    log_ = inplace(ops.log)
    log2_ = inplace(ops.log2)
    log10_ = inplace(ops.log10)
    log1p_ = inplace(ops.log1p)
    sqrt_ = inplace(ops.sqrt)
    rsqrt_ = inplace(ops.rsqrt)
    reciprocal_ = inplace(ops.reciprocal)
    sin_ = inplace(ops.sin)
    cos_ = inplace(ops.cos)
    tan_ = inplace(ops.tan)
    asin_ = inplace(ops.asin)
    acos_ = inplace(ops.acos)
    atan_ = inplace(ops.atan)
    sinh_ = inplace(ops.sinh)
    cosh_ = inplace(ops.cosh)
    tanh_ = inplace(ops.tanh)
    asinh_ = inplace(ops.asinh)
    acosh_ = inplace(ops.acosh)
    atanh_ = inplace(ops.atanh)
    erf_ = inplace(ops.erf)
    erfc_ = inplace(ops.erfc)
    sigmoid_ = inplace(ops.sigmoid)
    abs_ = ops.abs_
    neg_ = inplace(ops.neg)
    sign_ = inplace(ops.sign)
    floor_ = inplace(ops.floor)
    ceil_ = inplace(ops.ceil)
    trunc_ = inplace(ops.trunc)
    round_ = inplace(ops.round)
    frac_ = inplace(ops.frac)
    clamp_ = inplace(ops.clamp)
    nan_to_num_ = inplace(ops.nan_to_num)
    relu_ = inplace(ops.relu)
    eq_ = inplace(ops.eq)
    ne_ = inplace(ops.ne)
    lt_ = inplace(ops.lt)
    le_ = inplace(ops.le)
    gt_ = inplace(ops.gt)
    ge_ = inplace(ops.ge)
    logical_and_ = inplace(ops.logical_and)
    logical_or_ = inplace(ops.logical_or)
    logical_xor_ = inplace(ops.logical_xor)
    logical_not_ = inplace(ops.logical_not)
    bitwise_and_ = inplace(ops.bitwise_and)
    bitwise_or_ = inplace(ops.bitwise_or)
    bitwise_xor_ = inplace(ops.bitwise_xor)
    bitwise_not_ = inplace(ops.bitwise_not)
    masked_fill_ = inplace(ops.masked_fill)
    atan2_ = inplace(ops.atan2)
    copysign_ = inplace(ops.copysign)
    hypot_ = inplace(ops.hypot)
    xlogy_ = inplace(ops.xlogy)
    clamp_max_ = inplace(ops.clamp_max)
    clamp_min_ = inplace(ops.clamp_min)
    deg2rad_ = inplace(ops.deg2rad)
    rad2deg_ = inplace(ops.rad2deg)
    logit_ = inplace(ops.logit)
    sgn_ = inplace(ops.sgn)
    sinc_ = inplace(ops.sinc)
    float_power_ = inplace(ops.float_power)
    gcd_ = inplace(ops.gcd)
    heaviside_ = inplace(ops.heaviside)
    lcm_ = inplace(ops.lcm)
    ldexp_ = inplace(ops.ldexp)
    nextafter_ = inplace(ops.nextafter)
    bitwise_left_shift_ = inplace(ops.bitwise_left_shift)
    bitwise_right_shift_ = inplace(ops.bitwise_right_shift)
    digamma_ = inplace(ops.digamma)
    erfinv_ = inplace(ops.erfinv)
    i0_ = inplace(ops.i0)
    igamma_ = inplace(ops.igamma)
    igammac_ = inplace(ops.igammac)
    lgamma_ = inplace(ops.lgamma)
    mvlgamma_ = ops.mvlgamma_
    absolute_ = abs_
    arccos_ = acos_
    arccosh_ = acosh_
    arcsin_ = asin_
    arcsinh_ = asinh_
    arctan_ = atan_
    arctan2_ = atan2_
    arctanh_ = atanh_
    clip_ = clamp_
    divide_ = div_
    fix_ = trunc_
    greater_ = gt_
    greater_equal_ = ge_
    less_ = lt_
    less_equal_ = le_
    multiply_ = mul_
    negative_ = neg_
    not_equal_ = ne_
    subtract_ = sub_
    true_divide_ = div_

    __getitem__ = ops.getitem
    __setitem__ = ops.setitem


def _map(self: Tensor, function: Callable, name: str, others: dict[str, Tensor]) -> Tensor:
    """`apply_` to the elements of several tensors."""
    for which, other in others.items():
        if not isinstance(other, TensorBase):
            word, place = ("other", 1) if name == "map_" else (which[-2], 1 + (which[-2] == "y"))
            raise TypeError(arguments.words(name, word, place, other))
    if any([t._requires_grad for t in (self, *others.values())]):
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
        )
    for which, other in others.items():
        if type_name(other.kind) != type_name(self.kind):
            raise TypeError(
                f"{name}: expected {type_name(self.kind)} for {which if name == 'map2_' else repr(which)} "
                f"(got {type_name(other.kind)})"
            )
    operands = [ops.numbers(self), *[ops.numbers(ops.expand(t, self.array.shape)) for t in others.values()]]
    mapped = np.vectorize(function, otypes=[operands[0].dtype])(*operands)
    return ops.copy_(self, ops.from_numbers(np.ascontiguousarray(mapped), self.kind.dtype))


def _weak(tensor: Tensor) -> Callable[[], Tensor | None]:
    import weakref

    return weakref.ref(tensor)


def _data(tensor: Tensor) -> Tensor:
    """The same memory with a version counter of its own."""
    result = base.wrap(tensor.array, tensor.kind)
    result._storage = base.Storage(tensor.memory.array)
    return result


def _set_data(tensor: Tensor, value: Tensor) -> None:
    if not isinstance(value, TensorBase):
        raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
    tensor.array, tensor.kind = value.array, value.kind
    tensor._storage = value.memory


class _Printable:
    """A tensor as `printing` reads it: its shape, and NumPy numbers for the parts that are shown."""

    def __init__(self, tensor: Tensor):
        self.tensor, self.shape = tensor, tensor.array.shape

    def __getitem__(self, index) -> np.ndarray:
        index = index if isinstance(index, tuple) else (index,)
        part = self.tensor.detach().array[(*index, ...)]
        return ops.numbers(base.wrap(part, base.kind_of(part, self.tensor.kind)))


def _printed(tensor: Tensor) -> tuple:
    kind = tensor.kind
    array = tensor.array if kind.cpu and kind.dtype is not dt.bfloat16 else _Printable(tensor)
    return array, kind.dtype, kind.device


def _on_tape(tensor: Tensor) -> dict:
    fn = tensor.grad_fn
    return {
        "requires_grad": tensor._requires_grad and fn is None,
        "grad_fn_name": None if fn is None else fn.name(),
    }


def _rebuild(cls, array: np.ndarray, dtype, device: str, requires_grad: bool, name) -> Tensor:
    made = ops.move(base.wrap(array, base.kind_of(array, Kind.of(dtype))), ops.resolve(device))
    tensor = object.__new__(cls)
    tensor.array, tensor.kind, tensor._requires_grad = made.array, made.kind, requires_grad
    return tensor
