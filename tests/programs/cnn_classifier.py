"""A convolutional network on small pictures of bars, as in every first tutorial."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)


def bars(n):
    images = 0.3 * torch.randn(n, 1, 16, 16)
    labels = torch.randint(0, 4, (n,))
    for image, label in zip(images, labels):
        k = int(label)
        if k == 0:
            image[0, 7:9, :] += 1
        elif k == 1:
            image[0, :, 7:9] += 1
        elif k == 2:
            image[0] += torch.eye(16)
        else:
            image[0] += torch.eye(16).flip(0)
    return images, labels


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 3 * 3, 32)
        self.fc2 = nn.Linear(32, 4)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.dropout(F.relu(self.fc1(x)), 0.2, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


def train(model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if batch_idx % 4 == 0:
            print(
                f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item():.6f}"
            )


def test(model, loader):
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            loss += F.nll_loss(output, target, reduction="sum").item()
            correct += (
                output.argmax(dim=1, keepdim=True)
                .eq(target.view_as(output.argmax(dim=1, keepdim=True)))
                .sum()
                .item()
            )
    print(
        f"Test: average loss {loss / len(loader.dataset):.4f}, more than half right: {correct > len(loader.dataset) / 2}"
    )


def main():
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    train_loader = DataLoader(TensorDataset(*bars(256)), batch_size=32, shuffle=True)
    test_loader = DataLoader(TensorDataset(*bars(64)), batch_size=64)
    for epoch in range(1, 4):
        train(model, train_loader, optimizer, epoch)
        test(model, test_loader)


if __name__ == "__main__":
    main()
