"""Products of matrices: large ones, and those of everyday networks."""

from benchmarks.case import Case, Group


def square(n, dtype="float32", layout="nn"):
    """The product of two n x n matrices; a "t" for an operand that is transposed in memory."""

    def program(torch):
        a, b = (torch.randn(n, n, dtype=getattr(torch, dtype)) for _ in range(2))
        a, b = (m.t() if way == "t" else m for m, way in zip((a, b), layout, strict=True))
        return lambda: a @ b

    ways = "".join("'" if way == "t" else " " for way in layout).strip()
    name = f"{n} {dtype}" + (f", {layout}" if ways else "")
    single = dtype == "float32"
    return Case(
        name,
        program,
        flops=2 * n**3,
        limit=0.7 if single else 0.9,
        of_peak=0.8 if single and n == 2048 else 0,
    )


def of(expression, *shapes, flops=0.0):
    """An expression of tensors of these shapes."""

    def program(torch):
        operands = [torch.randn(*shape) for shape in shapes]
        return lambda: expression(torch, *operands)

    return {"program": program, "flops": flops}


def linear(rows, inputs, outputs, backward):
    """A linear layer, forward or with both gradients."""

    def program(torch):
        layer, x = torch.nn.Linear(inputs, outputs), torch.randn(rows, inputs, requires_grad=backward)
        g = torch.ones(rows, outputs)

        def call():
            result = layer(x)
            if backward:
                layer.zero_grad()
                x.grad = None
                result.backward(g)

        return call

    return {"program": program, "flops": 2.0 * rows * inputs * outputs * (3 if backward else 1)}


def attention(length, causal, backward=False, heads=32, size=64):
    """Scaled dot product attention."""

    def program(torch):
        q, k, v = (torch.randn(1, heads, length, size, requires_grad=backward) for _ in range(3))
        g = torch.ones(1, heads, length, size)

        def call():
            result = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
            if backward:
                q.grad = k.grad = v.grad = None
                result.backward(g)

        return call

    products = 7 if backward else 2
    return {"program": program, "flops": products * 2.0 * heads * length**2 * size / (2 if causal else 1)}


def mm(torch, a, b):
    return a @ b


GEMM = Group(
    "gemm",
    "large matrix products",
    [
        *(square(n) for n in (512, 1000, 1024, 2048)),
        *(square(1024, layout=layout) for layout in ("nt", "tn", "tt")),
        *(square(n, "float64") for n in (512, 1024)),
    ],
    mean=0.9,
    worst=0.9,
)
PRODUCTS = Group(
    "products",
    "small and batched products, linear, einsum, attention",
    [
        *(
            Case(f"{n} x {n}", **of(mm, (n, n), (n, n), flops=2.0 * n**3))
            for n in (16, 32, 64, 100, 128, 256)
        ),
        Case("matrix and vector, 1000", **of(mm, (1000, 1000), (1000,), flops=2e6)),
        Case("dot, 100k", **of(lambda t, a, b: a.dot(b), (100_000,), (100_000,), flops=2e5)),
        Case("64 x 784 @ 784 x 128", **of(mm, (64, 784), (784, 128), flops=2.0 * 64 * 784 * 128)),
        Case("bmm 64 of 64", **of(lambda t, a, b: a.bmm(b), *[(64, 64, 64)] * 2, flops=2.0 * 64**4)),
        Case("bmm 512 of 16", **of(lambda t, a, b: a.bmm(b), *[(512, 16, 16)] * 2, flops=2.0 * 512 * 16**3)),
        Case(
            "addmm", **of(lambda t, c, a, b: t.addmm(c, a, b), (256,), *[(256, 256)] * 2, flops=2.0 * 256**3)
        ),
        Case("Linear 64 x 784 -> 128", **linear(64, 784, 128, backward=False)),
        Case("Linear 64 x 784 -> 128 and backward", **linear(64, 784, 128, backward=True)),
        Case("Linear 1024 x 512 -> 512 and backward", **linear(1024, 512, 512, backward=True)),
        Case(
            "einsum bhid,bhjd->bhij",
            **of(
                lambda t, a, b: t.einsum("bhid,bhjd->bhij", a, b),
                *[(4, 8, 128, 64)] * 2,
                flops=2.0 * 32 * 128 * 128 * 64,
            ),
        ),
        Case("attention 256", **attention(256, causal=False)),
        Case("attention 1024", **attention(1024, causal=False, heads=8)),
        Case("attention 256, causal", **attention(256, causal=True)),
        Case("attention 256, causal, and backward", **attention(256, causal=True, backward=True)),
    ],
    mean=0.9,
    worst=1.3,
)
