"""A curve fitted by LBFGS with a closure, and Rosenbrock's valley."""

import torch
import torch.nn as nn

torch.manual_seed(14)
torch.set_default_dtype(torch.float64)
t = torch.linspace(0, 4, 60)
signal = 2.5 * torch.exp(-0.7 * t) * torch.cos(3.0 * t) + 0.02 * torch.randn(60)


class Damped(nn.Module):
    def __init__(self):
        super().__init__()
        self.amplitude = nn.Parameter(torch.tensor(1.0))
        self.decay = nn.Parameter(torch.tensor(0.3))
        self.frequency = nn.Parameter(torch.tensor(2.8))

    def forward(self, t):
        return self.amplitude * torch.exp(-self.decay * t) * torch.cos(self.frequency * t)


model = Damped()
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5, line_search_fn="strong_wolfe")
for step in range(6):

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(t), signal)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    print(f"step {step}: {loss.item():.6f}")
print({name: round(p.item(), 3) for name, p in model.named_parameters()})

point = torch.tensor([-1.5, 2.0], requires_grad=True)
optimizer = torch.optim.LBFGS([point], lr=0.1, history_size=10, max_iter=4)
for step in range(4):

    def rosenbrock():
        optimizer.zero_grad()
        value = (1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2
        value.backward()
        return value

    print(f"{optimizer.step(rosenbrock).item():.5f}")
torch.set_default_dtype(torch.float32)
