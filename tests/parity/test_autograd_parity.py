"""Programs around the tape that must do with numbatorch what they do with PyTorch: hooks, Functions, checkpoints,
gradcheck. Each program is a generator; what it yields is compared."""

import warnings
from importlib import import_module

import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_equal

import numbatorch


def attempt(action):
    """The result of `action()`, or the class and the first line of its error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = action()
        except Exception as error:
            result = (type(error).__name__, str(error).split("\n")[0])
    texts = [
        str(w.message).split("\n")[0].split(" (Trig")[0]
        for w in caught
        if "torch.jit.script" not in str(w.message)
    ]
    return (result, texts) if texts else result


def leaf(L, *values):
    return L.tensor(values, requires_grad=True)


# --- hooks


def tensor_hooks(L):
    x = leaf(L, 1.0, 2.0)

    def with_hook(value):
        y = x * 2
        y.register_hook(lambda grad: value)
        y.sum().backward()
        return x.grad

    for value in (None, 3, L.ones(3), L.ones(2).double(), L.tensor([5.0, 7.0])):
        yield attempt(lambda value=value: with_hook(value))
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda grad: grad * 5)
    y.sum().backward()
    yield y.grad, x.grad
    yield attempt(lambda: L.ones(2).register_hook(print))
    yield attempt(lambda: L.ones(2).register_post_accumulate_grad_hook(print))
    yield attempt(lambda: y.register_post_accumulate_grad_hook(print))


def the_order_of_hooks_on_a_leaf(L):
    x, seen = leaf(L, 1.0, 2.0), []
    node = (x * 2).grad_fn.next_functions[0][0]
    yield node.name(), node.variable is x

    def before(grads):
        seen.append(("before", grads[0]))
        return (grads[0] * 2,)

    handles = [
        node.register_prehook(before),
        node.register_hook(lambda inputs, outputs: seen.append(("after", inputs, outputs[0]))),
        x.register_post_accumulate_grad_hook(lambda t: seen.append(("accumulated", t.grad.clone()))),
        x.register_hook(lambda grad: seen.append(("hook", grad))),
    ]
    (x * 2).sum().backward()
    yield x.grad, seen
    yield L.autograd.grad((x * 3).sum(), x), len(seen)
    for handle in handles:
        handle.remove()
    (x * 2).sum().backward()
    yield x.grad, len(seen)


def hooks_on_nodes(L):
    x, seen = leaf(L, 1.0, 2.0), []
    y = x * 2
    yield y.grad_fn.name(), y.grad_fn.metadata
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 10,))
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    y.sum().backward()
    yield seen
    a, b = leaf(L, 1.0, 2.0), leaf(L, 3.0, 4.0)
    y = a * b
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(inputs))
    yield L.autograd.grad(y.sum(), b), seen[-1]  # nobody asked for the gradient of a


def hooks_on_several_gradients(L):
    a, b, c = [leaf(L, 1.0) for _ in range(3)]
    seen = []
    hook = L.autograd.graph.register_multi_grad_hook
    handles = [
        hook((a, b, c), lambda grads: seen.append(list(grads))),
        hook((a, b, c), lambda grad: seen.append("first"), mode="any"),
    ]
    (2 * a + 3 * b).backward()
    (2 * a + 3 * b + 4 * c).backward()
    yield seen
    for handle in handles:
        handle.remove()
    (a + b).backward()
    yield len(seen)
    yield attempt(lambda: hook((a,), print, mode="none"))


def gradient_edges(L):
    graph, x = L.autograd.graph, leaf(L, 1.0, 2.0)
    y = x.exp()
    z = (y * 3).sum()
    edge = graph.get_gradient_edge(y)
    yield edge.node.name(), edge.output_nr
    del y
    yield L.autograd.grad(z, edge)
    yield L.autograd.grad((x * 3).sum(), graph.get_gradient_edge(x))
    yield attempt(lambda: graph.get_gradient_edge(L.ones(1)))


def hooks_on_saved_tensors(L):
    graph, x = L.autograd.graph, leaf(L, 1.0, 2.0)
    with graph.saved_tensors_hooks(lambda t: t.numpy().copy(), L.from_numpy):
        y = (x * 2).exp() * x
    y.sum().backward()
    yield x.grad
    yield attempt(lambda: y.sum().backward())
    with graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        yield attempt(lambda: x.clone().exp())
    with graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = x.exp()
    yield attempt(lambda: y.sum().backward())
    with graph.disable_saved_tensors_hooks("no hooks"):
        yield attempt(lambda: graph.saved_tensors_hooks(lambda t: t, lambda t: t).__enter__())
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        yield attempt(lambda: graph.disable_saved_tensors_hooks("no hooks").__enter__())
        y = (x.exp() * x).sum()
    with graph.save_on_cpu():
        z = x.exp().sin().sum()
    yield L.autograd.grad(z, x)
    (first,) = L.autograd.grad(y, x, create_graph=True)
    yield L.autograd.grad(first.sum(), x)


# --- starting a backward pass


def gradients_of_tensors_that_take_no_part(L):
    x, z = leaf(L, 1.0, 2.0), leaf(L, 1.0)
    yield attempt(lambda: L.autograd.grad(x.sum(), [x, z]))
    yield attempt(lambda: L.autograd.grad(x.sum(), []))
    yield attempt(lambda: x.sum().backward(inputs=[]))
    yield attempt(lambda: x.sum().backward(inputs=[L.ones(2)]))
    yield attempt(lambda: L.autograd.grad(x.sum(), x, L.ones(2)))


def gradients_in_batches(L):
    x, z = leaf(L, 1.0, 2.0, 3.0), leaf(L, 1.0)
    y = x * x
    options = dict(is_grads_batched=True, retain_graph=True)
    yield L.autograd.grad(y, x, L.eye(3), **options)
    yield L.autograd.grad(y, [x, z], L.eye(3), allow_unused=True, **options)
    yield attempt(lambda: L.autograd.grad(y, [x, z], L.eye(3), **options))
    yield attempt(lambda: L.autograd.grad(y, x, L.ones(3), **options))
    (rows,) = L.autograd.grad(y, x, L.eye(3), is_grads_batched=True, create_graph=True)
    yield L.autograd.grad((rows * rows).sum(), x)


# --- Functions


def function(L, forward, backward=None, **more):
    methods = {"forward": forward, "backward": backward, **more}
    return type(
        "My", (L.autograd.Function,), {k: staticmethod(m) for k, m in methods.items() if m is not None}
    )


def gradient(L, forward, backward=None, *args, **more):
    """The gradient for [1, 2, 3] of the sum of what the Function gives."""
    x = leaf(L, 1.0, 2.0, 3.0)
    result = function(L, forward, backward, **more).apply(x, *args)
    parts = [
        r
        for r in (result if isinstance(result, tuple) else (result,))
        if isinstance(r, L.Tensor) and r.requires_grad
    ]
    sum(part.sum() for part in parts).backward()
    return x.grad


def double(ctx, x):
    return x * 2


def what_backward_may_return(L):
    for backward in (
        lambda ctx, g: g * 2,
        lambda ctx, g: (g * 2, g),
        lambda ctx, g: (g * 2, None),
        lambda ctx, g: g[:2],
        lambda ctx, g: g.sum(),
        lambda ctx, g: g.expand(2, 3),
        lambda ctx, g: g.double(),
        lambda ctx, g: 3,
        None,
    ):
        yield attempt(lambda backward=backward: gradient(L, double, backward))
    yield attempt(lambda: gradient(L, double, None, vjp=lambda ctx, g: g * 7))
    yield attempt(lambda: gradient(L, double, lambda ctx, g: g, vjp=lambda ctx, g: g * 7))
    yield attempt(lambda: gradient(L, None))


def what_forward_may_return(L):
    def differentiable_and_not(ctx, x):
        first, second = x * 2, x * 3
        ctx.mark_non_differentiable(second)
        return first, second

    def flags(ctx, x):
        mask = x > 1
        ctx.mark_non_differentiable(mask)
        return x * 2, mask

    for forward in (
        differentiable_and_not,
        flags,
        lambda ctx, x: x,
        lambda ctx, x: x.view(3, 1),
        lambda ctx, x: (x * 2, 3, "text", None),
        lambda ctx, x: 3,
        lambda ctx, x: [x * 2],
    ):
        yield attempt(lambda forward=forward: gradient(L, forward, lambda ctx, g, *r: g.reshape(3) * 5))


def gradients_that_do_not_come(L):
    for materialize in (True, False):

        def two(ctx, x, materialize=materialize):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        seen = []
        x = leaf(L, 1.0, 2.0)
        function(L, two, lambda ctx, g, h, seen=seen: (seen.append(h), g)[1]).apply(x)[0].sum().backward()
        yield seen, x.grad


def what_a_function_saves(L):
    def number(ctx, x):
        ctx.save_for_backward(x, 3)
        return x * 2

    def keep(ctx, x):
        ctx.save_for_backward(x, None)
        return x.exp()

    yield attempt(lambda: gradient(L, number, lambda ctx, g: g))

    def backward(ctx, g):
        return g * ctx.saved_tensors[0].exp()

    yield gradient(L, keep, backward)
    exp = function(L, keep, backward)
    x = L.ones(2, dtype=L.float64, requires_grad=True)
    yield L.autograd.gradcheck(exp.apply, (x,)), L.autograd.gradgradcheck(exp.apply, (x,))
    y = exp.apply(x).sum()
    y.backward()
    yield attempt(lambda: y.backward())
    z = x.clone()
    y = exp.apply(z)
    z.add_(1)
    yield attempt(lambda: y.sum().backward())[0]
    with L.no_grad():
        yield exp.apply(x).requires_grad


def forward_without_a_context(L):
    def scale(x, factor=2):
        return x * factor

    def context(ctx, inputs, output):
        ctx.factor = inputs[1]

    def backward(ctx, g):
        return (g * ctx.factor, None)

    for args in ((), (5,)):
        yield gradient(L, scale, backward, *args, setup_context=context)
    x = L.tensor([1.0, 2.0, 3.0])
    scaled = function(L, scale, backward, setup_context=context, jvp=print, vmap=print)
    yield L.func.grad(lambda a: (scaled.apply(a) * a).sum())(x)


def changes_in_place(L):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    twice = function(L, forward, lambda ctx, g: g * 2)
    x = leaf(L, 1.0, 2.0, 3.0)
    yield attempt(lambda: twice.apply(x))
    for part in (slice(None), slice(2)):
        x = leaf(L, 1.0, 2.0, 3.0)
        y = x * 1
        z = y if part == slice(None) else y[part]
        yield twice.apply(z) is z, y.requires_grad, y
        y.sum().backward()
        yield x.grad


def once_differentiable(L):
    once = import_module(f"{L.__name__}.autograd.function").once_differentiable

    def save(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    square = function(L, save, once(lambda ctx, g: g * 2 * ctx.saved_tensors[0]))
    x = leaf(L, 1.0, 2.0)
    y = square.apply(x * x)
    (first,) = L.autograd.grad((y * y).sum(), x, create_graph=True)
    yield first, first.requires_grad
    yield attempt(lambda: L.autograd.grad(first.sum(), x, retain_graph=True))  # not by way of `square`
    yield attempt(lambda: first.sum().backward())


def functions_as_objects(L):
    made = function(L, double, double)
    yield [text.split("> should")[1] for text in attempt(made)[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield attempt(lambda: made()(3))
    y = made.apply(leaf(L, 1.0))
    yield y.grad_fn.name(), type(y.grad_fn).__name__, [fn.name() for fn, _ in y.grad_fn.next_functions]


def names_of_nodes(L):
    x, y, where = leaf(L, [1.0, 2.0], [3.0, 4.0]), leaf(L, [0.5, 1.0], [2.0, 1.0]), L.tensor([0])
    made = [
        1 - x, x - 1, x**2, x**y, 2**x, -x, x / 2, x.sum(), x.sum(0), x.mean(1), x.max(), x.max(0)[0], x @ y, x.mv(y[0]),
        x[0], x[:, 0], x[0, 1], x[1:], x[:, 1:], x[:], x[:, :], x[...], x[None], x[0, None], x[where], x[x > 1], x.T,
        x[:1].squeeze(), x[:1].squeeze(0), x[:1].squeeze((0,)), x.view(-1), x.flatten(), x.unsqueeze(0), x.select(0, 1),
        L.cat([x, y]), L.stack([x, y]), L.where(x > 1, x, y), x.clone(), x.double(), x.relu(), x.softmax(0), x.clone().mul_(2),
    ]  # fmt: skip
    yield [type(z.grad_fn).__name__ for z in made]


# --- checkpoint


def checkpoints(L):
    module = import_module(f"{L.__name__}.utils.checkpoint")
    checkpoint = module.checkpoint
    x = L.tensor([[0.5, 1.0, 2.0], [1.0, 2.0, 3.0]], requires_grad=True)
    w = L.ones(3, 3, requires_grad=True)
    calls = []

    def layer(a, factor=1):
        calls.append(1)
        return (a @ w).tanh() * factor

    for reentrant in (False, True):
        x.grad = w.grad = None
        inner = checkpoint(layer, x, use_reentrant=reentrant)
        checkpoint(layer, inner, use_reentrant=reentrant).sum().backward()
        yield x.grad, w.grad, len(calls)

    def nested(a):
        once = checkpoint(layer, a, use_reentrant=False)
        return checkpoint(layer, once, use_reentrant=False).sin()

    x.grad = None
    checkpoint(nested, x, use_reentrant=False).sum().backward()
    yield x.grad, len(calls)
    yield L.autograd.grad(checkpoint(layer, x, use_reentrant=False, factor=3).sum(), [x, w])
    yield attempt(lambda: L.autograd.grad(checkpoint(layer, x, use_reentrant=True).sum(), [x, w]))
    yield attempt(lambda: checkpoint(layer, x, use_reentrant=True, factor=3))
    yield attempt(lambda: checkpoint(layer, x, use_reentrant=False, determinism_check="some"))
    yield attempt(lambda: checkpoint(layer, L.ones(2, 3)))
    y = checkpoint(layer, x, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    y.backward()
    yield x.grad, len(calls)
    yield attempt(lambda: y.backward())
    y = checkpoint(layer, x, use_reentrant=False).sum()
    (first,) = L.autograd.grad(y, x, create_graph=True)
    yield L.autograd.grad(first.sum(), x)
    with L.no_grad():
        yield checkpoint(layer, x, use_reentrant=False)


def checkpoints_of_functions_that_change(L):
    checkpoint = import_module(f"{L.__name__}.utils.checkpoint").checkpoint
    x = leaf(L, 0.5, 1.0)
    for first, then, options in (
        (lambda a: a.exp().sin(), lambda a: a.exp().sin().cos().exp(), {"early_stop": False}),
        (lambda a: a.exp().sin().exp().cos(), lambda a: a.exp(), {}),
        (lambda a: a.exp().sin(), lambda a: a.exp()[:1].sin(), {}),
    ):
        functions = iter([first, then])
        yield attempt(
            lambda functions=functions, options=options: (
                checkpoint(lambda a: next(functions)(a), x, use_reentrant=False, **options).sum().backward()
            )
        )


def checkpoints_in_sequence(L):
    sequential = import_module(f"{L.__name__}.utils.checkpoint").checkpoint_sequential
    x = leaf(L, 0.5, 1.0)
    modules = [L.nn.Tanh(), L.nn.Sigmoid(), L.nn.Tanh(), L.nn.Tanh(), L.nn.Sigmoid()]
    for functions, segments, reentrant in (
        (modules, 2, False),
        (L.nn.Sequential(*modules), 3, True),
        (modules, 1, False),
    ):
        sequential(functions, segments, x, use_reentrant=reentrant).sum().backward()
        yield x.grad
    yield attempt(lambda: sequential(modules, 2, x, use_reentrant=False, other=3))


# --- anomalies


def anomalies(L):
    def root(nan):
        with L.autograd.detect_anomaly(check_nan=nan):
            x = leaf(L, -1.0, 0.0)
            states = L.is_anomaly_enabled(), L.is_anomaly_check_nan_enabled()
            (L.sqrt(x) * 0).sum().backward()
            return states, x.grad

    def late():
        y = (L.sqrt(leaf(L, -1.0)) * 0).sum()
        with L.autograd.set_detect_anomaly(True):
            y.backward()

    def own():
        with L.autograd.set_detect_anomaly(True):
            return gradient(L, double, lambda ctx, g: g * float("nan"))

    for action in (lambda: root(True), lambda: root(False), late, own):
        yield attempt(action)
    yield L.is_anomaly_enabled()


# --- gradcheck


def gradchecks(L):
    x, y = L.tensor([[0.5, 2.0], [1.5, 2.5]], dtype=L.float64).unbind()
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    check = L.autograd.gradcheck

    def keep(ctx, a):
        ctx.save_for_backward(a)
        return a * a

    def two(ctx, a):
        ctx.set_materialize_grads(False)
        return a * 2, a * 3

    functions = [
        L.sin,
        lambda a: (a * y, a.sum()),
        lambda a: a.detach() * 2,
        lambda a: L.ones(2),
    ]
    wrong = [
        function(L, keep, lambda ctx, g: g * ctx.saved_tensors[0]).apply,
        function(L, keep, lambda ctx, g: g * 2 * ctx.saved_tensors[0] + 1e-6).apply,
        function(L, two, lambda ctx, g, h: g * 2 + h * 3).apply,
    ]
    for options in (
        {},
        {"fast_mode": True},
        {"check_forward_ad": True},
        {"check_forward_ad": True, "check_backward_ad": False},
        {"check_backward_ad": False},
        {"check_batched_grad": True, "check_backward_ad": False, "check_forward_ad": True},
        {"check_batched_grad": True},
        {"check_grad_dtypes": True},
        {"raise_exception": False},
        {"check_undefined_grad": False},
    ):
        for tried in functions if "check_forward_ad" in options else functions + wrong:
            yield attempt(lambda tried=tried, options=options: check(tried, (x,), **options))
    yield attempt(lambda: check(L.sin, (x.detach(),)))
    yield attempt(lambda: check(L.sin, (L.ones(2, requires_grad=True),), raise_exception=False))
    yield attempt(lambda: check(L.sin, (L.ones((), dtype=L.float64, requires_grad=True).expand(3),)))


def gradgradchecks(L):
    x = L.tensor([0.5, 2.0], dtype=L.float64, requires_grad=True)
    y = L.tensor([1.5, 2.5], dtype=L.float64, requires_grad=True)
    for options in (
        {},
        {"fast_mode": True},
        {"check_rev_over_rev": False},
        {"check_rev_over_rev": False, "check_undefined_grad": False},
        {"check_fwd_over_rev": True},
        {"gen_non_contig_grad_outputs": True},
        {"grad_outputs": (y,)},
    ):
        yield attempt(lambda options=options: L.autograd.gradgradcheck(L.sin, (x,), **options))
    yield attempt(lambda: L.autograd.gradgradcheck(lambda a, b: a * b * b, (x, y)))


PROGRAMS = [
    tensor_hooks,
    the_order_of_hooks_on_a_leaf,
    hooks_on_nodes,
    hooks_on_several_gradients,
    gradient_edges,
    hooks_on_saved_tensors,
    gradients_of_tensors_that_take_no_part,
    gradients_in_batches,
    what_backward_may_return,
    what_forward_may_return,
    gradients_that_do_not_come,
    what_a_function_saves,
    forward_without_a_context,
    changes_in_place,
    once_differentiable,
    functions_as_objects,
    names_of_nodes,
    checkpoints,
    checkpoints_of_functions_that_change,
    checkpoints_in_sequence,
    anomalies,
    gradchecks,
    gradgradchecks,
]


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_programs(program):
    ours, theirs = list(program(numbatorch)), list(program(torch))
    assert len(ours) == len(theirs)
    for step, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        try:
            assert_equal(a, b, rtol=1e-5, atol=1e-6)
        except AssertionError as error:
            raise AssertionError(f"at yield {step} of {program.__name__}: {error}") from None
