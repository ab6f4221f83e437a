"""The tape: leaves, modes, hooks, graphs, Functions, and the memory that they hold."""

import gc
import threading
import warnings
import weakref

import numpy as np
import pytest

import numbatorch as torch


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32, requires_grad=True)


def test_gradients_add_up_in_leaves():
    x = leaf(1, 2)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    assert x.grad.tolist() == [5, 7]
    assert x.is_leaf and not (x * 2).is_leaf


def test_a_leaf_used_by_two_operands_owns_its_gradient():
    a, b = leaf(1, 2), leaf(3, 4)
    (a + b).backward(torch.ones(2))
    a.grad.zero_()
    assert b.grad.tolist() == [1, 1]


def test_the_gradient_given_by_the_user_is_not_taken_over():
    a, seed = leaf(1, 2), torch.ones(2)
    a.backward(seed)
    a.grad.zero_()
    assert seed.tolist() == [1, 1]


def test_a_second_backward_needs_the_graph():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_gradients_of_any_order():
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    value = torch.sin(x)
    expected = [np.cos(0.5), -np.sin(0.5), -np.cos(0.5), np.sin(0.5)]
    for slope in expected:
        (value,) = torch.autograd.grad(value, x, create_graph=True)
        assert value.item() == pytest.approx(slope)


def test_grad_touches_no_leaf_and_names_what_is_unused():
    x, y = leaf(1, 2), leaf(3, 4)
    (g,) = torch.autograd.grad((x * x).sum(), x)
    assert g.tolist() == [2, 4] and x.grad is None
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        torch.autograd.grad((x * x).sum(), [x, y])
    assert torch.autograd.grad((x * x).sum(), [x, y], allow_unused=True)[1] is None
    assert torch.autograd.grad((x * x).sum(), [x, y], materialize_grads=True)[1].tolist() == [0, 0]


def test_grad_of_an_inner_tensor():
    x = leaf(1, 2)
    inner = x * 3
    (g,) = torch.autograd.grad((inner * inner).sum(), inner)
    assert g.tolist() == [6, 12]


def test_grad_computes_what_is_asked_for_and_no_more():
    ran, given = [], []

    class Noted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, name):
            ctx.name = name
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            ran.append(ctx.name)
            return grad * 2, None

    x, w = torch.ones(2, 3, requires_grad=True), torch.ones(3, 4, requires_grad=True)
    left, right = Noted.apply(x, "left"), Noted.apply(w, "right")
    left.register_hook(lambda grad: ran.append("hook of left"))
    product = left @ right
    product.grad_fn.register_hook(lambda inputs, outputs: given.append([g is None for g in inputs]))
    torch.autograd.grad(product.sum(), w, retain_graph=True)
    assert ran == ["right"] and given == [[True, False]]
    torch.autograd.grad(product.sum(), left, retain_graph=True)
    assert ran == ["right", "hook of left"] and given[1:] == [[False, True]]
    product.sum().backward()  # all of it
    assert ran[2:] == ["right", "hook of left", "left"] and given[2:] == [[False, False]]


def test_large_gradients_are_added_up_in_memory_that_nobody_sees():
    grad, seen = torch.ones(600, 600), []
    x = torch.ones(600, 600, requires_grad=True)
    (x + x).backward(grad)
    y = x * 2
    (y * 3 + y * 5).backward(grad)
    assert x.grad[0, 0] == 18 and (grad == 1).all()
    y = x * 1
    kept = y.grad_fn
    kept.register_prehook(lambda grads: seen.append(grads[0]))
    shared = y.view(-1)
    first, second = torch.autograd.grad(
        [y, shared, y, x[:, :50]], [x, y], [grad, grad.view(-1), grad, grad[:, :50]]
    )
    assert (grad == 1).all() and (second == 3).all() and (seen[0] == 3).all()
    assert (first[:, :50] == 4).all() and (first[:, 50:] == 3).all()


def test_backward_into_chosen_inputs():
    x, y = leaf(1, 2), leaf(3, 4)
    (x * y).sum().backward(inputs=[x])
    assert x.grad.tolist() == [3, 4] and y.grad is None


@pytest.mark.parametrize(
    "bad",
    [
        (lambda x: (x * 2).backward(), "grad can be implicitly created only for scalar outputs"),
        (
            lambda x: torch.ones(2).sum().backward(),
            "element 0 of tensors does not require grad and does not have a grad_fn",
        ),
        (lambda x: (x * 2).backward(torch.ones(3)), "Mismatch in shape"),
        (
            lambda x: torch.autograd.grad(x.sum(), torch.ones(2)),
            "One of the differentiated Tensors does not require grad",
        ),
        (
            lambda x: torch.tensor([1, 2], requires_grad=True),
            "only Tensors of floating point dtype can require gradients",
        ),
        (lambda x: x.add_(1), "a leaf Variable that requires grad is being used in an in-place operation"),
        (
            lambda x: x[0].zero_(),
            "a view of a leaf Variable that requires grad is being used in an in-place operation",
        ),
        (lambda x: torch.add(x, 1, out=torch.ones(2)), "don't support automatic differentiation"),
        (lambda x: x.numpy(), "Can't call numpy\\(\\) on Tensor that requires grad"),
    ],
)
def test_mistakes(bad):
    call, text = bad
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match=text):
        call(x)
    assert x.tolist() == [1, 2] and x.grad is None


@pytest.mark.parametrize("name", ["mode", "median", "max", "cummax", "sort"])
@pytest.mark.parametrize("shape", [(), (3, 2)], ids=str)
def test_what_was_chosen_may_be_changed_in_place(name, shape):
    x = torch.ones(shape, requires_grad=True)
    values = getattr(torch, name)(x * 1, 0)[0]
    values.neg_()
    values.sum().backward()
    assert x.grad.sum() == -values.numel()


def test_modes():
    x = leaf(1, 2)
    with torch.no_grad():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled() and not (x * 2).requires_grad
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()

    @torch.no_grad()
    def double(t):
        return t * 2

    assert not double(x).requires_grad and torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    torch.set_grad_enabled(True)


def test_no_grad_holds_in_a_generator_and_not_in_its_consumer():
    @torch.no_grad()
    def steps(x):
        yield x * 2
        yield x * 3

    x = leaf(1.0)
    for y in steps(x):
        assert not y.requires_grad and torch.is_grad_enabled()


def test_hooks_see_and_replace_gradients():
    x = leaf(1, 2)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 2)
    handle = x.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert seen == [[1, 1]] and x.grad.tolist() == [7, 7]
    handle.remove()
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_node_hooks_and_names():
    x = leaf(1, 2)
    y = (x * x).exp()
    assert y.grad_fn.name() == "ExpBackward0"
    assert [n.name() for n, _ in y.grad_fn.next_functions] == ["MulBackward0"]
    assert y.grad_fn.next_functions[0][0].next_functions[0][0].variable is x
    order = []
    y.grad_fn.register_prehook(lambda grads: order.append("before"))
    y.grad_fn.register_hook(lambda inputs, outputs: order.append("after"))
    y.sum().backward()
    assert order == ["before", "after"]


def test_post_accumulate_hook_and_retain_grad():
    x = leaf(1, 2)
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    y = x * 3
    y.retain_grad()
    y.sum().backward()
    assert seen == [[3, 3]] and y.grad.tolist() == [1, 1]


def test_the_gradient_of_an_inner_tensor_is_not_kept():
    y = leaf(1, 2) * 3
    with pytest.warns(UserWarning, match="not a leaf Tensor"):
        assert y.grad is None


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        result = factor * x**3
        ctx.save_for_backward(x, result)
        ctx.factor = factor
        return result

    @staticmethod
    def backward(ctx, grad):
        x, _ = ctx.saved_tensors
        assert ctx.needs_input_grad == (True, False)
        return grad * 3 * ctx.factor * x * x, None


def test_function():
    x = leaf(2.0)
    y = Cube.apply(x, 2.0)
    assert y.item() == 16 and y.grad_fn.name() == "CubeBackward"
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    first.backward()
    assert first.item() == 24 and x.grad.item() == 24
    assert not Cube.apply(torch.tensor([2.0]), 1.0).requires_grad


def test_function_with_two_results_and_marks():
    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            order = (x > 0).to(torch.float32)
            ctx.mark_non_differentiable(order)
            return x * 2, order

        @staticmethod
        def backward(ctx, grad, order_grad):
            assert order_grad.tolist() == [0, 0]
            return grad * 2

    x = leaf(1, -2)
    doubled, order = Both.apply(x)
    assert doubled.requires_grad and not order.requires_grad
    doubled.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_function_that_returns_its_input():
    class Same(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 10

    x = leaf(1.0)
    Same.apply(x).backward()
    assert x.grad.item() == 10 and x.is_leaf


def test_a_ctx_takes_attributes_of_any_name():
    class Named(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.edges, ctx.outputs, ctx.saved, ctx.sequence, ctx.node = 3, 7, "saved", -1, None
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            assert (ctx.edges, ctx.outputs, ctx.saved, ctx.sequence, ctx.node) == (3, 7, "saved", -1, None)
            return grad * ctx.saved_tensors[0]

    x = leaf(3.0)
    y = Named.apply(x)
    assert y.grad_fn.node is None and y.grad_fn.saved_tensors[0] is x
    (y * 5).backward()
    assert x.grad.item() == 15


def test_function_with_too_many_gradients():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    with pytest.raises(
        RuntimeError, match="returned an incorrect number of gradients \\(expected 1, got 2\\)"
    ):
        Wrong.apply(leaf(1.0)).backward()


def test_anomaly_names_the_operation_and_the_line():
    x = leaf(-1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with (
            torch.autograd.detect_anomaly(),
            pytest.raises(RuntimeError, match="'SqrtBackward0' returned nan values in its 0th output"),
        ):
            torch.sqrt(x).backward()
    assert any("torch.sqrt(x)" in str(w.message) for w in caught)


def test_a_saved_tensor_that_was_changed_is_an_error():
    x = leaf(1, 2)
    y = x * 1
    z = y * y
    y.add_(1)
    with pytest.raises(
        RuntimeError,
        match=r"inplace operation: \[torch.FloatTensor \[2\]\].*is at version 1; expected version 0",
    ):
        z.sum().backward()


def test_a_long_chain_neither_recurses_nor_leaks():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1
    alive = weakref.ref(y.grad_fn)
    del y
    assert alive() is None


def test_graphs_are_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1, 2)
        nodes = []
        for _ in range(3):
            hidden = x.exp().tanh()
            loss = (hidden * hidden).sqrt().sum()
            nodes += [weakref.ref(hidden), weakref.ref(hidden.grad_fn), weakref.ref(loss.grad_fn)]
            loss.backward()
        del hidden, loss
        assert [n() for n in nodes] == [None] * len(nodes)
        forward_only = x.exp().tanh()
        node = weakref.ref(forward_only.grad_fn)
        del forward_only
        assert node() is None
    finally:
        gc.enable()


def test_detach_does_not_keep_the_graph():
    x = leaf(1, 2)
    y = x.exp()
    node = weakref.ref(y.grad_fn)
    kept = y.detach()
    del y
    assert node() is None and kept.shape == (2,)


def test_deterministic_sums():
    x = torch.linspace(0, 1, 1000, requires_grad=True)
    found = set()
    for _ in range(3):
        x.grad = None
        sum((x * k).sin() for k in range(1, 20)).sum().backward()
        found.add(x.grad.numpy().tobytes())
    assert len(found) == 1


def test_gradcheck_finds_a_wrong_gradient():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 2.1 * x

    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: t * t, (x,))
    with pytest.raises(
        torch.autograd.GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"
    ):
        torch.autograd.gradcheck(Wrong.apply, (x,))
    assert not torch.autograd.gradcheck(Wrong.apply, (x,), raise_exception=False)


# --- hooks on what is saved, and recomputing it


def test_hooks_on_saved_tensors_are_gone_afterwards():
    from numbatorch.autograd.node import Node

    plain = Node.save
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            pass
        assert Node.save is not plain
    assert Node.save is plain


def test_hooks_on_saved_tensors_see_results_too():
    x, packed = leaf(1, 2), []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: packed.append(t) or len(packed) - 1, packed.__getitem__
    ):
        y = x.exp().sum()
    y.backward()
    assert [t.tolist() for t in packed] == [x.exp().tolist()]
    assert not packed[0].requires_grad


def test_a_checkpoint_keeps_nothing_inside():
    kept = []

    def layer(x):
        hidden = x.exp()
        kept.append(weakref.ref(hidden))
        return hidden.sin().sum()

    x = leaf(1, 2)
    y = torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False)
    gc.collect()
    assert kept[0]() is None
    y.backward()
    assert len(kept) == 2
    del y
    gc.collect()
    assert kept[1]() is None
    np.testing.assert_allclose(x.grad, np.cos(np.exp([1, 2])) * np.exp([1, 2]), rtol=1e-5)


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_draws_the_same_random_numbers_again(reentrant):
    torch.manual_seed(0)
    x = torch.ones(50, requires_grad=True)
    dropout = torch.nn.Dropout(0.5)
    y = torch.utils.checkpoint.checkpoint(lambda a: dropout(a) * a, x, use_reentrant=reentrant)
    before = torch.get_rng_state()
    y.sum().backward()
    assert ((x.grad != 0) == (y != 0)).all()
    assert torch.equal(torch.get_rng_state(), before)


def test_hooks_and_long_graphs_leave_nothing_behind():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1, 2)
        y, references = x, []
        for k in range(100_000):
            y = y + 1
            if k % 20_000 == 0:
                y.register_hook(lambda grad: grad)
                references.append(weakref.ref(y.grad_fn))
        y.sum().backward()
        del y
        assert x.grad.tolist() == [1, 1]
        assert all(reference() is None for reference in references)
    finally:
        gc.enable()


def test_threads_may_meet_a_kernel_for_the_first_time_together():
    from numbatorch_kernels import lift

    text = "import time\ntime.sleep(0.05)\nready = True\n"
    barrier, seen = threading.Barrier(4), []

    def work():
        barrier.wait()
        seen.append(lift.module(text, "meeting").ready)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 4


def test_mutation_of_saved_tensors():
    x = leaf(1, 2)
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        y = x.exp()
        y.zero_().add_(x * x)
        z = (x * x).mul_(2)
        z.sum().backward()
    assert x.grad.tolist() == [4, 8]
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        y = (2 * x).exp()
        w = y * 1
        y.zero_()
    w.sum().backward()
    np.testing.assert_allclose(x.grad, np.array([4, 8]) + 2 * np.exp([2, 4]), rtol=1e-6)


def test_swapped_tensors():
    a, b = torch.nn.Parameter(torch.zeros(1)), torch.ones(2)
    a.note = "a"
    torch.utils.swap_tensors(a, b)
    assert a.tolist() == [1, 1] and isinstance(b, torch.nn.Parameter) and b.requires_grad and b.note == "a"
    with torch.autograd.set_multithreading_enabled(False):
        (b * 2).sum().backward()
    assert b.grad.tolist() == [2]


def test_a_view_overwritten_and_then_used(device):
    x = torch.tensor([1.0, 2.0], device=device, requires_grad=True)
    base = x * 1
    view = base.view(-1)
    view.mul_(3)
    (view.sum() + base.sum()).backward()
    assert x.grad.tolist() == [6.0, 6.0]
