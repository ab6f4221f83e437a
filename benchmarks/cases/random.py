"""Random numbers and dropout: PyTorch's own stream, faster."""

from benchmarks.case import Case, Group


def filled(expression):
    """An expression of a tensor of 1M elements."""

    def program(torch):
        x = torch.rand(1_000_000)
        return lambda: expression(torch, x)

    return program


def _dropout(torch):
    x = torch.randn(1_000_000, requires_grad=True)
    g = torch.ones(1_000_000)

    def call():
        x.grad = None
        torch.nn.functional.dropout(x, 0.3).backward(g)

    return call


RANDOM = Group(
    "random",
    "random numbers, 1M",
    [
        Case("rand", filled(lambda t, x: t.rand(1_000_000))),
        Case("randn", filled(lambda t, x: t.randn(1_000_000))),
        Case("randint", filled(lambda t, x: t.randint(100, (1_000_000,)))),
        Case("randperm", filled(lambda t, x: t.randperm(1_000_000))),
        Case("uniform_", filled(lambda t, x: x.uniform_(-1, 1))),
        Case("normal_", filled(lambda t, x: x.normal_())),
        Case("bernoulli", filled(lambda t, x: x.bernoulli_(0.3))),
        Case("exponential_", filled(lambda t, x: x.exponential_())),
        Case("dropout", filled(lambda t, x: t.nn.functional.dropout(x, 0.3))),
        Case("dropout and backward", _dropout),
    ],
    mean=0.5,
    worst=0.5,
)
