"""Normalisation, losses and bags of embeddings, as networks use them: forward, and with gradients."""

from benchmarks.case import Group, both_ways


def norm(name, shape, *weights, **options):
    """A normalisation, named as in `nn.functional`, of a tensor and weights of these shapes."""

    def make(torch):
        function = getattr(torch.nn.functional, name)
        return lambda x, *more: function(x, *options["args"], *more), [shape, *weights]

    return both_ways(f"{name}, {' x '.join(map(str, shape))}", make)


def batch_norm(*shape):
    def make(torch):
        function = torch.nn.functional.batch_norm
        return lambda x, w, b: function(x, None, None, w, b, True), [shape, (shape[1],), (shape[1],)]

    return both_ways(f"batch_norm, {' x '.join(map(str, shape))}", make)


def loss(name, *shape, target, **options):
    """A loss of predictions of this shape; `target(torch)` makes what they should have been."""

    def make(torch):
        function, y = getattr(torch.nn.functional, name), target(torch)
        return lambda x: function(x, y, **options), [shape]

    return both_ways(f"{name}, {' x '.join(map(str, shape))}", make)


def _group_norm(torch):
    function = torch.nn.functional.group_norm
    return lambda x, w, b: function(x, 8, w, b), [(32, 64, 28, 28), (64,), (64,)]


def _ctc(torch):
    labels, lengths = torch.randint(1, 28, (16, 20)), (torch.full((16,), 100), torch.full((16,), 20))
    function = torch.nn.functional.ctc_loss
    return lambda x: function(x.log_softmax(2), labels, *lengths), [(100, 16, 28)]


def _bags(torch):
    bags, function = torch.randint(1000, (4096, 10)), torch.nn.functional.embedding_bag
    return lambda w: function(bags, w, mode="sum"), [(1000, 64)]


NORMS = Group(
    "norms",
    "norms and losses, more of them",
    [
        *norm("layer_norm", (4096, 768), (768,), (768,), args=[(768,)]),
        *norm("layer_norm", (64, 128), (128,), (128,), args=[(128,)]),
        *norm("rms_norm", (4096, 768), (768,), args=[(768,)]),
        *norm("instance_norm", (32, 64, 28, 28), args=[]),
        *both_ways("group_norm, 32 x 64 x 28 x 28", _group_norm),
        *batch_norm(32, 64, 28, 28),
        *batch_norm(1024, 256),
        *loss("cross_entropy", 128, 10, target=lambda t: t.randint(10, (128,))),
        *loss("cross_entropy", 4, 21, 64, 64, target=lambda t: t.randint(21, (4, 64, 64))),
        *loss("l1_loss", 1024, 1024, target=lambda t: t.randn(1024, 1024)),
        *loss("smooth_l1_loss", 1024, 1024, target=lambda t: t.randn(1024, 1024)),
        *loss("kl_div", 1024, 1024, target=lambda t: t.rand(1024, 1024), reduction="batchmean"),
        *both_ways("ctc_loss, 100 x 16 x 28", _ctc),
        *both_ways("embedding_bag, 4096 x 10 of 64", _bags),
    ],
    mean=0.8,
    worst=1.5,
)
