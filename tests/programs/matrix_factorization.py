"""Recommendations by matrix factorisation: Embedding, biases, Adagrad, early stopping."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(13)
users, items, factors = 30, 40, 5
truth = torch.randn(users, factors) @ torch.randn(factors, items) / factors**0.5
observed = torch.rand(users, items) < 0.4
u, i = observed.nonzero(as_tuple=True)
ratings = truth[u, i] + 0.1 * torch.randn(len(u))


class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, k):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, k)
        self.item_factors = nn.Embedding(n_items, k)
        self.user_biases = nn.Embedding(n_users, 1)
        self.item_biases = nn.Embedding(n_items, 1)
        for table in (self.user_factors, self.item_factors):
            nn.init.uniform_(table.weight, -0.5, 0.5)
        self.user_biases.weight.data.zero_()
        self.item_biases.weight.data.zero_()

    def forward(self, user, item):
        dot = (self.user_factors(user) * self.item_factors(item)).sum(1)
        return dot + self.user_biases(user).squeeze(-1) + self.item_biases(item).squeeze(-1)


split = int(0.8 * len(u))
order = torch.randperm(len(u))
train, valid = order[:split], order[split:]
model = MatrixFactorization(users, items, factors)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.3)
best, patience = float("inf"), 0
for epoch in range(30):
    model.train()
    for rows in train[torch.randperm(split)].split(64):
        optimizer.zero_grad()
        loss = F.mse_loss(model(u[rows], i[rows]), ratings[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = F.mse_loss(model(u[valid], i[valid]), ratings[valid]).item()
    if epoch % 5 == 0:
        print(f"epoch {epoch:2d} train {loss.item():.4f} valid {error:.4f}")
    patience = 0 if error < best - 1e-4 else patience + 1
    best = min(best, error)
    if patience >= 10:
        break
top = model(torch.zeros(items, dtype=torch.long), torch.arange(items)).topk(3)
print("scores", " ".join(f"{v:.3f}" for v in top.values.tolist()))
