"""Training in bfloat16 where it is safe: autocast, GradScaler, gradient accumulation."""

import torch
import torch.nn as nn

torch.manual_seed(16)
model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
scaler = torch.amp.GradScaler("cuda", enabled=torch.cuda.is_available() and False)
x = torch.randn(128, 16)
y = (x[:, :1] * x[:, 1:2]).tanh()
accumulate = 2
for step in range(24):
    batch = slice(32 * (step % 4), 32 * (step % 4) + 32)
    with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
        output = model(x[batch])
        assert output.dtype is torch.bfloat16
        loss = nn.functional.mse_loss(output.float(), y[batch]) / accumulate
    scaler.scale(loss).backward()
    if (step + 1) % accumulate == 0:
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
    if step % 4 == 0:
        print(f"{step} {loss.item():.2f}")
print(model[0].weight.dtype, model[0].weight.grad is None)
