"""A convolutional autoencoder: strides, transposed convolutions, batch normalisation, cosine annealing."""

import torch
from torch import nn

torch.manual_seed(12)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 4, 3, stride=2, padding=1),
            nn.Flatten(),
            nn.Linear(4 * 4 * 4, 8),
        )
        self.decoder = nn.Sequential(
            nn.Linear(8, 4 * 4 * 4),
            nn.Unflatten(1, (4, 4, 4)),
            nn.ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def circles(n):
    centre, radius = 4 + 8 * torch.rand(n, 2, 1, 1), 2 + 3 * torch.rand(n, 1, 1)
    grid = torch.arange(16.0)
    rows, columns = torch.meshgrid(grid, grid, indexing="ij")
    distance = ((rows - centre[:, 0]) ** 2 + (columns - centre[:, 1]) ** 2).sqrt()
    return torch.sigmoid(2 * (radius - distance)).unsqueeze(1)


model = Autoencoder()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
images = circles(96)
for epoch in range(20):
    for batch in images.split(32):
        noisy = batch + 0.1 * torch.randn_like(batch)
        loss = criterion(model(noisy), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 5 == 0:
        print(f"epoch [{epoch + 1}/20], loss:{loss.item():.5f}, lr:{scheduler.get_last_lr()[0]:.6f}")
model.eval()
with torch.inference_mode():
    print(f"code {model.encoder(images[:4]).abs().mean():.4f}")
