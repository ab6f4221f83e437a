"""Order, counts and places among 1M elements; joining."""

from benchmarks.case import Case, Group


class Elements:
    """The 1M elements that the lines work on, as tensors of a library."""

    def __init__(self, library):
        self.library = library
        self.x = library.randn(1_000_000)
        self.matrix = self.x.view(1000, 1000)
        self.ordered = self.x[:1000].sort()[0]
        self.large = library.randint(1 << 62, (1_000_000,))
        self.small = library.randint(1000, (1_000_000,))
        self.places, self.rows = self.small.view(1000, 1000), self.small[:1000]
        self.mask, self.sums = self.matrix > 0, library.zeros(1000, 1000)


def case(name, expression):
    """A line: an expression of `Elements`."""

    def program(torch):
        e = Elements(torch)
        return lambda: expression(e)

    return Case(name, program)


INDEXING = Group(
    "indexing",
    "order and places of 1M elements, joining",
    [
        case("sort", lambda e: e.x.sort()),
        case("sort int64", lambda e: e.large.sort()),
        case("sort over rows", lambda e: e.matrix.sort(1)),
        case("argsort", lambda e: e.x.argsort()),
        case("topk 10", lambda e: e.x.topk(10)),
        case("topk 10 over rows", lambda e: e.matrix.topk(10)),
        case("kthvalue", lambda e: e.x.kthvalue(300_000)),
        case("median", lambda e: e.x.median()),
        case("unique", lambda e: e.x.unique()),
        case("unique int64", lambda e: e.small.unique()),
        case("cumsum over rows", lambda e: e.matrix.cumsum(1)),
        case("cumsum over columns", lambda e: e.matrix.cumsum(0)),
        case("bincount", lambda e: e.small.bincount()),
        case("searchsorted", lambda e: e.library.searchsorted(e.ordered, e.x)),
        case("one_hot", lambda e: e.library.nn.functional.one_hot(e.rows, 1000)),
        case("gather, dim 0", lambda e: e.matrix.gather(0, e.places)),
        case("gather, dim 1", lambda e: e.matrix.gather(1, e.places)),
        case("scatter_add, dim 0", lambda e: e.sums.scatter_add_(0, e.places, e.matrix)),
        case("scatter_add, dim 1", lambda e: e.sums.scatter_add_(1, e.places, e.matrix)),
        case("index_select, rows", lambda e: e.matrix.index_select(0, e.rows)),
        case("index_select, columns", lambda e: e.matrix.index_select(1, e.rows)),
        case("index_put, accumulate", lambda e: e.sums.view(-1).index_put_((e.small,), e.x, accumulate=True)),
        case("embedding", lambda e: e.library.nn.functional.embedding(e.rows, e.matrix)),
        case("masked_select", lambda e: e.matrix.masked_select(e.mask)),
        case("masked_fill", lambda e: e.matrix.masked_fill(e.mask, 1.0)),
        case("where", lambda e: e.library.where(e.mask, e.matrix, 0.0)),
        case("nonzero", lambda e: e.mask.nonzero()),
        case("nonzero float32", lambda e: e.matrix.nonzero()),
        case("cat, dim 0", lambda e: e.library.cat((e.matrix, e.sums), 0)),
        case("cat, dim 1", lambda e: e.library.cat((e.matrix, e.sums), 1)),
        case("stack", lambda e: e.library.stack((e.matrix, e.sums))),
        case("flip", lambda e: e.matrix.flip(1)),
        case("roll", lambda e: e.matrix.roll(3, 1)),
        case("repeat_interleave", lambda e: e.matrix.repeat_interleave(2, 1)),
        case("tril", lambda e: e.matrix.tril()),
    ],
    mean=0.8,
    worst=1.5,
)
