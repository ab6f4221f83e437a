"""Recurrent layers, cells and packed sequences against PyTorch: values, gradients to the second order, names, errors."""

import copy
import inspect
import warnings

import numpy as np
import pytest

import numbatorch

torch = pytest.importorskip("torch")

LAYERS = [
    "LSTM(4, 6)", "LSTM(4, 6, 2, bidirectional=True)", "LSTM(4, 6, num_layers=2, bias=False, batch_first=True)", "LSTM(4, 6, proj_size=3, bidirectional=True, num_layers=2)",
    "LSTM(4, 37, dropout=0.0)", "GRU(4, 6)", "GRU(4, 6, 2, bidirectional=True, batch_first=True)", "GRU(4, 6, bias=False)", "RNN(4, 6)", "RNN(4, 6, 2, 'relu')",
    "RNN(4, 6, nonlinearity='relu', bidirectional=True, bias=False)", "RNN(4, 6, 3, batch_first=True, bidirectional=True)",
]  # fmt: skip
CELLS = ["RNNCell(4, 6)", "RNNCell(4, 6, bias=False, nonlinearity='relu')", "LSTMCell(4, 6)", "LSTMCell(4, 6, False)", "GRUCell(4, 6)", "GRUCell(4, 6, bias=False)"]  # fmt: skip
LENGTHS = [[5, 5, 3, 1], [2, 5, 1, 4]]


def make(t, text, dtype="float64"):
    t.manual_seed(3)
    module = eval(f"t.nn.{text}", {"t": t})
    return module.to(getattr(t, dtype))


def numbers(t, shape, seed, dtype="float64"):
    values = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return t.from_numpy(values).requires_grad_()


def flat(results):
    """All tensors of a nested result."""
    if isinstance(results, (torch.Tensor, numbatorch.Tensor)):
        return [results]
    return [t for r in results if r is not None for t in flat(r)]


def weighed(t, outputs):
    return sum(
        (o * numbers(t, tuple(o.shape), 50 + k).detach().to(o.dtype)).sum() for k, o in enumerate(outputs)
    )


def states(t, module, batch, dtype="float64"):
    rows = module.num_layers * (2 if module.bidirectional else 1)
    h = numbers(t, (rows, batch, module.proj_size or module.hidden_size), 1, dtype)
    return (h, numbers(t, (rows, batch, module.hidden_size), 2, dtype)) if module.mode == "LSTM" else h


def outcome(t, text, form, dtype="float64"):
    """Outputs, and the gradients of everything."""
    module = make(t, text, dtype)
    batch, packed = (1 if form == "unbatched" else 4), form in ("packed", "unsorted")
    shape = (
        (5, 4)
        if form == "unbatched"
        else (batch, 5, 4)
        if getattr(module, "batch_first", 0) and not packed
        else (5, batch, 4)
    )
    x = numbers(t, shape, 0, dtype)
    inputs = [x]
    if form != "no states":
        hx = states(t, module, batch, dtype)
        inputs += flat(hx)
        if form == "unbatched":
            hx = tuple(h.squeeze(1) for h in hx) if isinstance(hx, tuple) else hx.squeeze(1)
    given = x
    if packed:
        given = t.nn.utils.rnn.pack_padded_sequence(
            x, LENGTHS[form == "unsorted"], enforce_sorted=form == "packed"
        )
    outputs = flat(module(given) if form == "no states" else module(given, hx))
    outputs = [o for o in outputs if o.requires_grad]
    weighed(t, outputs).backward()
    grads = [v.grad for v in [*inputs, *module.parameters()]]
    return [o.detach().numpy() for o in outputs], [g.numpy() for g in grads]


@pytest.mark.parametrize("form", ["padded", "no states", "packed", "unsorted", "unbatched"])
@pytest.mark.parametrize("text", LAYERS)
def test_layers(text, form):
    if form in ("unsorted", "no states") and text not in LAYERS[::3]:
        return
    ours, theirs = (outcome(t, text, form) for t in (numbatorch, torch))
    for own, wanted in zip(ours, theirs):
        assert len(own) == len(wanted)
        for a, b in zip(own, wanted):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("text", ["LSTM(4, 6, 2)", "GRU(4, 40, bidirectional=True)", "RNN(4, 33)"])
def test_float32(text):
    ours, theirs = (outcome(t, text, "packed", "float32") for t in (numbatorch, torch))
    for own, wanted in zip(ours, theirs):
        for a, b in zip(own, wanted):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    "text", ["LSTM(4, 6, bidirectional=True)", "GRU(4, 6, 2)", "RNN(4, 6)", "LSTM(4, 6, proj_size=2)"]
)
def test_second_order(text):
    results = []
    for t in (numbatorch, torch):
        module = make(t, text)
        x = numbers(t, (3, 2, 4), 0)
        loss = weighed(t, flat(module(x)))
        grads = t.autograd.grad(loss, [x, *module.parameters()], create_graph=True)
        sum((g**2).sum() for g in grads).backward()
        results.append([v.grad.numpy() for v in [x, *module.parameters()]])
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("text", CELLS)
def test_cells(text, batched):
    results = []
    for t in (numbatorch, torch):
        cell = make(t, text)
        x, h, c = (numbers(t, (3, n) if batched else (n,), k) for k, n in enumerate((4, 6, 6)))
        given = (h, c) if "LSTM" in text else h
        outputs = flat([cell(x, given), cell(x)])
        weighed(t, outputs).backward()
        results.append(
            [o.detach().numpy() for o in outputs] + [v.grad.numpy() for v in (x, h, *cell.parameters())]
        )
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", [*LAYERS, *CELLS])
def test_names_and_first_values(text):
    own, wanted = (make(t, text, "float32") for t in (numbatorch, torch))
    assert repr(own) == repr(wanted)
    ours, theirs = own.state_dict(), wanted.state_dict()
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        np.testing.assert_array_equal(value.numpy(), theirs[key].numpy())
    if text in LAYERS:
        assert own._all_weights == wanted._all_weights
        assert [[tuple(w.shape) for w in ws] for ws in own.all_weights] == [
            [tuple(w.shape) for w in ws] for ws in wanted.all_weights
        ]
        own.flatten_parameters()
    twin = copy.deepcopy(own)
    assert repr(twin) == repr(own)


def test_dropout_between_layers():
    """What is dropped differs from PyTorch's only in which numbers its CPU draws: here in the mean."""
    layer = make(numbatorch, "LSTM(4, 6, 2, dropout=0.5)", "float32")
    x = numbers(numbatorch, (5, 3, 4), 0, "float32")
    first, second = layer(x)[0], layer(x)[0]
    assert not numbatorch.equal(first, second)
    layer.eval()
    assert numbatorch.equal(layer(x)[0], layer(x)[0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves(dtype):
    results = []
    for t in (numbatorch, torch):
        layer = make(t, "GRU(4, 6)", dtype)
        x = numbers(t, (5, 3, 4), 0, "float32").detach().to(getattr(t, dtype))
        results.append(layer(x)[0].float().detach().numpy())
    np.testing.assert_allclose(*results, atol=0.05)


def pack(t, sequences, **options):
    return t.nn.utils.rnn.pack_sequence(sequences, **options)


@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packing(enforce_sorted):
    results = []
    for t in (numbatorch, torch):
        rnn = t.nn.utils.rnn
        sequences = [numbers(t, (n, 2), n) for n in ([5, 3, 3, 1] if enforce_sorted else [3, 5, 1, 3])]
        packed = rnn.pack_sequence(sequences, enforce_sorted=enforce_sorted)
        found = flat(packed)
        for options in ({}, {"batch_first": True, "padding_value": -1.0}, {"total_length": 7}):
            found += flat(rnn.pad_packed_sequence(packed, **options))
        found += rnn.unpack_sequence(packed)
        padded = rnn.pad_sequence(sequences, batch_first=True, padding_value=2.0)
        found += [padded, rnn.pad_sequence(sequences, padding_side="left")]
        found += rnn.unpad_sequence(padded, t.tensor([len(s) for s in sequences]), batch_first=True)
        found += flat(packed.float()) + flat(packed.to("cpu", t.float64))
        weighed(t, [f for f in found if f.requires_grad]).backward()
        results.append([f.detach().numpy() for f in found] + [s.grad.numpy() for s in sequences])
    assert len(results[0]) == len(results[1])
    for a, b in zip(*results):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-6)


ERRORS = [
    "nn.LSTM(4, 6, dropout=2)", "nn.LSTM(4, 6, bias=1)", "nn.LSTM(4, 6, batch_first=1)", "nn.LSTM(0, 6)", "nn.LSTM(4.0, 6)", "nn.LSTM(4, 6.0)", "nn.LSTM(4, 0)",
    "nn.LSTM(4, 6, 0)", "nn.LSTM(4, 6, proj_size=6)", "nn.LSTM(4, 6, proj_size=-1)", "nn.GRU(4, 6, proj_size=2)", "nn.RNN(4, 6, proj_size=2)", "nn.RNN(4, 6, nonlinearity='sin')",
    "nn.LSTM(4, 6)(t.ones(3))", "nn.GRU(4, 6)(t.ones(3))", "nn.RNN(4, 6)(t.ones(3))", "nn.LSTM(4, 6)(t.ones(3, 2, 5))", "nn.LSTM(4, 6)(t.ones(3, 2, 4).double())",
    "nn.GRU(4, 6)(t.ones(3, 2, 4), t.ones(2, 6))", "nn.GRU(4, 6)(t.ones(3, 4), t.ones(1, 2, 6))", "nn.GRU(4, 6)(t.ones(3, 2, 4), t.ones(1, 3, 6))",
    "nn.LSTM(4, 6)(t.ones(3, 2, 4), (t.ones(1, 2, 6), t.ones(1, 3, 6)))", "nn.LSTM(4, 6)(t.ones(3, 2, 4), (t.ones(2, 6), t.ones(1, 2, 6)))",
    "nn.LSTM(4, 6)(t.ones(3, 4), (t.ones(1, 2, 6), t.ones(1, 2, 6)))", "nn.RNN(4, 6)(t.ones(3, 2, 4), t.ones(2, 6))", "nn.LSTM(4, 6)(t.ones(0, 2, 4))",
    "nn.LSTMCell(4, 6)(t.ones(1, 2, 3))", "nn.LSTMCell(4, 6)(t.ones(2, 5))", "nn.LSTMCell(4, 6)(t.ones(2, 4), (t.ones(3, 6), t.ones(3, 6)))", "nn.LSTMCell(4, 6)(t.ones(2, 4), (t.ones(1, 1, 2), 0))",
    "nn.GRUCell(4, 6)(t.ones(2, 4), t.ones(2, 5))", "nn.GRUCell(4, 6)(t.ones(2, 4), t.ones(1, 2, 5))", "nn.RNNCell(4, 6)(t.ones(1, 2, 3))", "nn.RNNCell(4, 6, nonlinearity='x')(t.ones(2, 4))",
    "rnn.pack_padded_sequence(t.ones(3, 2), [1, 2])", "rnn.pack_padded_sequence(t.ones(3, 2), [2, 1, 1])", "rnn.pack_padded_sequence(t.ones(3, 2), [2, 0])", "rnn.pack_padded_sequence(t.ones(0, 2), [2, 1])",
    "rnn.pad_sequence(3)", "rnn.pad_sequence([])", "rnn.pad_sequence([t.ones(2)], padding_side='x')", "rnn.pad_packed_sequence(rnn.pack_sequence([t.ones(3)]), total_length=2)",
    "rnn.PackedSequence(3)",
]  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_the_same_errors(text):
    texts = []
    for t in (numbatorch, torch):
        with pytest.raises(Exception) as caught:
            eval(text, {"t": t, "nn": t.nn, "rnn": t.nn.utils.rnn})
        texts.append((type(caught.value).__name__, str(caught.value).split("\n")[0]))
    assert texts[0] == texts[1]


def test_the_same_warning():
    texts = []
    for t in (numbatorch, torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            t.nn.GRU(4, 6, dropout=0.5)
        texts.append([str(w.message) for w in caught])
    assert texts[0] == texts[1] and texts[0]


@pytest.mark.parametrize("name", ["pack_padded_sequence", "pad_packed_sequence", "pad_sequence", "unpad_sequence", "pack_sequence", "unpack_sequence", "PackedSequence"])  # fmt: skip
def test_signatures(name):
    own, wanted = (inspect.signature(getattr(t.nn.utils.rnn, name)).parameters for t in (numbatorch, torch))
    assert [(p.name, p.default) for p in own.values()] == [(p.name, p.default) for p in wanted.values()]
