"""A Dataset of one's own, a DataLoader, checkpoints: training that is broken off and goes on as if it had not been."""

import copy
import os
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Waves(Dataset):
    def __init__(self, n, transform=None):
        generator = torch.Generator().manual_seed(17)
        self.phase = torch.rand(n, generator=generator) * 6
        self.transform = transform

    def __len__(self):
        return len(self.phase)

    def __getitem__(self, index):
        sample = {"x": torch.sin(torch.arange(8.0) + self.phase[index]), "y": self.phase[index].cos()}
        return self.transform(sample) if self.transform else sample


def double(sample):
    return {**sample, "x": sample["x"] * 2}


def build():
    torch.manual_seed(17)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    return model, torch.optim.Adam(model.parameters(), lr=1e-2)


def train(model, optimizer, loader, epochs):
    for epoch in epochs:
        total = 0.0
        for batch in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch["x"]).squeeze(1), batch["y"])
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: {total / len(loader):.5f}")


def main():
    torch.manual_seed(0)
    train_set, test_set = random_split(Waves(96, transform=double), [80, 16])
    loader = DataLoader(train_set, batch_size=16, shuffle=True, drop_last=True, num_workers=0)
    path = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")

    model, optimizer = build()
    train(model, optimizer, loader, range(3))
    torch.save(
        {
            "epoch": 3,
            "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(),
            "rng": torch.get_rng_state(),
        },
        path,
    )
    before = copy.deepcopy(model.state_dict())
    train(model, optimizer, loader, range(3, 5))
    straight = [p.detach().clone() for p in model.parameters()]

    model, optimizer = build()
    checkpoint = torch.load(path, weights_only=True)
    print(model.load_state_dict(checkpoint["model_state_dict"]))
    optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
    torch.set_rng_state(checkpoint["rng"])
    assert all(torch.equal(a, b) for a, b in zip(before.values(), model.state_dict().values()))
    train(model, optimizer, loader, range(checkpoint["epoch"], 5))
    print("the same:", all(torch.equal(a, b) for a, b in zip(straight, model.parameters())))
    model.eval()
    with torch.no_grad():
        errors = [(model(s["x"]) - s["y"]).abs().item() for s in test_set]
    print(f"test {sum(errors) / len(errors):.4f}")


if __name__ == "__main__":
    main()
