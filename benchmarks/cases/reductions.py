"""Sums, extrema, softmax, norms and losses."""

from benchmarks.case import Case, Group


def of(expression, shape=(2048, 2048)):
    """An expression of one tensor, which it must read."""

    def program(torch):
        x = torch.randn(*shape)
        return lambda: expression(torch, x)

    count = 4.0
    for size in shape:
        count *= size
    return {"program": program, "bytes": count}


def layer(make, *shape, backward=True):
    """A module forward and, if asked for, backward."""

    def program(torch):
        module, x = make(torch.nn), torch.randn(*shape, requires_grad=backward)
        g = torch.ones(*shape)

        def call():
            result = module(x)
            if backward:
                x.grad = None
                result.backward(g)

        return call

    return program


def loss(function, classes=1000, batch=1024, integers=False):
    """A loss forward and backward."""

    def program(torch):
        x = torch.randn(batch, classes, requires_grad=True)
        target = torch.randint(classes, (batch,)) if integers else torch.rand(batch, classes)

        def call():
            x.grad = None
            function(torch.nn.functional, x, target).backward()

        return call

    return program


REDUCTIONS = Group(
    "reductions",
    "reductions, softmax, norms, losses",
    [
        Case("sum, 4M", **of(lambda t, x: x.sum())),
        Case("sum over rows", **of(lambda t, x: x.sum(1))),
        Case("sum over columns", **of(lambda t, x: x.sum(0))),
        Case("mean, 64k", **of(lambda t, x: x.mean(), (256, 256))),
        Case("max", **of(lambda t, x: x.max())),
        Case("max over rows, with places", **of(lambda t, x: x.max(1))),
        Case("argmax over columns", **of(lambda t, x: x.argmax(0))),
        Case("var over rows", **of(lambda t, x: x.var(1))),
        Case("norm", **of(lambda t, x: x.norm())),
        Case("logsumexp over rows", **of(lambda t, x: x.logsumexp(1))),
        Case("any", **of(lambda t, x: (x > 100).any())),
        Case("softmax over rows", **of(lambda t, x: x.softmax(1))),
        Case("softmax over columns", **of(lambda t, x: x.softmax(0))),
        Case("log_softmax, 1000 classes", **of(lambda t, x: x.log_softmax(1), (1024, 1000))),
        Case("softmax and backward", layer(lambda nn: nn.Softmax(-1), 1024, 1000)),
        Case("LayerNorm", layer(lambda nn: nn.LayerNorm(512), 4096, 512, backward=False)),
        Case("LayerNorm and backward", layer(lambda nn: nn.LayerNorm(512), 4096, 512)),
        Case("RMSNorm and backward", layer(lambda nn: nn.RMSNorm(512), 4096, 512)),
        Case("BatchNorm2d and backward", layer(lambda nn: nn.BatchNorm2d(64), 32, 64, 28, 28)),
        Case("GroupNorm and backward", layer(lambda nn: nn.GroupNorm(8, 64), 32, 64, 28, 28)),
        Case("cross_entropy and backward", loss(lambda F, x, y: F.cross_entropy(x, y), integers=True)),
        Case("mse_loss and backward", loss(lambda F, x, y: F.mse_loss(x, y))),
        Case("bce_with_logits and backward", loss(lambda F, x, y: F.binary_cross_entropy_with_logits(x, y))),
    ],
    mean=0.8,
    worst=1.5,
)
