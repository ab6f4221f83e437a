"""Small models: a perceptron and LeNet."""

from __future__ import annotations

from collections.abc import Sequence

from numbatorch import nn
from numbatorch.tensor import Tensor


class MLP(nn.Sequential):
    """A multi-layer perceptron: Linear, ReLU and so on through `hidden_channels`, the last of which is what
    comes out; (..., C, H, W) is flattened before.

    >>> MLP(784, [128, 10])(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, in_channels: int, hidden_channels: Sequence[int], dropout: float = 0.0) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        for width in hidden_channels[:-1]:
            layers += [nn.Linear(in_channels, width), nn.ReLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
            in_channels = width
        super().__init__(*layers, nn.Linear(in_channels, hidden_channels[-1]))


class LeNet(nn.Module):
    """LeNet-5 for images of 28 x 28: two convolutions with pooling, three linear layers.

    Source: Y. LeCun and others, "Gradient-based learning applied to document recognition" (1998).
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu()).flatten(1)
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())
