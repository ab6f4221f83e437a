"""A regression with nothing but tensors: gradients by hand, then by autograd, then a polynomial."""

import math

import torch

torch.manual_seed(11)
dtype = torch.float
device = torch.device("cpu")

x = torch.linspace(-math.pi, math.pi, 200, device=device, dtype=dtype)
y = torch.sin(x)
a, b, c, d = (torch.randn((), device=device, dtype=dtype) for _ in range(4))
learning_rate = 1e-6
for t in range(300):
    y_pred = a + b * x + c * x**2 + d * x**3
    loss = (y_pred - y).pow(2).sum().item()
    if t % 100 == 99:
        print(t, f"{loss:.4f}")
    grad_y_pred = 2.0 * (y_pred - y)
    a -= learning_rate * grad_y_pred.sum()
    b -= learning_rate * (grad_y_pred * x).sum()
    c -= learning_rate * (grad_y_pred * x**2).sum()
    d -= learning_rate * (grad_y_pred * x**3).sum()
print(f"Result: y = {a.item():.4f} + {b.item():.4f} x + {c.item():.4f} x^2 + {d.item():.4f} x^3")

w1 = torch.randn(3, 5, requires_grad=True)
w2 = torch.randn(5, 1, requires_grad=True)
data = torch.randn(64, 3)
target = (data[:, 0] * data[:, 1] - data[:, 2]).unsqueeze(1)
for t in range(200):
    loss = (data.mm(w1).clamp(min=0).mm(w2) - target).pow(2).mean()
    loss.backward()
    with torch.no_grad():
        w1 -= 0.05 * w1.grad
        w2 -= 0.05 * w2.grad
        w1.grad.zero_()
        w2.grad = None
    if t % 50 == 0:
        print(f"{t} {loss.item():.5f}")

X = torch.stack([torch.ones_like(x), x, x**2, x**3], dim=1)
solution = torch.linalg.lstsq(X, y.unsqueeze(1)).solution.squeeze()
print("least squares", " ".join(f"{v:.4f}" for v in solution.tolist()))
