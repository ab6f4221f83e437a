"""Functions with gradients of one's own: autograd.Function, hooks, gradcheck, a straight-through estimator."""

import torch
import torch.nn as nn
from torch.autograd import Function, gradcheck

torch.manual_seed(15)


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class Quantize(Function):
    @staticmethod
    def forward(ctx, x, levels):
        ctx.levels = levels
        ctx.mark_non_differentiable()
        return torch.round(x * levels) / levels

    @staticmethod
    def backward(ctx, grad):
        return grad.clamp(-1, 1), None


class Swish(Function):
    @staticmethod
    def forward(ctx, i):
        result = i * torch.sigmoid(i)
        ctx.save_for_backward(i)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        i = ctx.saved_tensors[0]
        s = torch.sigmoid(i)
        return grad_output * (s * (1 + i * (1 - s)))


assert gradcheck(LegendrePolynomial3.apply, (torch.randn(4, dtype=torch.double, requires_grad=True),))
norms = []
model = nn.Sequential(nn.Linear(3, 16), nn.Linear(16, 1))
model[0].register_forward_hook(lambda module, args, output: Quantize.apply(Swish.apply(output), 8))
model[1].weight.register_hook(lambda grad: norms.append(grad.norm().item()))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
x = torch.randn(64, 3)
y = LegendrePolynomial3.apply(x.tanh()).sum(1, keepdim=True)
for step in range(30):
    loss = (model(x) - y).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 6 == 0:
        print(f"{step} {loss.item():.5f} {norms[-1]:.4f}")
