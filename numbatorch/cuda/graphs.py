"""Graphs: a training step, noted once and then replayed with one call, without any Python in between.

    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):  # after some steps outside, so that every kernel is compiled
        loss = step(inputs, targets)
    inputs.copy_(...), targets.copy_(...)
    graph.replay()  # on the same memory: `loss` has the new value

In a capture nothing is computed, so nothing can be looked at (`item`, `print`, shapes that depend on values). Random numbers
are drawn by the replays: each goes on where the generator is then, as the same calls outside of a graph would.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any

from numbatorch import pytree
from numbatorch.autograd import Function, grad
from numbatorch.cuda import memory
from numbatorch.cuda.devices import current_device, driver_for, synchronize
from numbatorch.cuda.streams import Stream, current_stream, default_stream
from numbatorch.cuda.streams import stream as using
from numbatorch.ops import empty_like
from numbatorch.tensor import Tensor
from numbatorch_kernels.cuda import graph as kernels

_captures = 0  # under way in this process: most programs never load what answers more precisely


def is_current_stream_capturing() -> bool:
    """Whether what the current stream is given is noted for a graph."""
    return _captures > 0 and current_stream().kernels.capture is not None


class _Handle:
    """Stands for memory that graphs share."""

    def __init__(self) -> None:
        self.pool: Any = None


def graph_pool_handle() -> Any:
    """What stands for memory that several graphs share; they must be replayed one after the other."""
    return _Handle()


class CUDAGraph:
    """A sequence of work on the device, noted by `with cuda.graph(self):`, done by `replay()`."""

    def __init__(self, keep_graph: bool = False):
        driver_for(current_device())
        self.kernels: Any = None
        self.handle: Any = None
        self._stream: Any = None

    def capture_begin(self, pool: Any = None, capture_error_mode: str = "global") -> None:
        """From now on the current stream, which must not be the default one, notes what it is given."""
        global _captures
        stream = current_stream()
        if stream == default_stream(stream.device):
            raise RuntimeError(
                "CUDA graphs must be captured on a non-default stream. (However, after capture, it's ok to replay them on "
                "the default stream.)"
            )
        self.reset()
        self.handle = _Handle() if pool is None else pool
        self._stream, made = stream.kernels, kernels.Graph(stream.device_index)
        made.begin(self._stream, self.handle.pool)
        self.kernels, self.handle.pool = made, made.pools[0]
        _captures += 1

    def capture_end(self) -> None:
        """The end of it."""
        self._end(self.kernels.end)

    def _abandon(self) -> None:
        """The end after an error."""
        self._end(self.kernels.abandon)
        self.kernels = None

    def _end(self, end: Callable) -> None:
        global _captures
        _captures -= 1
        end(self._stream)

    def replay(self) -> None:
        """Do the work again, on the memory that it was noted with, in the current stream."""
        if self.kernels is None or self.kernels.ready is None:
            raise RuntimeError("Called CUDAGraph::replay without a preceding successful capture.")
        self.kernels.replay(current_stream(self.kernels.device).kernels)

    def reset(self) -> None:
        """Give the graph up, and the memory that no tensor uses."""
        if self.kernels is not None:
            self.kernels.reset()
            self.kernels = None

    def pool(self) -> Any:
        """What stands for the graph's memory, for another graph to share."""
        return self.handle


class graph:
    """Within `with cuda.graph(g):`, what the device is given is noted in `g` and not done.

    `stream` is where it is noted, else one of its own; `pool` is the memory of another graph to share.
    """

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: Any = None,
        stream: Stream | None = None,
        capture_error_mode: str = "global",
    ):
        self.cuda_graph, self.memory_pool = cuda_graph, pool
        self.capture_stream = Stream() if stream is None else stream
        self.stream_ctx = using(self.capture_stream)
        self.capture_error_mode = capture_error_mode

    def __enter__(self) -> None:
        synchronize()
        gc.collect()
        memory.empty_cache()
        self.stream_ctx.__enter__()
        self.cuda_graph.capture_begin(self.memory_pool, self.capture_error_mode)

    def __exit__(self, error: Any, *more: Any) -> None:
        try:
            if error is None:
                self.cuda_graph.capture_end()
            else:
                self.cuda_graph._abandon()
        finally:
            self.stream_ctx.__exit__(error, *more)


def make_graphed_callables(
    callables: Any,
    sample_args: Any,
    num_warmup_iters: int = 3,
    allow_unused_input: bool = False,
    pool: Any = None,
) -> Any:
    """Functions or modules whose forward and backward passes are replayed graphs, for arguments of the shapes of
    `sample_args`: a tuple of tensors, or one such tuple for each of several callables.

    A module's `forward` is replaced; it computes as before in the other of its modes, training or evaluation.
    """
    alone = not isinstance(callables, tuple)
    several = ((callables,), (sample_args,)) if alone else (callables, sample_args)
    passes = [_Pass(function, args) for function, args in zip(*several)]
    synchronize()
    with using(Stream()):
        for each in passes:
            for _ in range(num_warmup_iters):
                each.warm_up(allow_unused_input)
    synchronize()
    pool = graph_pool_handle() if pool is None else pool
    for each in passes:  # in the order in which they will run
        each.capture_forward(pool)
    for each in reversed(passes):
        each.capture_backward(pool, allow_unused_input)
    graphed = tuple([each.callable() for each in passes])
    return graphed[0] if alone else graphed


class _Pass:
    """The graphs of one callable, and the tensors that they work on."""

    def __init__(self, function: Callable, args: Sequence[Tensor]):
        self.function, self.args = function, tuple(args)
        inputs = pytree.tree_leaves(self.args)
        if not all(isinstance(x, Tensor) for x in inputs):
            raise AssertionError("sample_args must contain only tensors")
        self.inputs: tuple[Tensor, ...] = tuple(inputs)
        # Of a module.
        self.parameters = tuple(function.parameters()) if hasattr(function, "parameters") else ()
        self.leaves = (*self.inputs, *self.parameters)
        self.wanted = [k for k, x in enumerate(self.leaves) if x.requires_grad]
        self.forward, self.backward = CUDAGraph(), CUDAGraph()
        self.outputs: list[Tensor] = []
        self.form: Any = None
        self.grad_outputs: list[Tensor | None] = []
        self.grads: list[Tensor | None] = [None] * len(self.leaves)

    def gradients(self, outputs: Sequence[Tensor], grads: Sequence[Tensor], unused: bool) -> tuple:
        leaves = [self.leaves[k] for k in self.wanted]
        return grad(outputs, leaves, grads, allow_unused=unused)

    def warm_up(self, unused: bool) -> None:
        outputs = [x for x in pytree.tree_leaves(self.function(*self.args)) if x.requires_grad]
        if outputs:
            self.gradients(outputs, [empty_like(x) for x in outputs], unused)

    def capture_forward(self, pool: Any) -> None:
        with graph(self.forward, pool=pool):
            results = self.function(*self.args)
        self.outputs, self.form = pytree.tree_flatten(results)

    def capture_backward(self, pool: Any, unused: bool) -> None:
        self.grad_outputs = [empty_like(x) if x.requires_grad else None for x in self.outputs]
        outputs = [x for x in self.outputs if x.requires_grad]
        if outputs:
            with graph(self.backward, pool=pool):
                grads = self.gradients(outputs, [g for g in self.grad_outputs if g is not None], unused)
            for k, g in zip(self.wanted, grads):
                self.grads[k] = g

    def callable(self) -> Callable:
        """What replays them."""
        work = self

        class Graphed(Function):
            @staticmethod
            def forward(ctx: Any, *leaves: Tensor) -> tuple[Tensor, ...]:
                for static, given in zip(work.inputs, leaves):
                    if static is not given:
                        static.detach().copy_(given)
                work.forward.replay()
                return tuple([x.detach() for x in work.outputs])

            @staticmethod
            def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
                for static, given in zip(work.grad_outputs, grads):
                    if static is not None:
                        static.copy_(given)
                work.backward.replay()
                return tuple([None if g is None else g.detach() for g in work.grads])

        def graphed(*args: Any) -> Any:
            return pytree.tree_unflatten(
                list(Graphed.apply(*pytree.tree_leaves(args), *work.parameters)), work.form
            )

        module: Any = self.function
        if not hasattr(module, "parameters"):
            return graphed
        mode, plain = module.training, module.forward
        module.forward = lambda *args: graphed(*args) if module.training == mode else plain(*args)
        return module
