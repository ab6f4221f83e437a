"""`Module`: a function with parameters, made of other modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from numbatorch.autograd import no_grad
from numbatorch.autograd.node import Handle
from numbatorch.dtype import DType, bfloat16, float16, float32, float64
from numbatorch.nn import hooks, state, where
from numbatorch.nn.parameter import Buffer, Parameter
from numbatorch.ops import empty_like
from numbatorch.tensor import Tensor


class Module:
    """Base class of all layers and models.

    Write `__init__`, which sets sub-modules and parameters as attributes (after `super().__init__()`), and
    `forward`, which computes. Call the module itself, not `forward`: then its hooks run too.

    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc1 = nn.Linear(64, 32)
    ...         self.fc2 = nn.Linear(32, 10)
    ...
    ...     def forward(self, x):
    ...         return self.fc2(self.fc1(x).relu())
    >>> Net()(torch.randn(5, 64)).shape
    torch.Size([5, 10])
    """

    training: bool
    call_super_init: bool = False
    _version: int = 1

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers_set=set(),
            _forward_pre_hooks=OrderedDict(),
            _forward_pre_hooks_with_kwargs=OrderedDict(),
            _forward_hooks=OrderedDict(),
            _forward_hooks_with_kwargs=OrderedDict(),
            _forward_hooks_always_called=OrderedDict(),
            _backward_pre_hooks=OrderedDict(),
            _backward_hooks=OrderedDict(),
            _state_dict_pre_hooks=OrderedDict(),
            _state_dict_hooks=OrderedDict(),
            _load_state_dict_pre_hooks=OrderedDict(),
            _load_state_dict_post_hooks=OrderedDict(),
        )
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """For what pickle and `torch.load` make: the attributes, and those that older files lack."""
        Module.__init__(self)
        self.__dict__.update(state)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every module overrides it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if (
                self._forward_hooks
                or self._forward_pre_hooks
                or self._backward_hooks
                or self._backward_pre_hooks
            ):
                return hooks.call(self, args, kwargs)
            return self.forward(*args, **kwargs)
        except where.NOTED as error:
            where.note(error, self, args)
            raise
        except AttributeError as error:
            mistake = where.no_tensor(error)
            if mistake is None:
                raise
            where.note(mistake, self, args)
            raise mistake from None

    # ---- attributes: parameters, buffers and sub-modules live in tables of their own ----

    def __getattr__(self, name: str) -> Any:
        tables = self.__dict__
        if "_parameters" in tables:  # not so before Module.__init__() and while a copy is being made
            if name in (table := tables["_parameters"]):
                return table[name]
            if name in (table := tables["_modules"]):
                return table[name]
            if name in (table := tables["_buffers"]):
                return table[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        tables = self.__dict__
        ready = "_parameters" in tables
        if isinstance(value, Parameter):
            if not ready:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._claim(name, self._parameters)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if not ready:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._claim(name, self._modules)
            self._modules[name] = value
        elif ready and name in self._parameters:
            self._only_none(value, f"as parameter '{name}' (torch.nn.Parameter or None expected)")
            self._parameters[name] = None
        elif ready and name in self._modules:
            self._only_none(value, f"as child module '{name}' (torch.nn.Module or None expected)")
            self._modules[name] = None
        elif isinstance(value, Buffer):
            self._claim(name, self._buffers)
            self.register_buffer(name, value, value.persistent)
        elif ready and name in self._buffers:
            if not isinstance(value, Tensor):
                self._only_none(value, f"as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            self._buffers[name] = value
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._modules, *self._buffers}
        # The "0" of a Sequential is no attribute name.
        return sorted(name for name in names if not name[0].isdigit())

    def _claim(self, name: str, owner: dict) -> None:
        """Take `name` out of every table but `owner`, where the entry keeps its place in the order."""
        for table in (self.__dict__, self._parameters, self._buffers, self._modules):
            if table is not owner:
                table.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def _only_none(self, value: Any, role: str) -> None:
        if value is not None:
            raise TypeError(f"cannot assign '{_typename(value)}' {role}")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under `name`; the same as setting the attribute, except that None keeps the name
        for later.
        """
        self._check_name("parameter", name, self.__dict__.get("_parameters"))
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_typename(param)}' object to parameter '{name}' (torch.nn.Parameter or "
                "None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                "forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module but is not trained; unless `persistent`, the state dict
        leaves it out.
        """
        self._check_name("buffer", name, self.__dict__.get("_buffers"))
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' (torch Tensor or None "
                "required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a sub-module under `name`; the same as setting the attribute, except that None keeps the name
        for later.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        self._check_name("module", name, self.__dict__.get("_modules"))
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """Another name of `add_module`."""
        self.add_module(name, module)

    def _check_name(self, role: str, name: str, table: dict | None) -> None:
        if table is None:
            raise AttributeError(f"cannot assign {role} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{role} name should be a string. Got {_typename(name)}")
        if "." in name:
            raise KeyError(f'{role} name can\'t contain "."' + (f", got: {name}" if role == "module" else ""))
        if name == "":
            raise KeyError(f'{role} name can\'t be empty string ""')
        if hasattr(self, name) and name not in table:
            raise KeyError(f"attribute '{name}' already exists")

    # ---- walking: what is in here ----

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """The module itself and all modules below it with their dotted names, each once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(
                    memo, f"{prefix}.{name}" if prefix else name, remove_duplicate
                )

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """The module itself and all modules below it."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules right below this one, with their names."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules right below this one."""
        for _, module in self.named_children():
            yield module

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters here and, with `recurse`, in all modules below, with their dotted names."""
        return self._named_members(lambda module: module._parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of the module and, with `recurse`, of all modules below it.

        This is what an optimizer takes.
        """
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers of the module and, with `recurse`, of all modules below it, with their dotted names."""
        return self._named_members(lambda module: module._buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of the module and, with `recurse`, of all modules below it."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named_members(
        self, table: Callable[[Module], dict], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        modules: Iterable[tuple[str, Module]] = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        seen = set()
        for path, module in modules:
            for name, member in table(module).items():
                if member is not None and member not in seen:
                    if remove_duplicate:
                        seen.add(member)
                    yield (f"{path}.{name}" if path else name), member

    def get_submodule(self, target: str) -> Module:
        """The module at the dotted path `target`; "" is the module itself."""
        module = self
        for name in target.split(".") if target else ():
            module = _member(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put `module` at the dotted path `target`; with `strict`, only where there is a module already."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if (strict or hasattr(parent, name)) and not isinstance(_member(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path `target`."""
        path, _, name = target.rpartition(".")
        parameter = _member(self.get_submodule(path), name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the dotted path `target`."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = _member(module, name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn` with every module below this one, then with the module itself: the way to initialise a
        model.
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ---- modes and gradients ----

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and below; it changes what Dropout and BatchNorm do."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode: the same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters here and below get gradients: the way to freeze a part of a model."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                parameter.grad = parameter.grad.detach()
                parameter.grad.zero_()

    # ---- moving and converting: parameters keep their identity, so an optimizer made before stays valid ----

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace every parameter's data and gradient, and every buffer, by `fn` of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is not None:
                    grad = parameter.grad
                    parameter.data = fn(parameter.data)
                    if grad is not None:
                        grad.data = fn(grad.data)
                        parameter.grad = grad
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move and convert all parameters and buffers in place.

        `to(device)`, `to(dtype)`, `to(device, dtype, non_blocking=False)`, `to(tensor)`, each also by
        keyword. A dtype changes floating point and complex tensors only; integer buffers stay as they are.
        """
        tensor = kwargs.pop("tensor", args[0] if args and isinstance(args[0], Tensor) else None)
        if tensor is not None:
            args = (tensor.device, tensor.dtype)
        dtype = kwargs.pop("dtype", next((arg for arg in args if isinstance(arg, DType)), None))
        if dtype is not None and not (dtype.is_inexact):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        args = tuple(arg for arg in args if not isinstance(arg, DType))

        def convert(tensor: Tensor) -> Tensor:
            floating = tensor.is_floating_point() or tensor.is_complex()
            return tensor.to(*args, dtype=dtype if floating else None, **kwargs)

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to `device` without copying any value."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse=recurse)

    def cpu(self) -> Self:
        """Move all parameters and buffers to the CPU."""
        return self._apply(lambda tensor: tensor.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Move all parameters and buffers to a GPU, by default the current one."""
        return self._apply(lambda tensor: tensor.cuda(device))

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers, integer ones too, to a dtype."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def float(self) -> Self:
        """Convert floating point parameters and buffers to float32."""
        return self._convert_floating(float32)

    def double(self) -> Self:
        """Convert floating point parameters and buffers to float64."""
        return self._convert_floating(float64)

    def half(self) -> Self:
        """Convert floating point parameters and buffers to float16."""
        return self._convert_floating(float16)

    def bfloat16(self) -> Self:
        """Convert floating point parameters and buffers to bfloat16."""
        return self._convert_floating(bfloat16)

    def _convert_floating(self, dtype: DType) -> Self:
        return self._apply(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)

    def share_memory(self) -> Self:
        """Move all parameters and buffers to memory that other processes can share."""
        return self._apply(lambda tensor: tensor.share_memory_())

    # ---- hooks ----

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call `hook(module, args)` before every `forward`; what it returns, unless None, replaces the
        arguments.

        With `with_kwargs` the call is `hook(module, args, kwargs)`, and the hook returns None or `(args,
        kwargs)`.
        """
        marks = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return hooks.register(self._forward_pre_hooks, hook, *marks, prepend=prepend)

    def register_forward_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> Handle:
        """Call `hook(module, args, output)` after every `forward`; what it returns, unless None, replaces the
        output.

        With `with_kwargs` the call is `hook(module, args, kwargs, output)`; with `always_call` the hook is
        also called, with None for the output, when `forward` or an earlier hook raises.
        """
        marks = [self._forward_hooks_with_kwargs] if with_kwargs else []
        marks += [self._forward_hooks_always_called] if always_call else []
        return hooks.register(self._forward_hooks, hook, *marks, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Callable, prepend: bool = False) -> Handle:
        """Call `hook(module, grad_output)` before the backward pass of the module; what it returns replaces
        `grad_output`.
        """
        return hooks.register(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the module's inputs are known.

        What it returns, unless None, replaces `grad_input`. Both are tuples with None where an input or
        output is no tensor or needs no gradient.
        """
        return hooks.register(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Callable) -> Handle:
        """The older name of `register_full_backward_hook`, kept for programs that use it."""
        return self.register_full_backward_hook(hook)

    # ---- state dicts: see state.py ----

    state_dict = state.state_dict
    load_state_dict = state.load_state_dict
    _save_to_state_dict = state._save_to_state_dict
    _load_from_state_dict = state._load_from_state_dict
    get_extra_state = state.get_extra_state
    set_extra_state = state.set_extra_state
    register_state_dict_pre_hook = state.register_state_dict_pre_hook
    register_state_dict_post_hook = state.register_state_dict_post_hook
    register_load_state_dict_pre_hook = state.register_load_state_dict_pre_hook
    register_load_state_dict_post_hook = state.register_load_state_dict_post_hook
    _register_load_state_dict_pre_hook = state._register_load_state_dict_pre_hook

    # ---- printing ----

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed; a module of one's own may override
        it.
        """
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        lines = [f"({name}): " + indented(repr(module)) for name, module in self._modules.items()]
        if not lines and len(extra_lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(extra_lines + lines) + "\n)"


def indented(text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *("  " + line if line else line for line in rest)])


def _member(module: Module, name: str) -> Any:
    if not hasattr(module, name):
        raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
    return getattr(module, name)


def _typename(obj: Any) -> str:
    """What PyTorch calls the type of `obj` in its complaints: "int", "torch.FloatTensor",
    "collections.OrderedDict".
    """
    if isinstance(obj, Tensor):
        return obj.type()
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    return (
        named.__qualname__ if named.__module__ == "builtins" else f"{named.__module__}.{named.__qualname__}"
    )
