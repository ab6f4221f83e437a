"""How cost grows with the size of a problem: curves, whose points are cases."""

from benchmarks.case import Case, Group
from benchmarks.cases.training import adam, gpt, perceptron


def curve(name, title, axis, make, sizes):
    """A group of one program at many sizes; `make(size)` gives the program."""
    cases = [Case(f"{axis} {size}", make(size), size=size) for size in sizes]
    return Group(name, f"growth: {title}", cases, axis=axis)


def product(n):
    def program(torch):
        a, b = torch.randn(n, n), torch.randn(n, n)
        return lambda: a @ b

    return program


def classifier(batch):
    return perceptron(784, 256, 128, 10, batch=batch, optimizer=adam)


def transformer(length):
    return lambda torch: gpt(torch, length=length, batch=2)


def chain(ops):
    """A graph of so many nodes, of small tensors, there and back."""

    def program(torch):
        x = torch.ones(8, requires_grad=True)

        def call():
            x.grad, y = None, x
            for _ in range(ops):
                y = y * 1.01
            y.sum().backward()

        return call

    return program


GROWTH = (
    curve("growth-gemm", "product of n x n matrices", "n", product, (64, 128, 256, 512, 1024, 2048)),
    curve("growth-batch", "training step of an MLP", "batch", classifier, (16, 32, 64, 128, 256, 512, 1024)),
    curve("growth-length", "training step of a GPT", "length", transformer, (32, 64, 128, 256, 512)),
    curve("growth-graph", "ops in a graph", "ops", chain, (10, 30, 100, 300, 1000, 3000)),
)
