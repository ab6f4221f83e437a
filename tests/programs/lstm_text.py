"""A character model with Embedding and LSTM, truncated backpropagation, gradient clipping, sampling."""

import torch
import torch.nn as nn

torch.manual_seed(5)
text = "the quick brown fox jumps over the lazy dog. pack my box with five dozen liquor jugs. " * 6
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text], dtype=torch.long)


class CharLSTM(nn.Module):
    def __init__(self, vocab, embed=16, hidden=32, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(vocab, embed)
        self.lstm = nn.LSTM(embed, hidden, layers, batch_first=True, dropout=0.1)
        self.fc = nn.Linear(hidden, vocab)

    def forward(self, x, hidden=None):
        out, hidden = self.lstm(self.embedding(x), hidden)
        return self.fc(out), hidden


model = CharLSTM(len(chars))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
batch, length = 4, 16
columns = data[: len(data) // batch * batch].view(batch, -1)
for epoch in range(2):
    hidden = None
    for i in range(0, columns.size(1) - length - 1, length):
        inputs, targets = columns[:, i : i + length], columns[:, i + 1 : i + length + 1]
        if hidden is not None:
            hidden = tuple(h.detach() for h in hidden)
        logits, hidden = model(inputs, hidden)
        loss = criterion(logits.reshape(-1, len(chars)), targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)
        optimizer.step()
        if i % (2 * length) == 0:
            print(f"epoch {epoch} at {i}: loss {loss.item():.4f} norm {norm:.4f}")
