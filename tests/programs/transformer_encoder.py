"""A Transformer encoder that learns to reverse sequences: positional encoding, padding masks, warm-up."""

import math

import torch
import torch.nn as nn

torch.manual_seed(7)
PAD, VOCAB, LENGTH = 0, 12, 8


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=32):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div_term)
        pe[0, :, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class Model(nn.Module):
    def __init__(self, d_model=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, d_model, padding_idx=PAD)
        self.position = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(
            d_model, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(d_model, VOCAB)

    def forward(self, x):
        hidden = self.position(self.embed(x) * math.sqrt(32))
        return self.head(self.encoder(hidden, src_key_padding_mask=x == PAD))


model = Model()
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98))
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / 10, 1.0))
for step in range(30):
    x = torch.randint(1, VOCAB, (16, LENGTH))
    lengths = torch.randint(3, LENGTH + 1, (16,))
    mask = torch.arange(LENGTH)[None, :] < lengths[:, None]
    x = x * mask
    y = torch.zeros_like(x)
    for row in range(len(x)):
        n = int(lengths[row])
        y[row, :n] = x[row, :n].flip(0)
    logits = model(x)
    loss = criterion(logits.transpose(1, 2), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    if step % 5 == 0:
        print(f"{step} {loss.item():.5f} {schedule.get_last_lr()[0]:.5f}")
