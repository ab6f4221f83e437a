"""What a call costs: operations on tensors so small that the arithmetic takes no time."""

from benchmarks.case import Case, Group


def binary(expression):
    """An expression of two 4 x 4 matrices."""

    def program(torch):
        a, b = torch.ones(4, 4), torch.ones(4, 4)
        return lambda: expression(a, b)

    return program


def recorded(expression):
    """The same where both take part in the tape."""

    def program(torch):
        a, b = torch.ones(4, 4, requires_grad=True), torch.ones(4, 4, requires_grad=True)
        return lambda: expression(a, b)

    return program


def _linear(torch):
    layer, x = torch.nn.Linear(4, 4), torch.ones(4, 4)
    return lambda: layer(x)


def _no_grad(torch):
    a = torch.ones(4, 4, requires_grad=True)

    def call():
        with torch.no_grad():
            return a * 2.0

    return call


OVERHEAD = Group(
    "overhead",
    "small operations, 4 x 4 float32",
    [
        Case("a + b", binary(lambda a, b: a + b)),
        Case("a * 2.0", binary(lambda a, b: a * 2.0)),
        Case("a / b", binary(lambda a, b: a / b)),
        Case("a < b", binary(lambda a, b: a < b)),
        Case("a += b", binary(lambda a, b: a.add_(b))),
        Case("a + row", binary(lambda a, b: a + b[0])),
        Case("relu", binary(lambda a, b: a.relu())),
        Case("exp", binary(lambda a, b: a.exp())),
        Case("sum", binary(lambda a, b: a.sum())),
        Case("mean over rows", binary(lambda a, b: a.mean(1))),
        Case("softmax", binary(lambda a, b: a.softmax(1))),
        Case("a @ b", binary(lambda a, b: a @ b)),
        Case("a[0]", binary(lambda a, b: a[0])),
        Case("a[:, 1:3]", binary(lambda a, b: a[:, 1:3])),
        Case("view", binary(lambda a, b: a.view(16))),
        Case("t", binary(lambda a, b: a.t())),
        Case("item", binary(lambda a, b: a[0, 0].item())),
        Case("clone", binary(lambda a, b: a.clone())),
        Case("a + b, recorded", recorded(lambda a, b: a + b)),
        Case("5 ops and backward", recorded(lambda a, b: ((a * b + a).relu() * b).sum().backward())),
        Case("Linear(4, 4)", _linear),
        Case("a * 2.0 under no_grad", _no_grad),
    ],
    mean=1.0,
    worst=1.5,
)
