"""What `python -m numbatorch.demo` does, written with PyTorch: same data, network, optimiser, batches and
progress bar.

It draws no picture, which the demo does where matplotlib is installed.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

DATA = Path(__file__).parents[1] / "numbatorch" / "vision" / "data" / "digits.npz"


class Digits(Dataset):
    def __init__(self, train):
        with np.load(DATA) as file:
            images, labels = file["images"], file["labels"]
        is_test = np.zeros(len(labels), dtype=bool)
        is_test[np.argsort(labels, kind="stable")[::5]] = True
        chosen = ~is_test if train else is_test
        self.data = torch.from_numpy(images[chosen, None].astype(np.float32) / 16)
        self.targets = torch.from_numpy(labels[chosen].astype(np.int64))

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        return self.data[index], int(self.targets[index])


def network():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 256),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(256, 256),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(256, 10),
    )


def predict(model, images):
    model.eval()
    with torch.no_grad():
        return model(images).argmax(1).numpy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    training, test = Digits(train=True), Digits(train=False)
    images, digits = test.data, test.targets.numpy()
    loader = DataLoader(training, batch_size=64, shuffle=True)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with tqdm(total=options.epochs * len(loader), desc="training", unit="step") as bar:
        for epoch in range(options.epochs):
            model.train()
            losses = []
            for batch, targets in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(batch), targets)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                bar.update()
            accuracy = (predict(model, images) == digits).mean()
            bar.set_postfix(epoch=epoch + 1, loss=f"{np.mean(losses):.4f}", accuracy=f"{accuracy:.1%}")
    read = predict(model, images)
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (digits, read), 1)
    print(confusion)
    print(f"test accuracy {accuracy:.2%}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.pt"
        torch.save(model.state_dict(), path)
        reloaded = network()
        reloaded.load_state_dict(torch.load(path))
        assert np.array_equal(predict(reloaded, images), read)


if __name__ == "__main__":
    main()
