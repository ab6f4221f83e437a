"""Every class of `torch.nn`, made with every one of its options: printing, state, first values, outputs and gradients in training and
in evaluation, 20 steps of Adam. The table is in modules.py; a class or an option that no row names fails here."""

import ast
import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.modules import rows
from parity.test_nn_parity import assert_same, both

import numbatorch

MADE = list(dict.fromkeys(made for made, _ in rows()))
CALLED = [row for row in rows() if row[1]]
# Options that no row names: what has been spelt otherwise for years (test_nn_parity.py compares the warnings), where the
# numbers are kept, what is of use to the library alone.
NOT_NAMED = {"size_average", "reduce", "device", "dtype", "min_value", "max_value", "process_group", "sparse"}


def is_module(value):
    return inspect.isclass(value) and issubclass(value, torch.nn.Module)


CLASSES = sorted(n for n, value in vars(torch.nn).items() if is_module(value) and n != "Container")


def uses(text):
    """(name, positional arguments, names of the others) of each call in an expression."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, len(node.args), {word.arg for word in node.keywords}


def unused(name, parameters, texts):
    """The options that no call of `name` gives."""
    left = dict.fromkeys(p for p in parameters if not p.startswith("_") and p not in NOT_NAMED)
    for text in texts:
        for used, positional, words in uses(text):
            if used == name:
                for option in [*list(parameters)[:positional], *words]:
                    left.pop(option, None)
    return list(left)


@pytest.mark.parametrize("name", CLASSES)
def test_every_option_of_every_class_is_in_the_table(name):
    assert any(used == name for made in MADE for used, _, _ in uses(made)), f"no row has {name}"
    given = inspect.signature(getattr(numbatorch.nn, name).__init__).parameters
    options = [p.name for p in given.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)][1:]
    assert not unused(name, options, MADE)
    wanted = list(inspect.signature(getattr(torch.nn, name).__init__).parameters)
    if "args" not in wanted and name != "Hardtanh":  # which has two names for its bounds
        assert list(given) == wanted


class Operands:
    """What a row names: numbers, the same for both libraries."""

    def __init__(self, library, dtype="float32"):
        self.library, self.dtype, self.leaves, self.rng = library, dtype, [], np.random.default_rng(0)
        self.names = {
            **vars(library.nn),
            "L": library,
            "F": library.nn.functional,
            "i": library.tensor,
            "a": self.numbers,
            "u": self.shares,
            "n": self.whole,
            "causal": lambda n: library.nn.Transformer.generate_square_subsequent_mask(
                n, dtype=getattr(library, dtype)
            ),
        }

    def tensor(self, values):
        return self.library.from_numpy(np.asarray(values))

    def numbers(self, *shape):
        self.leaves.append(self.tensor(self.rng.standard_normal(shape).astype(self.dtype)).requires_grad_())
        return self.leaves[-1]

    def shares(self, *shape):
        return self.tensor(self.rng.uniform(0.05, 0.95, shape).astype(self.dtype))

    def whole(self, high, *shape):
        return self.tensor(self.rng.integers(0, high, shape))

    def make(self, text):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of nested tensors, and of what is old
            return eval(text, self.names)

    def call(self, module, text):
        """All outputs."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = eval(f"module({text})", {**self.names, "module": module})
        return flat(found)


def flat(found):
    if isinstance(found, tuple | list):
        return [y for item in found for y in flat(item)]
    return [] if found is None else [found]


def weighed(t, outputs):
    """A number to differentiate, to which every element counts."""
    real = [y for y in outputs if y.is_floating_point() and y.requires_grad]
    return sum((y * t.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)).sum() for y in real)


def assert_all_same(ours, theirs, rtol=2e-5):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(b, torch.Tensor):
            assert_same(a, b, rtol, rtol * max(1.0, b.abs().max().item() if b.numel() else 0))
        else:
            assert a == b


def state(module):
    found = module.state_dict()
    return [
        list(found),
        repr(getattr(found, "_metadata", None)).replace("numbatorch", "torch"),
        *found.values(),
    ]


@pytest.mark.parametrize("made", MADE)
def test_prints_and_starts_the_same(made):
    def compute(t):
        module = Operands(t).make(made)
        lazy = any(t.nn.parameter.is_lazy(x) for x in (*module.parameters(), *module.buffers()))
        return [repr(module), list(module.state_dict()) if lazy else state(module)]

    (text, found), (wanted, expected) = both(compute)
    assert text == wanted
    assert_all_same(found, expected, 1e-6)


@pytest.mark.parametrize(("made", "call"), CALLED)
def test_computes_the_same(made, call):
    """Training, then evaluation, with gradients of the inputs and the parameters; evaluation where nothing is recorded."""

    def compute(t):
        operands = Operands(t)
        module, found = operands.make(made), []
        for training in (True, False):
            outputs = operands.call(module.train(training), call)
            total = weighed(t, outputs)
            if isinstance(total, t.Tensor):
                total.backward()
            leaves = [*operands.leaves, *module.parameters()]
            found += [repr(module), *outputs, *[x.grad for x in leaves], *state(module)]
            with t.no_grad():  # what starts as ones and zeros is other numbers in evaluation
                for parameter in module.parameters():
                    parameter += (operands.shares(*parameter.shape) - 0.5) / 5
        with t.no_grad():
            return found + operands.call(module, call)

    assert_all_same(*both(compute))


LEARNING = [row for row in CALLED if any(True for _ in Operands(torch).make(row[0]).parameters())]


@pytest.mark.parametrize(("made", "call"), LEARNING)
def test_learns_the_same(made, call):
    """20 steps of float64, which leave the state the same, and what it computes in evaluation then."""

    def compute(t):
        operands = Operands(t, "float64")
        module = operands.make(made).double()
        operands.call(module, call)  # a lazy module has its parameters now
        taken = t.optim.Adam(module.parameters(), 0.01, amsgrad=True)
        losses = []
        for _ in range(20):
            operands.rng = np.random.default_rng(1)
            taken.zero_grad()
            loss = weighed(t, [y.mean() for y in operands.call(module, call) if y.is_floating_point()])
            loss.backward()
            taken.step()
            losses.append(loss.detach())
        return [*losses, *state(module), *operands.call(module.eval(), call)]

    assert_all_same(*both(compute), 1e-6)
