"""A classifier of points on two spirals: Linear, BatchNorm, Dropout, Adam, a scheduler."""

import math

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() and False else "cpu")


def spirals(n):
    t = torch.sqrt(torch.rand(n)) * 3 * math.pi
    label = torch.randint(0, 2, (n,))
    sign = label.float() * 2 - 1
    points = torch.stack((sign * t.cos() * t, sign * t.sin() * t), dim=1) / 10
    return points + 0.02 * torch.randn(n, 2), label


class Net(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.bn = nn.BatchNorm1d(hidden)
        self.drop = nn.Dropout(0.1)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        x = torch.relu(self.bn(self.fc1(x)))
        x = self.drop(torch.tanh(self.fc2(x)))
        return self.out(x)


model = Net().to(device)
criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
optimizer = optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=20, gamma=0.5)
x, y = spirals(256)
for epoch in range(40):
    model.train()
    total = 0.0
    for i in range(0, len(x), 64):
        data, target = x[i : i + 64].to(device), y[i : i + 64].to(device)
        optimizer.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(data)
    scheduler.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch} loss {total / len(x):.5f} lr {scheduler.get_last_lr()[0]:.4f}")
model.eval()
with torch.no_grad():
    prediction = model(x).argmax(dim=1)
    print("accuracy", (prediction == y).float().mean().item() > 0.6)
