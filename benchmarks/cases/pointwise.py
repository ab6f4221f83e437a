"""Elements: from 64k to 4M of them, in several layouts and dtypes."""

from benchmarks.case import Case, Group

SIDE = {"64k": 256, "1M": 1024, "4M": 2048}


def of(expression, size="4M", dtype="float32", layout="contiguous", operands=2, result=None):
    """A case: an expression of two square matrices in a layout. It must read its operands and write its result."""

    def program(torch):
        n = SIDE[size]
        x, y = (torch.rand(n, n).mul_(2).sub_(0.9).to(getattr(torch, dtype)) for _ in range(2))
        if layout == "transposed":
            x = x.t()
        elif layout == "strided":
            x = torch.rand(n, 2 * n).to(x.dtype)[:, ::2]
        elif layout == "row":
            y = y[0]
        elif layout == "column":
            y = y[:, :1]
        return lambda: expression(torch, x, y)

    wide = {"float32": 4, "float64": 8, "int64": 8, "int32": 4, "bfloat16": 2, "float16": 2}[dtype]
    read = 1 + (operands == 2 and layout not in ("row", "column"))
    return program, SIDE[size] ** 2 * (read * wide + (result or wide))


def case(name, *args, **kwargs):
    program, moved = of(*args, **kwargs)
    return Case(name, program, bytes=moved)


def add(torch, x, y):
    return x + y


def both(loss):
    """Forward and backward of an expression of one matrix."""

    def program(torch, n=1024):
        x = torch.rand(n, n).sub_(0.5).requires_grad_()
        g = torch.ones(n, n)

        def call():
            x.grad = None
            loss(torch, x).backward(g)

        return call

    return program


POINTWISE = Group(
    "pointwise",
    "pointwise operations",
    [
        case("x + y, 64k", add, "64k"),
        case("x + y, 1M", add, "1M"),
        case("x + y, 4M", add),
        case("x + row", add, layout="row"),
        case("x + column", add, layout="column"),
        case("x.t() + y", add, layout="transposed"),
        case("x[:, ::2] + y", add, layout="strided"),
        case("x + y, float64", add, dtype="float64"),
        case("x + y, int64", add, dtype="int64"),
        case("x + y, bfloat16", add, dtype="bfloat16"),
        case("x + y, float16", add, dtype="float16"),
        case("x.add_(y)", lambda t, x, y: x.add_(y)),
        case("x * 2.0", lambda t, x, y: x * 2.0, operands=1),
        case("x / y", lambda t, x, y: x / y),
        case("x < y", lambda t, x, y: x < y, result=1),
        case("addcmul", lambda t, x, y: t.addcmul(x, x, y, value=0.5)),
        case("lerp", lambda t, x, y: t.lerp(x, y, 0.3)),
        case("where", lambda t, x, y: t.where(x < y, x, y)),
        case("clamp", lambda t, x, y: x.clamp(-0.5, 0.5), operands=1),
        case("abs", lambda t, x, y: x.abs(), operands=1),
        case("sqrt", lambda t, x, y: x.sqrt(), operands=1),
        case("exp, 64k", lambda t, x, y: x.exp(), "64k", operands=1),
        case("exp", lambda t, x, y: x.exp(), operands=1),
        case("exp, float64", lambda t, x, y: x.exp(), dtype="float64", operands=1),
        case("log", lambda t, x, y: x.log(), operands=1),
        case("sin", lambda t, x, y: x.sin(), operands=1),
        case("tanh", lambda t, x, y: x.tanh(), operands=1),
        case("tanh of x.t()", lambda t, x, y: x.tanh(), layout="transposed", operands=1),
        case("sigmoid", lambda t, x, y: x.sigmoid(), operands=1),
        case("sigmoid, bfloat16", lambda t, x, y: x.sigmoid(), dtype="bfloat16", operands=1),
        case("relu", lambda t, x, y: x.relu(), operands=1),
        case("gelu", lambda t, x, y: t.nn.functional.gelu(x), operands=1),
        case("silu", lambda t, x, y: t.nn.functional.silu(x), operands=1),
        case("pow 3", lambda t, x, y: x**3, operands=1),
        case("x ** y", lambda t, x, y: x.abs() ** y),
        case("to float64", lambda t, x, y: x.double(), operands=1, result=8),
        case("copy of x.t()", lambda t, x, y: x.contiguous(), layout="transposed", operands=1),
        Case("gelu, 1M, and backward", both(lambda t, x: t.nn.functional.gelu(x))),
        Case("tanh, 1M, and backward", both(lambda t, x: x.tanh())),
    ],
    mean=0.7,
    worst=1.2,
)
