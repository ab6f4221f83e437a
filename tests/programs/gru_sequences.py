"""Sequences of different lengths: padding, packing, a bidirectional GRU, and cells by hand."""

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

torch.manual_seed(6)
sequences = [torch.randn(int(n), 3) for n in torch.randint(2, 9, (24,))]
targets = torch.stack([s.sum(0).abs().argmax() for s in sequences])
lengths = torch.tensor([len(s) for s in sequences])


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 12, batch_first=True, bidirectional=True)
        self.cell = nn.GRUCell(24, 12)
        self.out = nn.Linear(12, 3)

    def forward(self, batch, lengths):
        packed = pack_padded_sequence(batch, lengths, batch_first=True, enforce_sorted=False)
        output, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        state = torch.zeros(len(batch), 12)
        for t in range(output.size(1)):
            step = self.cell(output[:, t], state)
            state = torch.where((t < lengths).unsqueeze(1), step, state)
        return self.out(state)


model = Reader()
optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
padded = pad_sequence(sequences, batch_first=True)
for step in range(20):
    loss = nn.functional.cross_entropy(model(padded, lengths), targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), 0.1)
    optimizer.step()
    if step % 4 == 0:
        print(f"{step} {loss.item():.5f}")
