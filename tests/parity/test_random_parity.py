"""Random tensors against PyTorch's: the same numbers, bit for bit, and the same state of the generator then.

Two things are compared up to rounding: normal numbers of float32, which PyTorch computes in another way where
it does not use AVX2, and the distributions whose logarithms and cosines are the C library's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbatorch as nt
from numbatorch import random
from numbatorch.ops import distributions
from numbatorch.ops import random as ops

torch = pytest.importorskip("torch")

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")
COMPLEX = ("complex64", "complex128")
SIZES = (0, 1, 7, 15, 16, 17, 33, 5003, 70001)
EPSILON = {"float16": 2e-3, "bfloat16": 1e-2, "float32": 1e-6, "complex64": 1e-6}


def array(tensor) -> np.ndarray:
    """The elements; bfloat16 as words."""
    if isinstance(tensor, torch.Tensor):
        return (tensor.view(torch.uint16) if tensor.dtype is torch.bfloat16 else tensor).numpy()
    return tensor.array


def numbers(tensor) -> np.ndarray:
    """The elements as float64 or complex128."""
    words = array(tensor)
    if words.dtype == np.uint16:
        words = (words.astype(np.uint32) << 16).view(np.float32)
    return words.astype(np.complex128 if words.dtype.kind == "c" else np.float64)


def check(theirs, ours, exact: bool = True, seed: int = 11) -> None:
    """Call both with the same seed; compare results and states."""
    torch.manual_seed(seed)
    random.manual_seed(seed)
    expected, found = theirs(), ours()
    assert tuple(found.shape) == tuple(expected.shape)
    assert str(found.dtype) == str(expected.dtype)
    if exact:
        assert array(found).tobytes() == array(expected).tobytes()
    else:
        tolerance = EPSILON.get(str(found.dtype).removeprefix("torch."), 1e-14)
        np.testing.assert_allclose(numbers(found), numbers(expected), tolerance, tolerance)
    assert np.array_equal(random.get_rng_state().array, torch.get_rng_state().numpy())


def fill(name: str, dtype: str, n: int, *args, exact: bool = True) -> None:
    """Compare the method `name` on empty tensors."""
    check(
        lambda: getattr(torch.empty(n, dtype=getattr(torch, dtype)), name)(*args),
        lambda: getattr(distributions, name)(nt.empty(n, dtype=getattr(nt, dtype)), *args),
        exact,
    )


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
def test_uniform_and_normal(dtype, n):
    fill("uniform_", dtype, n)
    fill("uniform_", dtype, n, -2.5, 0.7)
    fill("normal_", dtype, n, exact=False)
    fill("normal_", dtype, n, 3.0, 0.1, exact=False)
    ours, theirs = getattr(nt, dtype), getattr(torch, dtype)
    check(lambda: torch.rand(n, dtype=theirs), lambda: ops.rand(n, dtype=ours))
    check(lambda: torch.randn(n, dtype=theirs), lambda: ops.randn(n, dtype=ours), exact=False)


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() != "AVX2", reason="PyTorch computes otherwise")
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_normal_is_that_of_avx2_to_the_bit(dtype):
    fill("normal_", dtype, 2_000_000)
    fill("normal_", dtype, 100_007, 3.0, 0.1)


@pytest.mark.parametrize("n", [0, 1, 7, 5003])
@pytest.mark.parametrize("dtype", FLOATS)
def test_other_continuous_distributions(dtype, n):
    fill("exponential_", dtype, n, 1.7, exact=False)
    fill("log_normal_", dtype, n, 0.5, 0.25, exact=False)
    fill("geometric_", dtype, n, 0.3)
    torch.manual_seed(1)
    random.manual_seed(1)  # a tangent: large values, so compare what it is of
    theirs = torch.empty(n, dtype=torch.float64).cauchy_(1.0, 2.0)
    ours = distributions.cauchy_(nt.empty(n, dtype=nt.float64), 1.0, 2.0)
    np.testing.assert_allclose(np.arctan(ours.array), np.arctan(theirs.numpy()), 1e-12)


RANGES = [
    (0, 2), (-3, 9), (0, 2**27), (0, 2**28), (-5, 2**33), (-(2**60), 2**61 + 3), (0, 65504), (2049, 2060),
    (2**24 - 1, 2**24 + 9), (-(2**63), 2**63 - 1), (100, None), (0, None), (-(2**62), None), (-(2**63), None),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*out of bounds:UserWarning")
@pytest.mark.parametrize("n", [1, 7, 5003])
@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS, "bool"))
def test_random_(dtype, n):
    fill("random_", dtype, n)
    fitting = 0
    for bounds in RANGES:
        try:
            torch.empty(1, dtype=getattr(torch, dtype)).random_(*bounds)
        except (RuntimeError, NotImplementedError):
            with pytest.raises(RuntimeError):
                distributions.random_(nt.empty(1, dtype=getattr(nt, dtype)), *bounds)
        else:
            fill("random_", dtype, n, *bounds)
            fitting += 1
    assert fitting


@pytest.mark.parametrize("n", [1, 7, 5003, 70001])
@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS, "bool"))
def test_bernoulli(dtype, n):
    fill("bernoulli_", dtype, n)
    fill("bernoulli_", dtype, n, 0.1)


@pytest.mark.parametrize("p_type", FLOATS)
@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS, "bool"))
def test_bernoulli_of_tensors(dtype, p_type):
    p = np.random.default_rng(0).random(5003)
    theirs, ours = torch.from_numpy(p).to(getattr(torch, p_type)), nt.from_numpy(p).to(getattr(nt, p_type))
    check(
        lambda: torch.empty(5003, dtype=getattr(torch, dtype)).bernoulli_(theirs),
        lambda: distributions.bernoulli_(nt.empty(5003, dtype=getattr(nt, dtype)), ours),
    )
    check(lambda: torch.bernoulli(theirs), lambda: ops.bernoulli(ours))


@pytest.mark.parametrize("n", [0, 1, 2, 100, 127, 2000, 30_000])
@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS))
def test_randperm(dtype, n):
    if n > {"int8": 127, "uint8": 255, "float16": 2049}.get(dtype, n):
        pytest.skip("too many for the dtype")
    ours, theirs = getattr(nt, dtype), getattr(torch, dtype)
    check(lambda: torch.randperm(n, dtype=theirs), lambda: ops.randperm(n, dtype=ours))


@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS))
def test_randint(dtype):
    ours, theirs = getattr(nt, dtype), getattr(torch, dtype)
    check(lambda: torch.randint(3, 9, (5, 3), dtype=theirs), lambda: ops.randint(3, 9, (5, 3), dtype=ours))
    check(lambda: torch.randint(5, (50,), dtype=theirs), lambda: ops.randint(5, (50,), dtype=ours))


LAYOUTS = {
    "transposed": ((6, 7), lambda x: x.t()),
    "every other column": ((6, 8), lambda x: x[:, ::2]),
    "permuted": ((4, 5, 6), lambda x: x.permute(2, 0, 1)),
    "permuted, every other": ((4, 5, 6), lambda x: x.permute(1, 2, 0)[::2]),
    "with a dimension of one": ((5, 1, 6), lambda x: x.permute(2, 1, 0)),
    "part of a vector": ((40,), lambda x: x[3:39]),
    "part of four dimensions": ((2, 3, 4, 5), lambda x: x.permute(0, 2, 3, 1)[:, 1:3]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "complex64"])
def test_layouts(layout, dtype):
    """Memory is filled in its own order, and normal numbers of memory with gaps come one by one."""
    shape, view = LAYOUTS[layout]

    def compare(name: str, *args, exact: bool = True) -> None:
        def theirs():
            x = torch.zeros(shape, dtype=getattr(torch, dtype))
            getattr(view(x), name)(*args)
            return x

        def ours():
            x = nt.zeros(shape, dtype=getattr(nt, dtype))
            getattr(distributions, name)(view(x), *args)
            return x

        check(theirs, ours, exact)

    if dtype != "int64":
        compare("uniform_")
        compare("normal_", exact=False)
    if dtype != "complex64":
        compare("random_", 0, 100)
        compare("bernoulli_", 0.3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_like(layout):
    shape, view = LAYOUTS[layout]
    theirs, ours = view(torch.zeros(shape)), view(nt.zeros(shape))
    check(lambda: torch.rand_like(theirs), lambda: ops.rand_like(ours))
    check(lambda: torch.randn_like(theirs), lambda: ops.randn_like(ours), exact=False)
    check(lambda: torch.randint_like(theirs, 3, 9), lambda: ops.randint_like(ours, 3, 9))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.7])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_dropout_noise(layout, dtype, p):
    shape, view = LAYOUTS[layout]
    theirs = view(torch.ones(shape, dtype=getattr(torch, dtype)))
    ours = view(nt.ones(shape, dtype=getattr(nt, dtype)))
    check(lambda: torch.nn.functional.dropout(theirs, p), lambda: ours * ops.dropout_noise(ours, p))


def test_normal_of_tensors():
    mean = np.linspace(-3, 3, 20, dtype=np.float32)
    std = np.linspace(0, 2, 60, dtype=np.float32).reshape(3, 20)
    m, s = torch.from_numpy(mean), torch.from_numpy(std)
    mine, dev = nt.from_numpy(mean), nt.from_numpy(std)
    check(lambda: torch.normal(m, s), lambda: ops.normal(mine, dev), exact=False)
    check(lambda: torch.normal(m, 2.0), lambda: ops.normal(mine, 2.0), exact=False)
    check(lambda: torch.normal(1.5, s), lambda: ops.normal(1.5, dev), exact=False)
    check(lambda: torch.normal(1.5, 2.0, (30,)), lambda: ops.normal(1.5, 2.0, (30,)), exact=False)
    check(lambda: torch.normal(m.double(), s), lambda: ops.normal(mine.double(), dev), exact=False)


@pytest.mark.parametrize("how", [(1, False), (1, True), (7, False), (7, True), (10, False)])
@pytest.mark.parametrize("shape", [(10,), (4, 1000)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_multinomial(dtype, shape, how):
    weights = np.random.default_rng(0).random(shape).astype(dtype)
    theirs, ours = torch.from_numpy(weights), nt.from_numpy(weights)
    check(lambda: torch.multinomial(theirs, *how), lambda: nt.multinomial(ours, *how))


RATES = (0.0, 0.01, 0.7, 3.0, 9.99, 10.0, 55.5, 1e4, 1e7)
COUNTS = (0.0, 1.0, 5.0, 40.0, 1000.0, 1e6)
CHANCES = (0.0, 0.01, 0.3, 0.5, 0.77, 0.999, 1.0)


def drawn(values: tuple, dtype: str, seed: int) -> tuple[Any, Any]:
    """5000 of these values, in PyTorch and here."""
    chosen = np.random.default_rng(seed).choice(values, (50, 100))
    return torch.from_numpy(chosen).to(getattr(torch, dtype)), nt.from_numpy(chosen).to(getattr(nt, dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_poisson(dtype):
    theirs, ours = drawn(RATES[:-2] if dtype == "float16" else RATES, dtype, 0)
    check(lambda: torch.poisson(theirs), lambda: nt.poisson(ours))
    check(lambda: torch.poisson(theirs.t()), lambda: nt.poisson(ours.t()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_binomial(dtype):
    (n, count), (p, chance) = drawn(COUNTS, dtype, 0), drawn(CHANCES, dtype, 1)
    check(lambda: torch.binomial(n, p), lambda: nt.binomial(count, chance))
    check(lambda: torch.binomial(n, p[0]), lambda: nt.binomial(count, chance[0]))


SHAPES = (1e-4, 0.01, 0.3, 0.999, 1.0, 2.5, 100.0, 1e5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gamma_and_dirichlet(dtype):
    theirs, ours = drawn(SHAPES, dtype, 0)
    check(lambda: torch._standard_gamma(theirs), lambda: nt._standard_gamma(ours), exact=False)
    check(lambda: torch._sample_dirichlet(theirs), lambda: nt._sample_dirichlet(ours), exact=False)
    check(lambda: torch._standard_gamma(theirs.t()), lambda: nt._standard_gamma(ours.t()), exact=False)


def test_gradients_of_gamma_and_dirichlet_numbers():
    """PyTorch's are approximations, of two to three digits at worst."""
    theirs, ours = drawn((0.3, 1.0, 2.5, 9.0, 30.0), "float64", 0)
    dirichlet = torch.distributions.dirichlet._Dirichlet.apply
    for sample_theirs, sample in (
        (torch._standard_gamma, nt._standard_gamma),
        (dirichlet, nt._sample_dirichlet),
    ):
        grads = []
        for library, draw, parameters in ((torch, sample_theirs, theirs), (nt, sample, ours)):
            library.manual_seed(3)
            parameters.requires_grad_()
            (grad,) = library.autograd.grad(draw(parameters).square().sum(), parameters)
            grads.append(grad.numpy())
        np.testing.assert_allclose(grads[1], grads[0], rtol=1e-2, atol=1e-7 * np.abs(grads[0]).max())


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"])
def test_dropout_functions(name):
    values = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    for p, train in ((0.3, True), (0.0, True), (1.0, True), (0.5, False)):
        for function in (name, f"{name}_"):
            check(
                lambda: getattr(torch, function)(torch.from_numpy(values.copy()), p, train),  # noqa: B023
                lambda: getattr(nt, function)(nt.from_numpy(values.copy()), p, train),  # noqa: B023
                exact=False,
            )
    for train in (True, False, None):
        for k in range(2):
            check(
                lambda: torch.native_dropout(torch.from_numpy(values), 0.3, train)[k],  # noqa: B023
                lambda: nt.native_dropout(nt.from_numpy(values), 0.3, train)[k],  # noqa: B023
                exact=False,
            )


def test_gumbel_softmax_and_feature_alpha_dropout():
    values = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    theirs, ours = torch.from_numpy(values), nt.from_numpy(values)
    for options in ({}, {"tau": 0.3}, {"hard": True}, {"hard": True, "dim": 0}):
        check(
            lambda: torch.nn.functional.gumbel_softmax(theirs, **options),  # noqa: B023
            lambda: nt.nn.functional.gumbel_softmax(ours, **options),  # noqa: B023
            exact=False,
        )
    check(
        lambda: torch.nn.FeatureAlphaDropout(0.3)(theirs),
        lambda: nt.nn.FeatureAlphaDropout(0.3)(ours),
        exact=False,
    )
    assert repr(nt.nn.FeatureAlphaDropout(0.3)) == repr(torch.nn.FeatureAlphaDropout(0.3))


def test_states_can_be_exchanged():
    theirs, ours = torch.Generator().manual_seed(7), random.Generator().manual_seed(7)
    torch.randn(3, generator=theirs)
    ours.set_state(nt.from_numpy(theirs.get_state().numpy()))
    assert np.array_equal(torch.randn(9, generator=theirs).numpy(), ops.randn(9, generator=ours).array)
    ops.rand(1000, generator=ours)
    theirs.set_state(torch.from_numpy(ours.get_state().array))
    assert np.array_equal(torch.randn(9, generator=theirs).numpy(), ops.randn(9, generator=ours).array)


@pytest.mark.parametrize("seed", [0, 1, -1, -5, 2**32, 2**63, 2**64 - 1, -(2**63)])
def test_seeds(seed):
    theirs, ours = torch.Generator().manual_seed(seed), random.Generator().manual_seed(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    assert np.array_equal(ours.get_state().array, theirs.get_state().numpy())
    assert random.Generator().initial_seed() == torch.Generator().initial_seed()


MISTAKES = [
    "torch.rand(-1)", "torch.rand(2.5)", "torch.rand('a')", "torch.rand(3, dtype=torch.int64)",
    "torch.rand_like([1])",
    "torch.rand(2, out=torch.empty(0), dtype=torch.float64)", "torch.randn(3, dtype=torch.int64)",
    "uniform_(torch.zeros(3), 2, 1)", "uniform_(torch.zeros(3), 0, 1e40)",
    "uniform_(torch.zeros(3), -3e38, 3e38)", "uniform_(torch.zeros(3, dtype=torch.float16), 0, 1e5)",
    "uniform_(torch.zeros(3, dtype=torch.bool))", "normal_(torch.zeros(3), 0, -1)",
    "normal_(torch.zeros(3), 0, float('nan'))", "torch.normal(0.0, -1.0, (2,))",
    "torch.normal(torch.zeros(3), -torch.ones(3))", "torch.normal(torch.zeros(2), torch.ones(3))",
    "torch.randint(0, (2,))", "torch.randint(5, 2, (2,))", "torch.randint(0, 10)",
    "torch.randint(0, 2**63, (2,))",
    "torch.randint(0, 300, (2,), dtype=torch.uint8)", "torch.randint(-1, 3, (2,), dtype=torch.uint8)",
    "torch.randint(0, 3, (2,), dtype=torch.bool)", "torch.randint(0, 70000, (2,), dtype=torch.float16)",
    "torch.randint(3, (2,), requires_grad=True)", "random_(torch.zeros(2), 2**25 + 1, None)",
    "random_(torch.zeros(2, dtype=torch.float16), 65505, 65506)",
    "random_(torch.zeros(2, dtype=torch.complex64))",
    "torch.randperm(-1)", "torch.randperm(2.5)", "torch.randperm(300, dtype=torch.uint8)",
    "torch.randperm(5000, dtype=torch.float16)", "torch.randperm(3, dtype=torch.bool)",
    "torch.bernoulli(torch.zeros(3), 1.5)", "torch.bernoulli(torch.zeros(3, dtype=torch.int64))",
    "bernoulli_(torch.zeros(3), float('nan'))", "bernoulli_(torch.zeros(2, 2), torch.zeros(3))",
    "exponential_(torch.zeros(3), 0)", "exponential_(torch.zeros(3, dtype=torch.int64))",
    "cauchy_(torch.zeros(3), 0, 0)", "cauchy_(torch.zeros(3, dtype=torch.int16))",
    "geometric_(torch.zeros(3), 0)", "geometric_(torch.zeros(3, dtype=torch.bool), 0.5)",
    "log_normal_(torch.zeros(3), 0, 0)",
    "torch.multinomial(torch.ones(3), 4)", "torch.multinomial(torch.ones(3), 0)",
    "torch.multinomial(torch.ones(2, 2, 2), 1)", "torch.multinomial(torch.ones(3, dtype=torch.int64), 1)",
    "torch.multinomial(-torch.ones(3), 1)", "torch.multinomial(-torch.ones(3), 3, True)",
    "torch.multinomial(torch.zeros(3), 1)", "torch.multinomial(torch.tensor([1.0, float('inf')]), 3, True)",
    "uniform_(torch.zeros(3).expand(2, 3))", "uniform_(torch.zeros(3, requires_grad=True))",
    "torch.poisson(-torch.ones(3))", "torch.poisson(torch.ones(3, dtype=torch.int64))",
    "torch.binomial(torch.ones(3, dtype=torch.int64), torch.ones(3))",
    "torch.binomial(torch.ones(3), torch.ones(3, dtype=torch.int64))",
    "torch.binomial(torch.ones(3), torch.ones(3, dtype=torch.float64))",
    "torch.binomial(torch.ones(3).half(), torch.ones(3).half())",
    "torch._standard_gamma(torch.ones(3).half())", "torch._sample_dirichlet(torch.ones(3, dtype=torch.int64))",
    "torch.dropout(torch.ones(3), 1.5, True)", "torch.feature_dropout(torch.ones(3), 0.5, True)",
    "torch.feature_alpha_dropout(torch.ones(3), 0.5, True)", "torch.alpha_dropout(torch.ones(3), -1.0, True)",
    "torch.dropout(torch.ones(3, dtype=torch.int64), 0.5, True)",
    "torch.nn.functional.feature_alpha_dropout(torch.ones(3), 1.5)", "torch.nn.FeatureAlphaDropout(-0.5)",
    "torch.Generator().manual_seed(1.5)", "torch.Generator().manual_seed(2**64)",
    "torch.Generator().get_offset()", "torch.Generator().set_state(torch.zeros(5))",
    "torch.Generator().set_state([1])",
    "torch.Generator().set_state(torch.zeros(5, dtype=torch.uint8))",
    "torch.Generator().set_state(torch.zeros(5056, dtype=torch.uint8))",
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake):
    """The same class of error, and the same first line."""

    def outcome(library, methods):
        try:
            return eval(mistake, {"torch": library, **methods})
        except Exception as error:
            return type(error), str(error).splitlines()[0]

    names = [name for name in vars(distributions) if name.endswith("_") and hasattr(torch.Tensor, name)]
    expected = outcome(torch, {name: getattr(torch.Tensor, name) for name in names})
    assert outcome(nt, {name: getattr(distributions, name) for name in names}) == expected
