"""Derivatives of functions, compared with PyTorch's: autograd.functional, torch.func, forward_ad, vmap."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_equal, assert_same, outcome

import numbatorch

with (
    warnings.catch_warnings()
):  # PyTorch compiles something at its first derivative from the front, and warns
    warnings.simplefilter("ignore")
    torch.func.jvp(torch.sin, (torch.ones(1),), (torch.ones(1),))

NAMES = {
    "x": np.array([0.5, 1, 2], np.float32),
    "y": np.array([1, 2, 3], np.float32),
    "z": np.array(2, np.float32),
    "M": np.array([[0.5, 1, 2], [1, 2, 3]], np.float32),
    "N": np.arange(6, dtype=np.float32).reshape(3, 2) + 1,
}


def check(case, **more):
    assert_same(case, rtol=2e-6, atol=1e-6, **NAMES, **more)


def check_result(case):
    """`check` where PyTorch warns of its own doings."""
    results = []
    for library in (numbatorch, torch):
        names = {k: library.from_numpy(v.copy()) for k, v in NAMES.items()}
        results.append(outcome(library, case, **names)[0])
    assert_equal(*results, rtol=2e-6, atol=1e-6)


# --- autograd.functional

ONE = "lambda a: a.exp().sin()"
TWO = "lambda a, b: (a * b, (a + b).sum())"
CUBE = "lambda a: (a**3).sum()"
MIXED = "lambda a, b: (a * a * a * b * b).sum()"

PRODUCTS = [
    *[f"vjp({ONE}, {rest})" for rest in ("x, x", "z", "x", "x, x[:2]", "x, (x, x)", "(x, 3), x", "3, x")],
    *[f"jvp({ONE}, {rest})" for rest in ("x, x", "z", "x", "x, x[:2]", "x, (x, x)", "(x, 3), x", "3, x")],
    f"vjp({TWO}, (x, y), (x, z))",
    f"vjp({TWO}, (x, y), (x,))",
    f"vjp({TWO}, (x, y), (x[:2], z))",
    f"jvp({TWO}, (x, y), (y, x))",
    f"jvp({TWO}, (x, y), (y,))",
    *[
        f"{name}({function}, x, x)"
        for name in ("vjp", "jvp")
        for function in ("lambda a: a * 2", "lambda a: L.ones(3)", "lambda a: 3")
    ],
    "vjp(lambda a, b: a * 2, (x, y), x)",
    "jvp(lambda a, b: a * 2, (x, y), (x, x))",
    *[
        f"{name}({rest})"
        for name in ("vhp", "hvp")
        for rest in (
            f"{CUBE}, x, x",
            f"{MIXED}, (x, y), (x, y)",
            f"{CUBE}, z",
            f"{CUBE}, x",
            f"{ONE}, x, x",
            "lambda a: ((a**3).sum(),), x, x",
            "lambda a: a.sum(), x, x",
            "lambda a, b: (a**3).sum(), (x, y), (x, x)",
            "lambda a: L.ones(()), x, x",
        )
    ],
]


@pytest.mark.parametrize("case", PRODUCTS)
@pytest.mark.parametrize(
    "options", ["", ", create_graph=True", ", strict=True", ", create_graph=True, strict=True"]
)
def test_products_of_derivatives_with_vectors(case, options):
    check(f"L.autograd.functional.{case[:-1]}{options})")


@pytest.mark.parametrize(
    "rest",
    [
        f"{ONE}, x",
        f"{TWO}, (x, y)",
        "lambda a: a.sum(), M",
        "lambda a, b: a * 2, (x, y)",
        "lambda a: L.ones(2), x",
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        "",
        ", create_graph=True",
        ", strict=True",
        ", vectorize=True",
        ", strict=True, vectorize=True",
        ", vectorize=True, strategy='forward-mode'",
        ", vectorize=True, strict=True, strategy='forward-mode'",
        ", create_graph=True, strategy='forward-mode'",
        ", strategy='sideways'",
    ],
)
def test_jacobian(rest, options):
    compare = check_result if "forward" in options else check
    compare(f"L.autograd.functional.jacobian({rest}{options})")


@pytest.mark.parametrize(
    "rest",
    [
        f"{CUBE}, x",
        f"{MIXED}, (x, y)",
        f"{ONE}, x",
        "lambda a: a.sum(), x",
        "lambda a: (a.sum(),), x",
        f"{CUBE}, M",
    ],
)
@pytest.mark.parametrize(
    "options",
    ["", ", create_graph=True", ", strict=True", ", vectorize=True", ", outer_jacobian_strategy='sideways'",
     ", vectorize=True, outer_jacobian_strategy='forward-mode'"],
)  # fmt: skip
def test_hessian(rest, options):
    check(f"L.autograd.functional.hessian({rest}{options})")


# --- torch.func

FUNC = [
    "grad(lambda a: (a**3).sum())(x)",
    "grad(grad(lambda a: a**4))(z)",
    "grad(grad(grad(L.sin)))(z)",
    "grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(x, y)",
    "grad(lambda a, b: (a * b).sum(), argnums=1)(x, y)",
    "grad(lambda a, b: (a * b).sum(), argnums=-1)(x, y)",
    "grad(lambda d: (d['a'] * d['b'][0]).sum())({'a': x, 'b': [y]})",
    "grad(lambda a: ((a * a).sum(), a * y), has_aux=True)(x)",
    "grad(lambda a, k=1: (a * k).sum())(x, k=3)",
    "grad_and_value(lambda a: ((a * a).sum(), a * 2), has_aux=True)(x)",
    "grad_and_value(lambda a: (a * a).sum())(x)",
    "grad(lambda a: a)(x)",
    "grad(lambda a: 3)(x)",
    "grad(lambda a: z)(x)",
    "grad(lambda a: a.sum())(3)",
    "grad(lambda a: a.sum(), argnums=2)(x)",
    "grad(lambda a: a.sum(), argnums=())(x)",
    "grad(lambda a: a.sum(), argnums=(0, 0))(x)",
    "grad(lambda a: a.sum(), argnums='a')(x)",
    "grad(lambda a: a.sum(), has_aux=True)(x)",
    "grad(lambda a: a.sum())(L.tensor([1, 2]))",
    "vjp(L.sin, x)[1](y)",
    "vjp(L.sin, x)[0]",
    "vjp(L.sin, x)[1]((y,))",
    "vjp(lambda a, b: {'p': a * b, 'q': [a.sum()]}, x, y)[1]({'p': x, 'q': [z]})",
    "vjp(lambda a: (a.sin(), a * 2), x, has_aux=True)[2]",
    "vjp(lambda a: a.sin(), x, has_aux=True)",
    "vjp(lambda a: 3, x)",
    "vjp(lambda a: None, x)",
    "vjp(lambda a: a.long(), x)",
    "vjp(L.sin, 3)",
    "jvp(L.sin, (x,), (y,))",
    "jvp(lambda a, b: (a * b, a.sum()), (x, y), (y, x))",
    "jvp(lambda a: (a.sin(), a * 2), (x,), (y,), has_aux=True)",
    "jvp(lambda a: z, (x,), (y,))",
    "jvp(lambda a: z, (x,), (y,), strict=True)",
    "jvp(L.sin, x, (x,))",
    "jvp(L.sin, (x,), x)",
    "jvp(L.sin, (3,), (x,))",
    "jvp(L.sin, (x,), (3,))",
    "jvp(L.sin, (), ())",
    "jvp(lambda a: 3, (x,), (x,))",
    "jvp(lambda a: L.func.jvp(lambda b: b**3, (a,), (y,))[1], (x,), (y,))",
    "jvp(L.func.grad(lambda a: (a**3).sum()), (x,), (y,))",
    "grad(lambda a: L.func.jvp(lambda b: (b**3).sum(), (a,), (y,))[1])(x)",
    *[
        f"{jacobian}({rest}"
        for jacobian in ("jacrev", "jacfwd")
        for rest in (
            "L.sin)(x)",
            "lambda a: a.sum(0))(M)",
            "lambda a, b: (a * b, [a.sum()]), argnums=(0, 1))(x, y)",
            "lambda a, b: {'k': a * b}, argnums=1)(x, y)",
            "lambda a: (a.sin(), a * 2), has_aux=True)(x)",
            "L.func.jacfwd(lambda a: a**3))(x)",
            "L.func.jacrev(lambda a: a**3))(x)",
            "lambda a: a.sum())(L.tensor([1j]))",
            "lambda a: a * 1j)(x)",
            "lambda d: d['a'] * 2)({'a': x})",
            "lambda a: z)(x)",
            "L.sin, argnums=3)(x)",
        )
    ],
    "jacrev(L.sin, chunk_size=0)",
    "jacrev(L.sin, chunk_size=2)(x)",
    "hessian(lambda a: (a**3).sum())(x)",
    "hessian(lambda a, b: (a * b * a).sum(), argnums=(0, 1))(x, y)",
]


@pytest.mark.parametrize("case", FUNC)
def test_transforms(case):
    check(f"L.func.{case}")


@pytest.mark.parametrize("tangent", ["y", "x.double()", "z", "(y,)"])
def test_linearize(tangent):
    check_result(f"L.func.linearize(L.sin, x)[1]({tangent})")


HISTORY = [
    "L.func.grad(lambda a: (a * w * a).sum())(x)",
    "L.func.grad(lambda a: (a * a * a).sum())(w)",
    "L.func.grad(lambda a: a.sum())(w)",
    "L.func.vjp(lambda a: a * w, x)[0]",
    "L.func.vjp(lambda a: a * w, x)[1](x)[0]",
    "L.func.vjp(L.sin, x)[1](w)[0]",
    "L.func.jvp(L.sin, (x,), (x,))[1]",
    "L.func.jvp(L.sin, (x,), (w,))[1]",
    "L.func.jvp(lambda a: a * w * a, (x,), (x,))[1]",
    "L.func.jacrev(lambda a: a * w)(x)",
    "L.func.jacfwd(lambda a: a * a)(x)",
    "L.func.jvp(L.func.grad(lambda a: (a**3).sum()), (x,), (x,))[1]",
    "L.vmap(L.func.grad(lambda a: (a * w).sum()))(M)",
    "L.no_grad()(lambda: L.func.grad(lambda a: (a * w * a).sum())(x))()",
]


@pytest.mark.parametrize("case", HISTORY)
def test_results_of_transforms_have_history_where_they_depend_on_tensors_outside(case):
    check(f"(lambda w: {case}.requires_grad)(y.requires_grad_())")


# --- forward_ad

DUAL = [
    "[fw.unpack_dual(d.sin() * 2) for d in [fw.make_dual(x, y)]][0]",
    "[fw.unpack_dual((d * d).sum()) for d in [fw.make_dual(x, y)]][0]",
    "[fw.unpack_dual(d * e) for d, e in [(fw.make_dual(x, y), fw.make_dual(y, x))]][0]",
    "[fw.unpack_dual(d * 0 + 1) for d in [fw.make_dual(x, y)]][0]",
    "fw.unpack_dual(x)",
    "fw.unpack_dual(fw.make_dual(x, y))",
    "fw.make_dual(x, y[:2])",
    "fw.make_dual(x, L.tensor([1, 2, 3]))",
    "fw.make_dual(L.tensor([1, 2, 3]), x)",
    "fw.enter_dual_level()",
]


@pytest.mark.parametrize("case", DUAL)
def test_dual_tensors(case):
    check(f"L.autograd.forward_ad.dual_level()(lambda fw: {case})(L.autograd.forward_ad)")


@pytest.mark.parametrize("case", ["make_dual(x, y)", "unpack_dual(x)", "exit_dual_level()"])
def test_dual_tensors_outside_of_a_level(case):
    check(f"L.autograd.forward_ad.{case}")


def test_tangents_can_be_differentiated():
    case = "(lambda fw: fw.dual_level()(lambda w: L.autograd.grad(fw.unpack_dual((d := fw.make_dual(w, x)) * d * d).tangent.sum(), w))(y.requires_grad_()))"
    check(f"{case}(L.autograd.forward_ad)")


# --- vmap

VMAP = [
    "(L.dot)(M, M)",
    "(L.dot, in_dims=(0, 1))(M, N)",
    "(L.dot, in_dims=(0, None))(M, y)",
    "(L.sin, out_dims=1)(M)",
    "(L.sin, out_dims=-1)(M)",
    "(L.sin, out_dims=3)(M)",
    "(lambda a: (a, a.sum()), out_dims=(1, 0))(M)",
    "(lambda a, d: a * d['k'], in_dims=(0, {'k': 1}))(M, {'k': N})",
    "(lambda a: {'z': a * 2}, out_dims={'z': 1})(M)",
    "(L.vmap(lambda a, b: a * b))(M, M)",
    "(L.vmap(lambda a, b: a * b, in_dims=(0, None)), in_dims=(None, 0))(x, y)",
    "(L.sum, chunk_size=1)(M)",
    "(L.sum, in_dims=-1)(M)",
    "(L.func.grad(lambda p, a: (p * a).sum().sin()), in_dims=(None, 0))(y, M)",
    "(L.func.grad(lambda a: (a**3).sum()))(M)",
    "(L.func.jacrev(L.sin))(M)",
    "(L.func.hessian(lambda a: (a**3).sum()))(M)",
    "(lambda a: a[0] * a[-1] + a.mean())(M)",
    "(lambda a: L.where(a > 2, a, -a))(M)",
    "(lambda a: a.softmax(0))(M)",
    "(lambda a: a.view(3, 1) @ a.view(1, 3))(M)",
    "(lambda a: a.max(0).values)(M)",
    "(lambda a: F.linear(a, L.ones(2, 3), L.ones(2)))(M)",
    "(lambda a: L.cat([a, y]))(M)",
    "(lambda a: L.stack([a, y], 1))(M)",
    "(lambda a: a.argmax())(M)",
    "(lambda a: a.norm())(M)",
    "(lambda a: a.sum(0))(L.ones(0, 3))",
    "(lambda a: y)(M)",
    "(lambda a: y, out_dims=None)(M)",
    "(lambda a: (a, 3), out_dims=(0, None))(M)",
    "(L.sin, in_dims=2)(M)",
    "(L.sin, in_dims='a')(M)",
    "(lambda a: a)()",
    "(lambda a: a)(3)",
    "(lambda a: a, in_dims=(0, 0))(M)",
    "(lambda a, b: a, in_dims=(None, None))(x, x)",
    "(lambda a, b: a * b)(M, N)",
    "(lambda a, b: a * b, in_dims=(0, 'q'))(M, N)",
    "(lambda a: 3)(M)",
    "(lambda a: a, out_dims=None)(M)",
    "(lambda a: (a, a), out_dims=(0,))(M)",
    "(lambda a: a, out_dims='z')(M)",
    "(lambda a: a + L.rand(3))(M)",
    "(L.sin, randomness='z')",
    "(L.sin, chunk_size=0)",
]


@pytest.mark.parametrize("case", VMAP)
def test_vmap(case):
    check(f"L.vmap{case}")


@pytest.mark.parametrize(
    "case",
    [
        "L.func.grad(lambda a: L.vmap(L.dot, in_dims=(0, None))(M, a).sum())(y)",
        "L.func.jacrev(L.vmap(L.sum))(M)",
        "L.func.jvp(L.vmap(L.dot, in_dims=(0, None)), (M, y), (M, x))",
        "L.autograd.grad(L.vmap(L.dot, in_dims=(0, None))(M, y.requires_grad_()).sum(), y)",
    ],
)
def test_derivatives_of_vmap(case):
    check(case)


# --- modules

CALLS = [
    "L.func.functional_call(m, {'weight': M, 'bias': L.ones(2)}, x)",
    "L.func.functional_call(m, {'weight': M, 'bias': L.ones(2)}, (x,))",
    "L.func.functional_call(m, [{'weight': M}, {'bias': L.ones(2)}], (), {'input': x})",
    "L.func.functional_call(m, [{'weight': M}, {'weight': M}], x)",
    "L.func.functional_call(m, 3, x)",
    "L.func.functional_call(m, [3], x)",
    "L.func.functional_call(m, {'weight': M, 'zz': M, 'bias': L.ones(2)}, x)",
    "L.func.functional_call(m, {'weight': M, 'zz': M}, x, strict=True)",
    "L.func.functional_call(m, {'q.zz': M}, x)",
    "L.func.grad(lambda p: L.func.functional_call(m, p, x).sum())({'weight': M, 'bias': L.ones(2)})",
    "L.vmap(L.func.grad(lambda p, a: L.func.functional_call(m, p, (a,)).sum()), in_dims=(None, 0))({'weight': M, 'bias': L.ones(2)}, M)",
    "[{k: v.shape for k, v in t.items()} for t in L.func.stack_module_state([m, L.nn.Linear(3, 2)])]",
    "L.func.stack_module_state([])",
    "L.func.stack_module_state([m, L.nn.Tanh()])",
    "L.func.stack_module_state([m, L.nn.Linear(3, 2).eval()])",
    "[list(L.func.replace_all_batch_norm_modules_(n).state_dict()) for n in (m, L.nn.Sequential(m, L.nn.BatchNorm1d(2)))]",
    "L.func.replace_all_batch_norm_modules_(L.nn.BatchNorm1d(3, affine=False))(M)",
]  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_modules_as_functions(case):
    check(f"(lambda m: {case})(L.nn.Linear(3, 2))")
