"""Recurrent layers without PyTorch: a step of NumPy's beside them, both devices, sequences of several lengths."""

import numpy as np
import pytest

import numbatorch as torch
from numbatorch import nn
from numbatorch.nn.utils.rnn import pack_sequence, pad_packed_sequence


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, layer):
    """The formula, step by step."""
    w_ih, w_hh, b_ih, b_hh = (w.detach().cpu().numpy() for w in layer._flat_weights)
    h = c = np.zeros((x.shape[1], w_hh.shape[1]))
    outputs = []
    for row in x:
        i, f, g, o = np.split(row @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs)


def test_lstm(device):
    torch.manual_seed(0)
    layer = nn.LSTM(3, 5, dtype=torch.float64).to(device)
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    output, (h, _) = layer(x.to(device))
    np.testing.assert_allclose(output.detach().cpu().numpy(), lstm(x.numpy(), layer), rtol=1e-12)
    assert torch.equal(output[-1], h[0])


@pytest.mark.parametrize("cls", [nn.LSTM, nn.GRU, nn.RNN])
def test_gradients(cls):
    torch.manual_seed(0)
    layer = cls(2, 3, bidirectional=True, dtype=torch.float64)
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: layer(x)[0], (x,))


def test_packed_sequences_are_computed_each_by_itself():
    torch.manual_seed(0)
    layer = nn.GRU(3, 4, 2, bidirectional=True, dtype=torch.float64)
    sequences = [torch.randn(length, 3, dtype=torch.float64) for length in (2, 5, 3)]
    output, h = layer(pack_sequence(sequences, enforce_sorted=False))
    padded, lengths = pad_packed_sequence(output)
    assert lengths.tolist() == [2, 5, 3]
    for k, sequence in enumerate(sequences):
        alone, h_alone = layer(sequence)
        torch.testing.assert_close(padded[: len(sequence), k], alone)
        torch.testing.assert_close(h[:, k], h_alone)


def test_threads_share_the_batch():
    """Every row is computed alike, whoever computes it."""
    torch.manual_seed(0)
    layer = nn.LSTM(16, 64)
    x = torch.randn(10, 64, 16)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        together = layer(x)[0]
        torch.set_num_threads(1)
        alone = layer(x)[0]
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(together, alone, rtol=1e-6, atol=1e-6)
