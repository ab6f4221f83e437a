"""A Wasserstein GAN with gradient penalty: gradients of gradients, and a Hessian."""

import torch
import torch.nn as nn
from torch import autograd

torch.manual_seed(19)
generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.Softplus(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.0, 0.9))
opt_c = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.0, 0.9))
LAMBDA = 10


def gradient_penalty(real, fake):
    alpha = torch.rand(real.size(0), 1).expand_as(real)
    interpolates = autograd.Variable(alpha * real + (1 - alpha) * fake, requires_grad=True)
    scores = critic(interpolates)
    gradients = autograd.grad(
        outputs=scores, inputs=interpolates, grad_outputs=torch.ones_like(scores), create_graph=True, retain_graph=True,
        only_inputs=True,
    )[0]  # fmt: skip
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * LAMBDA


for iteration in range(12):
    for p in critic.parameters():
        p.requires_grad = True
    for _ in range(3):
        real = torch.randn(32, 2) * 0.3 + torch.tensor([1.0, -1.0])
        with torch.no_grad():
            fake = generator(torch.randn(32, 4))
        opt_c.zero_grad()
        penalty = gradient_penalty(real, fake)
        loss_c = critic(fake).mean() - critic(real).mean() + penalty
        loss_c.backward()
        opt_c.step()
    for p in critic.parameters():
        p.requires_grad = False
    opt_g.zero_grad()
    loss_g = -critic(generator(torch.randn(32, 4))).mean()
    loss_g.backward()
    opt_g.step()
    if iteration % 3 == 0:
        print(
            f"{iteration} critic {loss_c.item():.4f} generator {loss_g.item():.4f} penalty {penalty.item():.4f}"
        )
hessian = autograd.functional.hessian(lambda v: critic(v).sum(), torch.tensor([0.3, -0.2]))
print(" ".join(f"{value:.4f}" for value in hessian.flatten().tolist()))
