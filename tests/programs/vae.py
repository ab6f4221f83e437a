"""A variational autoencoder of 8 x 8 patterns."""

import torch
from torch import nn, optim
from torch.nn import functional as F

torch.manual_seed(3)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 32)
        self.fc21 = nn.Linear(32, 4)
        self.fc22 = nn.Linear(32, 4)
        self.fc3 = nn.Linear(4, 32)
        self.fc4 = nn.Linear(32, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 64), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


prototypes = (torch.rand(6, 8, 8) > 0.5).float()
data = prototypes[torch.randint(0, 6, (256,))]
model = VAE()
optimizer = optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    permutation = torch.randperm(len(data))
    train_loss = 0
    for i in range(0, len(data), 64):
        batch = data[permutation[i : i + 64]]
        optimizer.zero_grad()
        recon, mu, logvar = model(batch)
        loss = loss_function(recon, batch, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    if epoch % 3 == 0:
        print("====> Epoch: {} Average loss: {:.4f}".format(epoch, train_loss / len(data)))
with torch.no_grad():
    sample = model.decode(torch.randn(5, 4))
    print(sample.shape, f"{sample.mean():.4f}")
