"""Every function of `torch.nn.functional`, called with every one of its options: values and gradients. The table is in functions.py; a
function or an option that no row names fails here."""

import inspect
import warnings

import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same
from parity.functions import ROWS
from parity.test_every_module import Operands, assert_all_same, flat, unused, uses, weighed
from parity.test_nn_parity import both

import numbatorch

CALLS = [line for line in ROWS.splitlines() if line]
# What is for other parts of PyTorch, and products of float8.
NOT_HERE = {
    *("assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function"),
    *("has_torch_function_unary", "has_torch_function_variadic", "Optional"),
    *("scaled_grouped_mm", "scaled_mm"),
}
NAMES = [
    name for name, value in sorted(vars(torch.nn.functional).items())
    if callable(value) and not inspect.isclass(value) and not name.startswith("_") and name not in NOT_HERE
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_every_function_is_in_the_table(name):
    assert any(used == name for call in CALLS for used, _, _ in uses(call)), f"no row has {name}"
    options = list(inspect.signature(getattr(numbatorch.nn.functional, name)).parameters)
    starred = [call for call in CALLS if call.startswith(f"{name}(*")]  # whose first operands are not counted
    positional = {"input", "indices", "query", "key", "value"} if starred else set()
    if name == "multi_head_attention_forward":  # its first thirteen are given by place
        positional |= set(options[:13])
    if name == "gumbel_softmax":
        positional.add("eps")  # of no effect, as PyTorch's documentation says
    assert not set(unused(name, options, CALLS)) - positional - {"out"}


@pytest.mark.parametrize("call", CALLS)
def test_computes_the_same(call):
    def compute(t):
        operands = Operands(t)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outputs = flat(eval(call, {**operands.names, **vars(t.nn.functional)}))
        total = weighed(t, outputs)
        if isinstance(total, t.Tensor):
            total.backward()
        return [*outputs, *[x.grad for x in operands.leaves]]

    assert_all_same(*both(compute))


@pytest.mark.parametrize(
    "text",
    [
        "grouped_mm(L.ones(6, 8).double(), L.ones(3, 8, 4))",
        "grouped_mm(L.ones(6), L.ones(3, 8, 4))",
        "grouped_mm(L.ones(6, 12), L.ones(3, 8, 4))",
        "grouped_mm(L.ones(6, 8), L.ones(3, 8, 4))",
        "grouped_mm(L.ones(3, 6, 8), L.ones(3, 8, 4), offs=L.tensor([1, 2, 3]))",
        "grouped_mm(L.ones(2, 6, 8), L.ones(3, 8, 4))",
        "grouped_mm(L.ones(6, 8), L.ones(3, 8, 4), offs=L.tensor([[1, 2, 3]]))",
        "grouped_mm(L.ones(6, 8), L.ones(3, 8, 4), offs=L.tensor([1, 2, 3]))",
        "grouped_mm(L.ones(6, 8), L.ones(3, 8, 4), offs=L.tensor([1, 2], dtype=L.int32))",
        "grouped_mm(L.ones(3, 6, 8), L.ones(3, 8, 4), bias=L.ones(4))",
        "grouped_mm(L.ones(3, 6, 8), L.ones(3, 8, 4), out_dtype=L.float16)",
    ],
)
def test_groups_that_do_not_fit(text):
    assert_same(f"L.nn.functional.{text}")
