"""Recurrent layers: inference, and a training step."""

from benchmarks.case import Case, Group

SIZES = [  # steps, batch, inputs, hidden, layers
    (28, 64, 28, 128, 1),
    (50, 32, 128, 256, 2),
    (100, 20, 64, 512, 1),
    (20, 8, 32, 64, 1),
]


def of(name, steps, batch, inputs, hidden, layers, train):
    """A layer of `nn` over a sequence; in training with the gradients of all parameters."""

    def program(torch):
        layer, x = getattr(torch.nn, name)(inputs, hidden, layers), torch.randn(steps, batch, inputs)

        def training():
            layer.zero_grad()
            layer(x)[0].sum().backward()

        def inference():
            with torch.no_grad():
                layer(x)

        return training if train else inference

    words = f"{name} {inputs} to {hidden}, {layers} x {steps} steps of {batch}"
    return Case(f"{words}{', training' * train}", program)


RECURRENCE = Group(
    "recurrence",
    "recurrent layers",
    [
        of(name, *sizes, train)
        for name in ("LSTM", "GRU", "RNN")
        for sizes in SIZES
        for train in (False, True)
    ],
    mean=1.0,
    worst=1.5,
)
