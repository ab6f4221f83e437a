"""`checkpoint`: memory for time. What a part of the network saves for its backward pass is not kept but
computed again when the backward pass needs it.

After Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016. The form that is not
reentrant is made of hooks on saved tensors: packing a tensor keeps only its number, and unpacking the first
one runs the function again, under hooks that keep what is saved now.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from numbatorch import random
from numbatorch.autograd import Function, backward, enable_grad, is_grad_enabled
from numbatorch.autograd.graph import saved_tensors_hooks
from numbatorch.autograd.mode import state
from numbatorch.autograd.node import Node
from numbatorch.tensor import Tensor

_USE_REENTRANT = (
    "the use_reentrant parameter should be passed explicitly. {} use_reentrant=False is recommended, but if "
    "you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for "
    "more details on the differences between the two variants."
)


class CheckpointError(RuntimeError):
    """The function did not compute the second time what it had computed the first time."""


def noop_context_fn() -> tuple[AbstractContextManager, AbstractContextManager]:
    """Two contexts that do nothing."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable,
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[AbstractContextManager, AbstractContextManager]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, which keeps nothing for the backward pass but its arguments: the backward
    pass calls `function` again.

    use_reentrant       False: gradients for everything that `function` uses, `torch.autograd.grad`, keyword
                        arguments and nesting all work. True: a `Function` whose backward calls `backward()`;
                        at least one argument must require grad
    context_fn          makes two contexts: one around the first call, one around the second
    determinism_check   "default": shape, dtype and device of what is computed again are compared; "none"
    early_stop          end the second call when all that is needed has been computed
    preserve_rng_state  the second call sees the random numbers of the first

    Raises CheckpointError in the backward pass where the second call saves other tensors.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> torch.utils.checkpoint.checkpoint(lambda t: t.exp().sin().sum(), x, use_reentrant=False).backward()
    >>> x.grad
    tensor([-2.4783,  3.3129])
    """
    if use_reentrant is None:
        version = "Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception."
        warnings.warn("torch.utils.checkpoint: " + _USE_REENTRANT.format(version), stacklevel=2)
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
        )
    forward_context, recompute_context = context_fn()
    if not is_grad_enabled():
        return function(*args, **kwargs)
    stop = early_stop if _early_stop is None else _early_stop
    generators = random.states() if preserve_rng_state else []
    region = _Region(
        lambda *inputs: function(*inputs, **kwargs),
        args,
        generators,
        recompute_context,
        stop,
        determinism_check,
    )
    with saved_tensors_hooks(region.pack, region.unpack), forward_context:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Sequence[Callable],
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """The functions (or the modules of a Sequential) one after the other, in `segments` parts, all but the
    last of them under `checkpoint`.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> torch.utils.checkpoint.checkpoint_sequential([torch.exp, torch.sin], 2, x, use_reentrant=False)
    tensor([0.4108], grad_fn=<SinBackward0>)
    """
    if use_reentrant is None:
        version = "In version 2.9 we will raise an exception if use_reentrant is not passed."
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: " + _USE_REENTRANT.format(version), stacklevel=2
        )
        use_reentrant = True
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions)

    def part(first: int, end: int) -> Callable:
        def run(value: Any) -> Any:
            for step in steps[first:end]:
                value = step(value)
            return value

        return run

    size = len(steps) // segments
    start = 0
    for start in range(size, size * segments, size):
        input = checkpoint(
            part(start - size, start),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve_rng_state,
        )
    return part(start, len(steps))(input)


# --- without reentrance

_early_stop: bool | None = None


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Inside, `early_stop` of every `checkpoint` is this."""
    global _early_stop
    previous, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = previous


class _StopRecomputation(Exception):
    """All that is needed has been computed again."""


class _Holder:
    """Stands for a saved tensor: its place, and its value as soon as that has been computed again."""

    __slots__ = ("__weakref__", "form", "value")

    def __init__(self, form: dict):
        self.form = form
        self.value: Tensor | None = None


class CheckpointInputs(Node):
    """Keeps the arguments of a checkpointed call: through the hooks of the checkpoint around it, if any."""


class _Region:
    """One call under `checkpoint`: how to do it again, and what it saved."""

    def __init__(
        self,
        function: Callable,
        args: tuple,
        generators: list,
        context: AbstractContextManager,
        early_stop: bool,
        determinism_check: str,
    ):
        self.function, self.generators, self.context = function, generators, context
        self.early_stop, self.checks = early_stop, determinism_check == "default"
        self.inputs = CheckpointInputs()
        self.inputs.save(*args)
        self.holders: list[weakref.ref[_Holder]] = []
        self.saved_again = 0

    def pack(self, tensor: Tensor) -> _Holder:
        """The first time: remember only that there was a tensor, and its form."""
        holder = _Holder(_form(tensor))
        self.holders.append(weakref.ref(holder))
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        """In the backward pass: compute everything again where this value is not there any more."""
        if holder.value is None:
            self.recompute()
        value, holder.value = holder.value, None
        if value is None:
            raise CheckpointError(
                "torch.utils.checkpoint: the recomputation did not reach a tensor that was saved during the "
                "original forward."
            )
        return value

    def recompute(self) -> None:
        """Call the function again, and give the holders that are still wanted their values."""
        self.saved_again = 0
        self.differing: list[str] = []
        present = random.states() if self.generators else []
        try:
            random.restore(self.generators)
            with saved_tensors_hooks(self.pack_again, lambda tensor: tensor), enable_grad(), self.context:
                self.function(*self.inputs.unpack())
        except _StopRecomputation:
            pass
        finally:
            random.restore(present)
        if self.saved_again != len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward "
                f"and recomputation.\nNumber of tensors saved during forward: {len(self.holders)}\nNumber of "
                f"tensors saved during recomputation: {self.saved_again}."
            )
        if self.differing:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata "
                "than during the forward pass.\n" + "\n".join(self.differing)
            )

    def pack_again(self, tensor: Tensor) -> Tensor:
        """The second time: keep the tensor, if its holder is still there."""
        position = self.saved_again
        if position >= len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: trying to save more tensors during recomputation than during the "
                "original forward pass."
            )
        self.saved_again += 1
        holder = self.holders[position]()
        if holder is not None:
            form = _form(tensor)
            if self.checks and form != holder.form:
                self.differing.append(
                    f"tensor at position {position}:\nsaved metadata: {holder.form}\nrecomputed metadata: "
                    f"{form}"
                )
            holder.value = tensor
        if self.early_stop and self.saved_again == len(self.holders):
            raise _StopRecomputation
        return tensor


def _form(tensor: Tensor) -> dict[str, Any]:
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


# --- with reentrance


class CheckpointFunction(Function):
    """`checkpoint(use_reentrant=True)`: a backward pass within the backward pass."""

    @staticmethod
    def forward(ctx, function, preserve_rng_state, *args):
        if not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        ctx.function_again = function
        ctx.generators = random.states() if preserve_rng_state else []
        ctx.others = [None if isinstance(a, Tensor) else a for a in args]
        ctx.places = [k for k, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.save_for_backward(*[args[k] for k in ctx.places])
        return function(*args)

    @staticmethod
    def backward(ctx, *grads):
        if state.running.useful is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an "
                "`inputs` parameter to .backward(). To resolve this error, you can either set "
                "use_reentrant=False, or call .backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors):
            inputs[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        present = random.states() if ctx.generators else []
        try:
            random.restore(ctx.generators)
            with enable_grad():
                outputs = ctx.function_again(*inputs)
        finally:
            random.restore(present)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [(o, g) for o, g in zip(outputs, grads) if isinstance(o, Tensor) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([o for o, _ in pairs], [g for _, g in pairs])
        return None, None, *[x.grad if isinstance(x, Tensor) else None for x in inputs]
