"""Whole training steps, eager: forward, loss, backward, update."""

import itertools

from benchmarks.case import Case, Group


def step(model, inputs, targets, loss, optimizer):
    """A case's function: one step of training on a batch that stays the same."""

    def call():
        optimizer.zero_grad()
        loss(model(inputs), targets).backward()
        optimizer.step()

    return call


def perceptron(*widths, batch, optimizer):
    """Linear layers with ReLU between them, as a classifier."""

    def program(torch):
        nn = torch.nn
        layers = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        model = nn.Sequential(*layers[:-1])
        x, y = torch.randn(batch, widths[0]), torch.randint(widths[-1], (batch,))
        return step(model, x, y, nn.functional.cross_entropy, optimizer(torch, model.parameters()))

    return program


def sgd(torch, parameters):
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def adam(torch, parameters):
    return torch.optim.Adam(parameters, lr=1e-3)


def _cnn(torch):
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 10),
    )
    x, y = torch.randn(64, 1, 28, 28), torch.randint(10, (64,))
    return step(model, x, y, nn.functional.cross_entropy, adam(torch, model.parameters()))


def _lstm(torch):
    nn = torch.nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(100, 64)
            self.lstm = nn.LSTM(64, 128, batch_first=True)
            self.head = nn.Linear(128, 100)

        def forward(self, x):
            return self.head(self.lstm(self.embedding(x))[0]).transpose(1, 2)

    model = Model()
    x, y = torch.randint(100, (32, 50)), torch.randint(100, (32, 50))
    return step(model, x, y, nn.functional.cross_entropy, adam(torch, model.parameters()))


def gpt(torch, layers=2, width=128, heads=4, length=128, batch=8, vocabulary=256):
    """A step of a small GPT."""
    nn = torch.nn
    F = nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            b, t, c = x.shape
            parts = self.qkv(self.norm1(x)).view(b, t, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

        def forward(self, x):
            h = self.tokens(x) + self.places(torch.arange(x.shape[1]))
            return self.head(self.norm(self.blocks(h))).transpose(1, 2)

    model = Model()
    x, y = (torch.randint(vocabulary, (batch, length)) for _ in range(2))
    return step(model, x, y, F.cross_entropy, torch.optim.AdamW(model.parameters(), lr=1e-3))


TRAINING = Group(
    "training",
    "training steps",
    [
        Case("MLP 64-64-10, batch 32, SGD", perceptron(64, 64, 10, batch=32, optimizer=sgd)),
        Case("MLP 784-256-128-10, batch 128, Adam", perceptron(784, 256, 128, 10, batch=128, optimizer=adam)),
        Case("MLP 1024-2048-2048-10, batch 256", perceptron(1024, 2048, 2048, 10, batch=256, optimizer=sgd)),
        Case("CNN, 28 x 28, batch 64, Adam", _cnn),
        Case("LSTM 128, 50 steps, batch 32, Adam", _lstm),
        Case("GPT, 2 layers of 128, 8 x 128 tokens", gpt),
    ],
    mean=0.75,
    worst=1.0,
)
