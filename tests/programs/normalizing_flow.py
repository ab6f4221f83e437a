"""A flow of coupling layers on two moons, and the distributions around it."""

import math

import torch
import torch.nn as nn
from torch import distributions as D

torch.manual_seed(18)


def moons(n):
    angle = torch.rand(n) * math.pi
    upper = torch.rand(n) < 0.5
    x = torch.where(upper, angle.cos(), 1 - angle.cos())
    y = torch.where(upper, angle.sin(), 0.5 - angle.sin())
    return torch.stack([x, y], dim=-1) + 0.05 * torch.randn(n, 2)


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 2))

    def forward(self, z):
        a, b = z.chunk(2, dim=-1)
        if self.flip:
            a, b = b, a
        log_scale, shift = self.net(a).chunk(2, dim=-1)
        log_scale = torch.tanh(log_scale)
        b = b * log_scale.exp() + shift
        return torch.cat([b, a] if self.flip else [a, b], dim=-1), log_scale.sum(-1)


class Flow(nn.Module):
    def __init__(self, depth=4):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(bool(k % 2)) for k in range(depth))
        self.base = D.MultivariateNormal(torch.zeros(2), torch.eye(2))

    def log_prob(self, x):
        total = x.new_zeros(x.shape[:-1])
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return self.base.log_prob(x) + total


flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
for step in range(40):
    loss = -flow.log_prob(moons(128)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(f"{step} {loss.item():.4f}")

mixture = D.MixtureSameFamily(
    D.Categorical(torch.ones(3)), D.Normal(torch.tensor([-2.0, 0.0, 2.0]), torch.ones(3) * 0.5)
)
samples = mixture.sample((200,))
print(f"{samples.mean():.4f} {-mixture.log_prob(samples).mean():.4f}")
print(f"{D.kl_divergence(D.Normal(0.0, 1.0), D.Normal(1.0, 2.0)):.4f} {D.Beta(2.0, 3.0).entropy():.4f}")
