"""`Parameter` and `Buffer`: tensors that a module notices when they become its attributes; and those of modules
that do not know their shapes yet."""

from __future__ import annotations

from typing import Any

from numbatorch.ops import empty
from numbatorch.shape import Size
from numbatorch.tensor import Tensor


class Parameter(Tensor):
    """A tensor to be trained: as an attribute of a module it is found by `Module.parameters()`.

    It shares memory with `data` and requires a gradient, whatever the gradient mode, unless
    `requires_grad=False`.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        parameter = _on_memory_of(empty(0) if data is None else data, cls)
        if requires_grad and not (parameter.is_floating_point() or parameter.is_complex()):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        parameter._requires_grad = requires_grad
        return parameter

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            # Without the gradient, as in PyTorch.
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that belongs to a module but is not trained: assigning it does what `Module.register_buffer`
    does.
    """

    persistent: bool = True

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        buffer = _on_memory_of(empty(0) if data is None else data, cls)
        buffer.persistent = persistent
        return buffer


class UninitializedTensorMixin:
    """A tensor without a shape yet: of its device and dtype alone. `materialize` makes it a plain one."""

    cls_to_become: type = Tensor
    _data: Tensor

    @property
    def data(self) -> Tensor:
        """An empty tensor of the device and dtype; what is assigned changes these."""
        return self._data

    @data.setter
    def data(self, value: Tensor) -> None:
        self._data = value

    dtype = property(lambda self: self._data.dtype)
    device = property(lambda self: self._data.device)
    is_cuda = property(lambda self: self._data.is_cuda)

    def materialize(self, shape: tuple[int, ...], device: Any = None, dtype: Any = None) -> None:
        """Become a tensor of this shape, not initialised, by default with the device and dtype that this one
        has."""
        own: Any = self
        data = empty(shape, device=device or self._data.device, dtype=dtype or self._data.dtype)
        own.__class__ = self.cls_to_become
        own.array, own.kind, own._storage = data.array, data.kind, data.memory

    @property
    def shape(self) -> Size:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call "
            "`forward` to initialize the parameters before accessing their attributes."
        )

    @property
    def array(self) -> Any:
        raise ValueError(
            f"Attempted to use an uninitialized parameter. This error happens when you are using a `LazyModule` or "
            f"explicitly manipulating `torch.nn.parameter.{type(self).__name__}` objects. When using LazyModules "
            "Call `forward` with a dummy batch to initialize the parameters before calling torch functions"
        )

    def share_memory_(self) -> None:
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the "
            "parameters before calling `module.share_memory()`."
        )

    def is_floating_point(self) -> bool:
        return self._data.is_floating_point()

    def is_complex(self) -> bool:
        return self._data.is_complex()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            own: Any = self
            memo[id(self)] = type(own)(own.requires_grad, self._data.device, self._data.dtype)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple:
        own: Any = self
        return type(own), (own.requires_grad,)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape is not known yet; a lazy module has some until it is first called."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        made: Any = object.__new__(cls)
        made._data, made._requires_grad = empty(0, device=device, dtype=dtype), requires_grad
        return made


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer whose shape is not known yet."""

    persistent: bool = True

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        made: Any = object.__new__(cls)
        made._data, made._requires_grad = empty(0, device=device, dtype=dtype), requires_grad
        made.persistent = persistent
        return made


def is_lazy(param: Any) -> bool:
    """Whether this is a parameter or buffer without a shape yet."""
    return isinstance(param, UninitializedTensorMixin)


def _on_memory_of(data: Tensor, cls: type) -> Any:
    """A tensor of class `cls` on the memory of `data`, off the tape; changes in place count for both."""
    made: Any = object.__new__(cls)
    made.array, made.kind, made._storage = data.array, data.kind, data.memory
    return made
