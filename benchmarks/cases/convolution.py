"""Convolution and pooling, forward and backward."""

from benchmarks.case import Case, Group


def module(make, *shape, backward=False):
    """A module forward, or forward and backward."""

    def program(torch):
        layer, x = make(torch.nn), torch.randn(*shape, requires_grad=backward)
        g = torch.ones_like(layer(x))

        def call():
            result = layer(x)
            if backward:
                layer.zero_grad()
                x.grad = None
                result.backward(g)

        return call

    return program


LAYERS = {
    "3x3, 64 of 56 x 56": (lambda nn: nn.Conv2d(64, 64, 3, padding=1), (4, 64, 56, 56)),
    "3x3, 128 of 28 x 28": (lambda nn: nn.Conv2d(128, 128, 3, padding=1), (4, 128, 28, 28)),
    "3x3, 256 of 14 x 14": (lambda nn: nn.Conv2d(256, 256, 3, padding=1), (4, 256, 14, 14)),
    "3x3 stride 2, 64 to 128": (lambda nn: nn.Conv2d(64, 128, 3, stride=2, padding=1), (4, 64, 56, 56)),
    "7x7 stride 2, 3 to 64": (lambda nn: nn.Conv2d(3, 64, 7, stride=2, padding=3), (4, 3, 224, 224)),
    "1x1, 256 to 64": (lambda nn: nn.Conv2d(256, 64, 1), (4, 256, 56, 56)),
    "3x3, 1 to 16, MNIST": (lambda nn: nn.Conv2d(1, 16, 3, padding=1), (64, 1, 28, 28)),
    "5x5, 32 to 64, MNIST": (lambda nn: nn.Conv2d(32, 64, 5), (64, 32, 14, 14)),
    "depthwise 3x3, 64": (lambda nn: nn.Conv2d(64, 64, 3, padding=1, groups=64), (4, 64, 56, 56)),
    "transposed 4x4 stride 2": (
        lambda nn: nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        (8, 64, 16, 16),
    ),
    "1-d, 5, 64 to 64": (lambda nn: nn.Conv1d(64, 64, 5, padding=2), (16, 64, 256)),
}
POOLING = {
    "max 2x2": (lambda nn: nn.MaxPool2d(2), (32, 64, 28, 28)),
    "max 3x3 stride 2": (lambda nn: nn.MaxPool2d(3, 2, 1), (4, 64, 112, 112)),
    "mean 2x2": (lambda nn: nn.AvgPool2d(2), (32, 64, 28, 28)),
    "adaptive mean to 1": (lambda nn: nn.AdaptiveAvgPool2d(1), (32, 512, 7, 7)),
}

CONVOLUTION = Group(
    "convolution",
    "convolution and pooling",
    [
        *(Case(name, module(make, *shape)) for name, (make, shape) in LAYERS.items()),
        *(Case(f"{n}, and backward", module(make, *s, backward=True)) for n, (make, s) in LAYERS.items()),
        *(Case(f"pooling, {name}", module(make, *shape)) for name, (make, shape) in POOLING.items()),
        *(Case(f"pooling, {n}, and backward", module(m, *s, backward=True)) for n, (m, s) in POOLING.items()),
    ],
    mean=1.0,
    worst=1.5,
)
