"""Recurrent layers, and one step of them: LSTM, GRU, and the plain one with tanh or relu.

A layer, in one direction, is one op. On the CPU its kernel runs all steps (see numbatorch_kernels/rnn.py), and so does
that of its gradient; elsewhere, for float16 and bfloat16, with projections, and for gradients that will be differentiated
again, it is made of other ops: `_composed`.

Inside, sequences are packed: x is (rows of all steps, features), and the rows of step t are offsets[t] : offsets[t + 1].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numbatorch import autograd
from numbatorch.apply import Op
from numbatorch.arguments import tensor_array
from numbatorch.autograd.mode import state
from numbatorch.base import empty
from numbatorch.elementwise import Pointwise
from numbatorch.ops.copy import contiguous
from numbatorch.ops.creation import zeros
from numbatorch.ops.dropout import dropout as _dropout
from numbatorch.ops.join import cat, stack
from numbatorch.ops.matmul import linear
from numbatorch.ops.split import chunk, unbind
from numbatorch.ops.view import reshape, transpose
from numbatorch_kernels import gemm, scalar
from numbatorch_kernels import rnn as kernels

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

Weights = tuple["Tensor", "Tensor", "Tensor | None", "Tensor | None"]  # w_ih, w_hh, b_ih, b_hh


# ---- one step, as pointwise ops ----


def _lstm_body(i, f, g, o, c):
    c = scalar.sigmoid(f) * c + scalar.sigmoid(i) * scalar.tanh(g)
    return scalar.sigmoid(o) * scalar.tanh(c), c


def _gru_body(r, z, n, of_r, of_z, of_n, h):
    r, z = scalar.sigmoid(r + of_r), scalar.sigmoid(z + of_z)
    n = scalar.tanh(n + r * of_n)
    return (h - n) * z + n


_lstm_step = Pointwise("LstmStep", _lstm_body)
_gru_step = Pointwise("GruStep", _gru_body)


class _Mode:
    """A kind of layer: `gates` in PyTorch's order, and a step made of ops.

    step(of_x, of_h, *states) returns the states after it, h first, from the products with x and with h.
    """

    def __init__(self, name: str, gates: int, step: Callable[..., tuple], states: int = 1):
        self.name, self.gates, self.step, self.states = name, gates, step, states


LSTM = _Mode("lstm", 4, lambda x, h, _, c: _lstm_step.general((*chunk(x + h, 4, -1), c)), states=2)
GRU = _Mode("gru", 3, lambda x, h, old: (_gru_step.general((*chunk(x, 3, -1), *chunk(h, 3, -1), old)),))
TANH = _Mode("rnn_tanh", 1, lambda x, h, _: ((x + h).tanh(),))
RELU = _Mode("rnn_relu", 1, lambda x, h, _: ((x + h).relu(),))


def _composed(
    mode: _Mode, x, states, weights: Weights, projection, offsets: np.ndarray, reverse: bool
) -> tuple:
    """A layer made of other ops: the output of all steps, and the last states of all rows."""
    w_ih, w_hh, b_ih, b_hh = weights
    of_x, bounds = linear(x, w_ih, b_ih), offsets.tolist()
    outputs: list[Any] = [None] * (len(bounds) - 1)
    current = list(states)  # of the rows that are in the step before
    done: list[tuple] = []  # of rows that are in no step any more, the first rows last
    order = range(len(outputs))
    for t in reversed(order) if reverse else order:
        rows = bounds[t + 1] - bounds[t]
        had = current[0].shape[0]
        if reverse:  # rows come in
            current = [
                s[:rows] if t == len(outputs) - 1 else cat([s, b[had:rows]]) for s, b in zip(current, states)
            ]
        elif rows < had:
            done.append(tuple(s[rows:] for s in current))
            current = [s[:rows] for s in current]
        new = mode.step(of_x[bounds[t] : bounds[t + 1]], linear(current[0], w_hh, b_hh), *current)
        current = [linear(new[0], projection) if projection is not None else new[0], *new[1:]]
        outputs[t] = current[0]
    last = [cat([s, *[part[k] for part in reversed(done)]]) if done else s for k, s in enumerate(current)]
    return (cat(outputs), *last)


# ---- a layer in one direction, as one op ----


def _shift(h: np.ndarray, h0: np.ndarray, offsets: np.ndarray, reverse: bool) -> np.ndarray:
    """The state before each row of each step."""
    before = np.empty_like(h)
    steps = len(offsets) - 1
    for t in range(steps):
        own = slice(offsets[t], offsets[t + 1])
        count = offsets[t + 1] - offsets[t]
        source = t + 1 if reverse else t - 1
        held = 0
        if 0 <= source < steps:
            held = min(count, offsets[source + 1] - offsets[source])
            before[own][:held] = h[offsets[source] : offsets[source] + held]
        before[own][held:] = h0[held:count]
    return before


def _last(h: np.ndarray, offsets: np.ndarray, reverse: bool) -> np.ndarray:
    """The last state of each row."""
    rows = int(offsets[1])
    if reverse:
        return h[:rows].copy()
    sizes = np.diff(offsets)
    # The last with more rows than the number.
    steps = np.searchsorted(-sizes, -np.arange(rows), side="left") - 1
    return h[offsets[steps] + np.arange(rows)]


def _like(tensor: Tensor, array: np.ndarray) -> Tensor:
    out = empty(array.shape, tensor.kind.flat)
    out.array[...] = array
    return out


def _inputs(x, weight, *biases) -> Tensor:
    """The products of the inputs of all steps with their weights, and the biases."""
    bias = None
    for own in biases:
        bias = own if bias is None else bias + own
    out = empty((x.array.shape[0], weight.array.shape[0]), x.kind.flat)
    if bias is None:
        gemm.matmul("cpu", out.array, x.array, weight.array.T)
    else:
        gemm.matmul("cpu", out.array, x.array, weight.array.T, contiguous(bias.detach()).array)
    return out


def _lstm_forward(x, h0, c0, w_ih, w_hh, b_ih, b_hh, offsets, reverse):
    gates = _inputs(x, w_ih, *[b.detach() for b in (b_ih, b_hh) if b is not None])
    h, c = (empty((x.array.shape[0], w_hh.array.shape[1]), x.kind.flat) for _ in range(2))
    starts = contiguous(h0.detach()).array, contiguous(c0.detach()).array
    kernels.lstm(h.array, c.array, gates.array, *starts, w_hh.array, offsets, reverse)
    return h, *[_like(h, _last(s.array, offsets, reverse)) for s in (h, c)], c, gates


def _gru_forward(x, h0, w_ih, w_hh, b_ih, b_hh, offsets, reverse):
    gates = _inputs(x, w_ih, *[b.detach() for b in (b_ih,) if b is not None])
    inner = empty(gates.array.shape, x.kind.flat)
    inner.array[...] = 0 if b_hh is None else b_hh.array
    h, inner_n = (empty((x.array.shape[0], w_hh.array.shape[1]), x.kind.flat) for _ in range(2))
    start = contiguous(h0.detach()).array
    kernels.gru(h.array, gates.array, inner.array, inner_n.array, start, w_hh.array, offsets, reverse)
    return h, _like(h, _last(h.array, offsets, reverse)), gates, inner_n


def _rnn_forward(x, h0, w_ih, w_hh, b_ih, b_hh, offsets, reverse, rectified):
    h = _inputs(x, w_ih, *[b.detach() for b in (b_ih, b_hh) if b is not None])
    kernels.rnn(h.array, contiguous(h0.detach()).array, w_hh.array, rectified, offsets, reverse)
    return h, _like(h, _last(h.array, offsets, reverse))


def _again(mode: _Mode, node, grads, tensors: int) -> list:
    """The gradients by way of other ops, so that they can be differentiated again."""
    given = node.unpack()[:tensors]
    offsets, reverse = node.params[:2]
    states, weights = given[1 : 1 + mode.states], given[1 + mode.states :]
    outputs = _composed(mode, given[0], states, weights, None, offsets, reverse)
    pairs = [(out, grad) for out, grad in zip(outputs, grads) if grad is not None]
    wanted = [t for t, need in zip(given, node.needs) if need]
    found = iter(
        autograd.grad(
            [out for out, _ in pairs],
            wanted,
            [grad for _, grad in pairs],
            create_graph=True,
            allow_unused=True,
        )
    )
    return [next(found) if need else None for need in node.needs]


def _started(grad: Tensor | None, like: Tensor) -> Tensor:
    """A copy of a gradient of last states, which a kernel works on."""
    return zeros(like.array.shape, dtype=like.dtype) if grad is None else contiguous(grad.detach()).clone()


def _dense(grad: Tensor | None, like: Tensor) -> np.ndarray:
    return np.zeros(like.array.shape, like.kind.numpy) if grad is None else contiguous(grad.detach()).array


def _of_weights(
    node, x, h, h0, dgates: Tensor, dinner: Tensor, weights, offsets, reverse, first: int
) -> list:
    """The gradients of x, and of the weights, from those of the gates; `first` is the number of w_ih among inputs."""
    w_ih, w_hh, b_ih, b_hh = weights
    needs, d, e = node.needs, dgates.array, dinner.array
    dx = dw_ih = dw_hh = None
    if needs[0]:
        dx = empty(x.array.shape, x.kind.flat)
        gemm.matmul("cpu", dx.array, d, w_ih.array)
    if needs[first]:
        dw_ih = empty(w_ih.array.shape, w_ih.kind.flat)
        gemm.matmul("cpu", dw_ih.array, d.T, x.array)
    if needs[first + 1]:
        dw_hh = empty(w_hh.array.shape, w_hh.kind.flat)
        rows = int(offsets[1])
        start = contiguous(h0.detach()).array
        if len(offsets) == 2 or rows * (len(offsets) - 1) != h.array.shape[0]:
            gemm.matmul("cpu", dw_hh.array, e.T, _shift(h.array, start, offsets, reverse))
        else:  # all steps have the same rows: the states before are those of the neighbouring step
            ends = (
                (e[:-rows], h.array[rows:], e[-rows:]) if reverse else (e[rows:], h.array[:-rows], e[:rows])
            )
            gemm.matmul("cpu", dw_hh.array, ends[0].T, ends[1])
            gemm.matmul("cpu", dw_hh.array, ends[2].T, start, dw_hh.array, 1, 1)
    db_ih = dgates.sum(0) if b_ih is not None and needs[first + 2] else None
    if b_hh is None or not needs[first + 3]:
        db_hh = None
    else:
        db_hh = db_ih.clone() if dinner is dgates and db_ih is not None else dinner.sum(0)
    return [dx, dw_ih, dw_hh, db_ih, db_hh]


def _lstm_vjp(node, grads):
    if state.enabled:
        return _again(LSTM, node, grads, 7)
    x, h0, c0, *weights, h, c, gates = node.unpack()
    offsets, reverse = node.params
    dgates = empty(gates.array.shape, gates.kind)
    dh, dc = _started(grads[1], h0), _started(grads[2], c0)
    start = contiguous(c0.detach()).array
    arrays = (dgates.array, dh.array, dc.array, _dense(grads[0], h), gates.array, c.array, start)
    kernels.lstm_backward(*arrays, weights[1].array, offsets, reverse)
    dx, *rest = _of_weights(node, x, h, h0, dgates, dgates, weights, offsets, reverse, 3)
    return dx, dh, dc, *rest


def _gru_vjp(node, grads):
    if state.enabled:
        return _again(GRU, node, grads, 6)
    x, h0, *weights, h, gates, inner_n = node.unpack()
    offsets, reverse = node.params
    dgates, dinner = (empty(gates.array.shape, gates.kind) for _ in range(2))
    dh, start = _started(grads[1], h0), contiguous(h0.detach()).array
    arrays = (
        dgates.array,
        dinner.array,
        dh.array,
        _dense(grads[0], h),
        gates.array,
        inner_n.array,
        h.array,
        start,
    )
    kernels.gru_backward(*arrays, weights[1].array, offsets, reverse)
    dx, *rest = _of_weights(node, x, h, h0, dgates, dinner, weights, offsets, reverse, 2)
    return dx, dh, *rest


def _rnn_vjp(node, grads):
    offsets, reverse, rectified = node.params
    if state.enabled:
        return _again(RELU if rectified else TANH, node, grads, 6)
    x, h0, *weights, h = node.unpack()
    dgates, dh = empty(h.array.shape, h.kind), _started(grads[1], h0)
    arrays = (dgates.array, dh.array, _dense(grads[0], h), h.array, weights[1].array)
    kernels.rnn_backward(*arrays, rectified, offsets, reverse)
    dx, *rest = _of_weights(node, x, h, h0, dgates, dgates, weights, offsets, reverse, 2)
    return dx, dh, *rest


_ALL = tuple(range(7))
_lstm = Op("LstmLayer", _lstm_forward, _lstm_vjp, saves=(*_ALL, -1, -4, -5), tensors=7, differentiable=3)
_gru = Op("GruLayer", _gru_forward, _gru_vjp, saves=(*_ALL[:6], -1, -3, -4), tensors=6, differentiable=2)
_rnn = Op("RnnLayer", _rnn_forward, _rnn_vjp, saves=(*_ALL[:6], -1), tensors=6, differentiable=2)


def _layer(mode: _Mode, x, states, weights, projection, offsets: np.ndarray, reverse: bool) -> tuple:
    """The output of all steps, and the last states."""
    kind = x.kind
    plain = kind.cpu and kind.element in ("f4", "f8") and projection is None and kind.numpy.itemsize
    if not plain or any(t is not None and t.kind.flat is not kind.flat for t in (*states, *weights)):
        return _composed(mode, x, states, weights, projection, offsets, reverse)
    x = contiguous(x)
    weights = [None if w is None else contiguous(w) for w in weights]
    if mode is LSTM:
        return _lstm(x, *states, *weights, offsets, reverse)[:3]
    if mode is GRU:
        return _gru(x, *states, *weights, offsets, reverse)[:2]
    return _rnn(x, *states, *weights, offsets, reverse, mode is RELU)


# ---- layers upon layers ----


def _stacked(
    mode: _Mode,
    x: Tensor,
    hx: Sequence[Tensor],
    offsets: np.ndarray,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple:
    """All layers over a packed sequence: its output, and the last states, (layers × directions, batch, hidden) each."""
    directions = 2 if bidirectional else 1
    size = len(params) // (num_layers * directions)
    projected = size == (5 if has_biases else 3)
    starts = list(zip(*[unbind(h, 0) for h in hx]))
    last = []
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            number = layer * directions + direction
            own = list(params[number * size : (number + 1) * size])
            projection = own.pop() if projected else None
            weights = tuple(own) if has_biases else (*own, None, None)
            output, *states = _layer(mode, x, starts[number], weights, projection, offsets, direction == 1)
            outputs.append(output)
            last.append(states)
        x = outputs[0] if directions == 1 else cat(outputs, -1)
        if dropout and train and layer < num_layers - 1:
            x = _dropout(x, dropout, True)
    return (x, *[stack(states) for states in zip(*last)])


def _run(mode: _Mode, args: tuple, options: dict) -> tuple:
    """Either form of `lstm` and its like: (input, hx, params, ...) or (data, batch_sizes, hx, params, ...)."""
    names = ("params", "has_biases", "num_layers", "dropout", "train", "bidirectional")
    packed = (
        "batch_sizes" in options
        or "data" in options
        or (len(args) > 2 and not isinstance(args[2], list | tuple))
    )
    if len(args) > 3 and not isinstance(args[2], bool) and isinstance(args[3], list | tuple):
        packed = True
    heads = ("data", "batch_sizes", "hx", *names) if packed else ("input", "hx", *names, "batch_first")
    values = dict(zip(heads, args)) | options
    hx = tuple(values["hx"]) if mode.states == 2 else (values["hx"],)
    rest = [values[name] for name in names]
    if packed:
        offsets = np.concatenate([[0], np.cumsum(values["batch_sizes"].numpy())]).astype(np.int64)
        return _stacked(mode, values["data"], hx, offsets, *rest)
    x = values["input"]
    x = transpose(x, 0, 1) if values["batch_first"] else x
    steps, batch = x.shape[:2]
    if not steps:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    offsets = np.arange(steps + 1, dtype=np.int64) * batch
    output, *last = _stacked(mode, reshape(x, steps * batch, x.shape[2]), hx, offsets, *rest)
    output = reshape(output, steps, batch, output.shape[1])
    return (transpose(output, 0, 1) if values["batch_first"] else output, *last)


def lstm(*args: Any, **options: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The layers of an LSTM: the output, the last h and the last c. `nn.LSTM` calls this.

    lstm(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or, of a packed sequence,
    lstm(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)

    input       (steps, batch, features); with `batch_first`, batch and steps change places
    hx          the first (h, c), (layers × directions, batch, hidden) each
    params      of each layer, and of its other direction: w_ih, w_hh, and where there are biases b_ih and b_hh, and,
                where h is projected, w_hr

    S. Hochreiter and J. Schmidhuber, Neural Computation 9, 1997; projections as in H. Sak et al., arXiv:1402.1128.
    """
    return _run(LSTM, args, options)


def gru(*args: Any, **options: Any) -> tuple[Tensor, Tensor]:
    """The layers of a GRU: the output and the last h. Arguments as those of `lstm`, `hx` is a tensor. `nn.GRU` calls this.

    K. Cho et al., arXiv:1406.1078; n = tanh(W x + r (U h + b)), the form of cuDNN.
    """
    return _run(GRU, args, options)


def rnn_tanh(*args: Any, **options: Any) -> tuple[Tensor, Tensor]:
    """The layers of a plain recurrent network, h = tanh(W x + U h + b). Arguments as those of `lstm`, `hx` is a tensor."""
    return _run(TANH, args, options)


def rnn_relu(*args: Any, **options: Any) -> tuple[Tensor, Tensor]:
    """The layers of a plain recurrent network, h = relu(W x + U h + b). Arguments as those of `lstm`, `hx` is a tensor."""
    return _run(RELU, args, options)


# ---- cells ----


def _cell(mode: _Mode, input: Tensor, states: Sequence[Tensor], weights: Weights) -> tuple:
    """One step, of (batch, features)."""
    w_ih, w_hh, b_ih, b_hh = weights
    size = tensor_array(w_ih).shape[1]
    if tensor_array(input).shape[-1] != size:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[-1]} expected {size}")
    hidden = tensor_array(w_hh).shape[1]
    for number, h in enumerate(states):
        if input.shape[0] != tensor_array(h).shape[0]:
            raise RuntimeError(
                f"Input batch size {input.shape[0]} doesn't match hidden{number} batch size {h.shape[0]}"
            )
        if h.shape[-1] != hidden:
            raise RuntimeError(
                f"hidden{number} has inconsistent hidden_size: got {h.shape[-1]}, expected {hidden}"
            )
    return mode.step(linear(input, w_ih, b_ih), linear(states[0], w_hh, b_hh), *states)


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: the new h and c, from (batch, features), the old ones, and the weights of gates i, f, g, o.

    c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c')
    """
    return _cell(LSTM, input, tuple(hx), (w_ih, w_hh, b_ih, b_hh))


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a GRU: the new h, from (batch, features), the old one, and the weights of gates r, z, n.

    n = tanh(W x + σ(r) (U h + b)), h' = (1 - σ(z)) n + σ(z) h
    """
    return _cell(GRU, input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """tanh(W x + b + U h + b'): one step of a plain recurrent network."""
    return _cell(TANH, input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """relu(W x + b + U h + b'): one step of a plain recurrent network."""
    return _cell(RELU, input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]
