"""A step of every optimiser over 5M parameters."""

from benchmarks.case import Case, Group

SHAPES = [(1000, 1000)] * 4 + [(500, 1000)] * 2 + [(1000,)] * 6


def of(name, **options):
    """A step; PyTorch's fused kernel where `fused` asks for it."""

    def program(torch):
        parameters = [torch.randn(*shape, requires_grad=True) for shape in SHAPES]
        for parameter in parameters:
            parameter.grad = torch.randn(*parameter.shape)
        return getattr(torch.optim, name)(parameters, **options).step

    return Case(", ".join([name, *(option for option in options if option != "lr")]), program)


OPTIMIZERS = Group(
    "optimizers",
    "optimisers, 5M parameters",
    [
        of("SGD", lr=0.1),
        of("SGD", lr=0.1, momentum=0.9),
        *(of(name) for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop")),
        *(of(name) for name in ("Adagrad", "Adadelta", "ASGD")),
        of("SGD", lr=0.1, fused=True),
        of("Adam", fused=True),
        of("AdamW", fused=True),
    ],
    mean=0.8,
    worst=1.2,
)
