"""Linear algebra, of one matrix and of stacks."""

from benchmarks.case import Case, Group


def of(name, *shape):
    """A function of `linalg` on a stack of positive definite matrices, which is also the right side of systems."""

    def program(torch):
        a = torch.rand(*shape) / shape[-1]
        a = a + a.mT + 3 * torch.eye(shape[-1])
        function = getattr(torch.linalg, name)
        more = (a,) if "solve" in name else ()
        names = {"upper": True} if name == "solve_triangular" else {}
        return lambda: function(a, *more, **names)

    return Case(f"{name}, {' x '.join(map(str, shape))}", program)


LINALG = Group(
    "linalg",
    "linear algebra",
    [
        of(name, *shape)
        for name in ("inv", "det", "solve", "lu_factor", "solve_triangular", "cholesky", "matrix_exp")
        for shape in ((3, 3), (64, 64), (512, 512), (10_000, 3, 3), (1000, 32, 32), (100, 128, 128))
    ]
    + [of(name, n, n) for name in ("qr", "svd", "eigh") for n in (3, 64, 256)],
    mean=1.0,
    worst=2.0,
)
