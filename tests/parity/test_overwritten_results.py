"""What an op's gradient keeps: the result is changed in place after the op, and the gradients are right, or the error is
raised, as in PyTorch."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from samples import DIFFERENTIABLE, Sample, results, tensors

import numbatorch

# Where PyTorch's gradient wants what was overwritten and ours does not: gradients here, an error there.
LENIENT = {
    "ldexp": "PyTorch's is a product with 2 ** exponent",
    "special.log_ndtr": "made of other ops there",
    "polar": "the derivative here is made from abs and angle alone",
    "logsumexp[complex](1)": "made of other ops there",
    "split(3)": "PyTorch refuses changes of one of several views",
    "split([2, 5])": "PyTorch refuses changes of one of several views",
    "chunk(3)": "PyTorch refuses changes of one of several views",
    "unbind": "PyTorch refuses changes of one of several views",
    "linalg.householder_product": "made of other ops here",
    "ormqr": "made of other ops here",
    "ormqr(left=False, transpose=True)": "made of other ops here",
}


def gradients(sample: Sample, library, arrays: list) -> list:
    """For each result of the op, negated in place: the gradients of its sum, or the class of the error."""
    leaves = [t.requires_grad_() for t in tensors(library, arrays, (sample.wide,) * len(arrays))]
    found: list = []
    for result in results(sample.call(library, [leaf * 1 for leaf in leaves])):
        if not isinstance(result, library.Tensor) or not result.requires_grad:
            continue
        try:
            total = (result.neg_() * 1).sum()
            grads = library.autograd.grad(
                total.real if total.is_complex() else total, leaves, allow_unused=True, retain_graph=True
            )
            found.append([None if g is None else g.detach().numpy() for g in grads])
        except RuntimeError as error:
            found.append(type(error))
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=lambda s: s.id)
def test_overwritten(sample):
    arrays = sample.arrays(sample.shapes[0], sample.wide)
    ours, theirs = (gradients(sample, library, arrays) for library in (numbatorch, torch))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if sample.id in LENIENT:
            assert (b is RuntimeError) and a is not RuntimeError, f"{LENIENT[sample.id]}: no longer"
        elif b is RuntimeError:
            assert a is b, f"gradients {a} against PyTorch's error"
        else:
            assert a is not RuntimeError, "an error against PyTorch's gradients"
            for x, y in zip(a, b, strict=True):
                assert (x is None) == (y is None)
                if y is not None:
                    numbatorch.testing.assert_close(x, y, rtol=1e-5, atol=1e-6, equal_nan=True)


# PyTorch keeps the history of what logical_not_ and its like overwrite, though nothing of it is in the result.
IN_PLACE = [
    replace(sample, name=f"Tensor.{name}_")
    for sample in DIFFERENTIABLE
    if hasattr(torch.Tensor, f"{(name := sample.name.split('.')[-1])}_") and not name.startswith("logical_")
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sample", IN_PLACE, ids=lambda s: s.id)
def test_in_place(sample):
    """The op written over its first operand, which is no leaf."""
    found = []
    for library in (numbatorch, torch):
        arrays = sample.arrays(sample.shapes[0], sample.wide)
        leaves = [t.requires_grad_() for t in tensors(library, arrays, (sample.wide,) * len(arrays))]
        first, *others = [leaf * 1 for leaf in leaves]
        try:
            sample.call(library, [first, *others])
            grads = library.autograd.grad(first.abs().sum(), leaves, allow_unused=True)
            found.append(
                [first.detach().numpy(), *[None if g is None else g.detach().numpy() for g in grads]]
            )
        except RuntimeError as error:
            found.append(str(error))
    ours, theirs = found
    if isinstance(theirs, str) and "inplace version of" not in theirs:
        assert isinstance(ours, str), f"{ours} against PyTorch's {theirs}"
    elif not isinstance(theirs, str):
        assert not isinstance(ours, str), ours
        for a, b in zip(ours, theirs, strict=True):
            assert (a is None) == (b is None)
            if b is not None:
                numbatorch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)


def test_number_divided_by_a_tensor():
    """The operator is reciprocal(x) * number: what it keeps is neither its operand nor its result."""
    found = []
    for library in (numbatorch, torch):
        leaf = library.tensor([2.0, -4.0], requires_grad=True)
        x = leaf * 1
        y = 3 / x
        for t in (x, y):
            t.neg_()
        y.sum().backward()
        found.append((y.grad_fn.next_functions[0][0].name(), leaf.grad.tolist()))
    assert found[0] == found[1] == ("MulBackward0", [0.75, 0.1875])


OPERANDS = """
F.nll_loss(a(4, 3), i([0, 1, 2, 0]), u(3))
F.nll_loss(a(2, 3, 2), i([[0, 1], [2, 0]]), u(3), reduction='none')
F.cross_entropy(a(4, 3), i([0, 1, 2, 0]))
F.cross_entropy(a(4, 3), i([0, 1, 2, 0]), u(3), reduction='none', label_smoothing=0.2)
F.ctc_loss(a(6, 1, 4).log_softmax(2), i([[1, 2, 2]]), (6,), (3,))
F.embedding_bag(i([[0, 1], [2, 0]]), a(3, 2), mode='sum', per_sample_weights=u(2, 2))
F.embedding_bag(i([0, 1, 2]), a(3, 2), i([0, 2]), mode='mean', scale_grad_by_freq=True)
F.scaled_dot_product_attention(a(1, 2, 4, 8), a(1, 2, 4, 8), a(1, 2, 4, 8), attn_mask=u(4, 4))
F.scaled_dot_product_attention(a(4, 8), a(4, 8), a(4, 8))
F.scaled_dot_product_attention(u(2, 4, 8), u(2, 4, 8), a(2, 4, 8))
F.scaled_dot_product_attention(a(2, 4, 8), a(2, 4, 8), a(2, 4, 8), attn_mask=u(4, 4))
F.scaled_dot_product_attention(a(1, 2, 4, 8), a(1, 2, 4, 8), a(1, 2, 4, 5))
F.scaled_dot_product_attention(a(1, 2, 4, 8), a(2, 2, 4, 8), a(2, 2, 4, 8), attn_mask=u(2, 4, 4))
F.kl_div(a(4), u(4), reduction='sum')
F.kl_div(a(4), u(4), reduction='sum', log_target=True)
F.kl_div(u(4), a(4), reduction='none', log_target=True)
F.kl_div(u(4).log(), a(4).sigmoid(), reduction='batchmean')
F.poisson_nll_loss(u(4), a(4))
F.poisson_nll_loss(a(4), u(4), full=True)
F.poisson_nll_loss(a(4).sigmoid(), u(4), log_input=False)
""".strip().splitlines()


def overwritten(library, call: str, which: int) -> list | type:
    """The gradients of a loss before whose way back an operand was overwritten, or the class of the error."""
    random, made, leaves = np.random.default_rng(0), [], []

    def operand(values, leaf=False):
        x = library.tensor(values)
        if leaf:
            leaves.append(x.requires_grad_())
            x = x * 1
        made.append(x)
        return x

    names = {
        "F": library.nn.functional,
        "i": operand,
        "a": lambda *shape: operand(random.standard_normal(shape), True),
        "u": lambda *shape: operand(random.uniform(0.1, 0.9, shape)),
    }
    total = eval(call, names).sum()
    with library.no_grad():
        if which < len(made):
            made[which].zero_()
    try:
        return [x.numpy() for x in library.autograd.grad(total, leaves)]
    except RuntimeError as error:
        return type(error)


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("call", OPERANDS)
def test_overwritten_operands(call, which):
    """Targets, weights, indices and masks, too, are missed where the gradient needs them."""
    ours, theirs = (overwritten(library, call, which) for library in (numbatorch, torch))
    if theirs is RuntimeError and ours is not RuntimeError:
        # What PyTorch keeps more than it needs does not count.
        theirs = overwritten(numbatorch, call, which=9)
    if ours is RuntimeError:
        assert ours is theirs
    else:
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


# Where an operand is kept here, and not in PyTorch.
KEPT = {
    "ldexp": "PyTorch's is a product with 2 ** exponent",
    "polar": "the derivative here is made from abs and angle, which need the result",
    "kron": "PyTorch's is a product of copies",
    "margin_ranking_loss([1, -1, 1], 0.3)": "made of other ops there",
    "nn.functional.multilabel_soft_margin_loss": "made of other ops there",
}


def gradient_of_one(sample: Sample, library, arrays: list, wanted: int, changed: int):
    """The gradient for one operand, of a result whose operand `changed` was overwritten; or the class of the error."""
    operands = tensors(library, arrays, (sample.wide,) * len(arrays))
    operands[wanted].requires_grad_()
    found = results(sample.call(library, list(operands)))
    with library.no_grad():
        operands[changed].neg_()
    total = sum(r.abs().sum() for r in found if isinstance(r, library.Tensor) and r.requires_grad)
    if not isinstance(total, library.Tensor):
        return None
    try:
        (grad,) = library.autograd.grad(total, [operands[wanted]], allow_unused=True)
    except RuntimeError as error:
        return type(error)
    return None if grad is None else grad.detach().numpy()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sample", [s for s in DIFFERENTIABLE if len(s.shapes[0]) > 1], ids=lambda s: s.id)
def test_operands_that_no_wanted_gradient_needs(sample):
    """They may be overwritten; and being let go, they take no memory."""
    arrays, found = sample.arrays(sample.shapes[0], sample.wide), []
    for wanted in range(len(arrays)):
        for changed in range(len(arrays)):
            ours, theirs = (
                gradient_of_one(sample, library, arrays, wanted, changed) for library in (numbatorch, torch)
            )
            if theirs is None or theirs is RuntimeError:
                continue
            if ours is RuntimeError and sample.id in KEPT:
                found.append(changed)
                continue
            assert ours is not RuntimeError, f"operand {changed} is kept for the gradient of operand {wanted}"
            numbatorch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6, equal_nan=True)
    assert bool(found) == (sample.id in KEPT), "no longer kept"
