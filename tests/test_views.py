"""Views: one memory, one version counter, and gradients that follow what is changed through any of them."""

import pytest

import numbatorch as torch


def leaf(*shape: int) -> torch.Tensor:
    """1, 2, 3 ... in this shape, requiring grad."""
    return torch.arange(1.0, torch.Size(shape).numel() + 1).view(shape).requires_grad_()


def grid() -> torch.Tensor:
    """[[1, 2, 3], [4, 5, 6]], a result of a recorded operation, and its leaf."""
    return leaf(2, 3)


def gradient(x: torch.Tensor, total: torch.Tensor) -> list:
    (grad,) = torch.autograd.grad(total, x)
    return grad.tolist()


# --- one memory

VIEWS = {
    "view": lambda x: x.view(3, 2),
    "view -1": lambda x: x.view(-1),
    "reshape": lambda x: x.reshape(6),
    "flatten": lambda x: x.flatten(),
    "unflatten": lambda x: x.unflatten(1, (3, 1)),
    "transpose": lambda x: x.transpose(0, 1),
    "t": lambda x: x.t(),
    "T": lambda x: x.T,
    "permute": lambda x: x.permute(1, 0),
    "movedim": lambda x: x.movedim(0, 1),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x.unsqueeze(0).squeeze(0),
    "row": lambda x: x[1],
    "column": lambda x: x[:, 1],
    "slice": lambda x: x[0:1, ::2],
    "negative": lambda x: x[-1, -2:],
    "None": lambda x: x[None, :, None],
    "ellipsis": lambda x: x[..., 0],
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, 2),
    "split": lambda x: x.split(2, 1)[1],
    "chunk": lambda x: x.chunk(2)[0],
    "unbind": lambda x: x.unbind(1)[2],
    "diagonal": lambda x: x.diagonal(),
    "diagonal offset": lambda x: x.diagonal(1),
    "as_strided": lambda x: x.as_strided((2, 2), (3, 2)),
    "unfold": lambda x: x.unfold(1, 2, 2),
    "alias": lambda x: x[...],
    "chain": lambda x: x.view(6)[1:5].view(2, 2).t()[1],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_change_shows_in_both_directions(view):
    x = torch.arange(6.0).view(2, 3).clone()
    v = view(x)
    before = v.clone()
    x.add_(10)
    assert v.tolist() == (before + 10).tolist()
    v.fill_(-1)
    assert (x == -1).sum().item() == v.numel()
    assert x._version == v._version == 2


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_gradient_of_a_view_goes_where_its_elements_are(view):
    x = grid()
    v = view(x * 1)
    (grad,) = torch.autograd.grad(v.sum(), x)
    mark = torch.zeros(2, 3)
    view(mark).fill_(1)
    assert grad.tolist() == mark.tolist()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_gradient_of_a_tensor_changed_through_a_view(view):
    """Half of it through the view, the other half as it was: y = x, then y's part times x's part."""
    x = grid()
    y = x * 1
    view(y).mul_(view(x))
    expected = torch.ones(2, 3)
    part = view(expected)
    part.copy_(2 * view(x.detach()))
    assert gradient(x, y.sum()) == expected.tolist()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_gradient_of_a_view_whose_base_was_changed(view):
    x = grid()
    y = x * 1
    v = view(y)
    y.mul_(x)
    expected = torch.zeros(2, 3)
    view(expected).copy_(2 * view(x.detach()))
    assert gradient(x, v.sum()) == expected.tolist()


def test_expand_repeats_without_a_copy():
    x = leaf(1, 3)
    y = x.expand(4, 3)
    assert y.stride() == (0, 1) and y.data_ptr() == x.data_ptr()
    assert gradient(x, (y * torch.arange(4.0)[:, None]).sum()) == [[6, 6, 6]]
    assert x.expand(-1, 3).shape == (1, 3) and torch.tensor(2.0).expand(2, 2).tolist() == [[2, 2], [2, 2]]


def test_reshape_copies_only_where_it_must():
    x = torch.arange(6).view(2, 3)
    assert x.reshape(3, 2).data_ptr() == x.data_ptr()
    flat = x.t().reshape(6)
    assert flat.tolist() == [0, 3, 1, 4, 2, 5] and flat.data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError, match="view size is not compatible with input tensor's size and stride"):
        x.t().view(6)


def test_a_view_of_a_view_knows_the_first_tensor():
    x = torch.zeros(2, 3)
    v = x.view(6)[2:4]
    assert v._base is x and v._is_view() and not x._is_view()
    assert v.storage_offset() == 2


# --- gradients after changes in place


def test_a_row_of_a_result_is_changed():
    x = grid()
    y = x * 2
    y[0].mul_(3)
    assert gradient(x, y.sum()) == [[6, 6, 6], [2, 2, 2]]


def test_a_row_is_set_to_zero():
    x = grid()
    y = x * 2
    y[1].zero_()
    assert gradient(x, y.sum()) == [[2, 2, 2], [0, 0, 0]]


def test_two_views_that_overlap():
    x = grid()
    y = x * 1
    row, column = y[0], y[:, 0]
    row.mul_(10)
    column.mul_(3)
    assert y.tolist() == [[30, 20, 30], [12, 5, 6]]
    assert gradient(x, y.sum()) == [[30, 10, 10], [3, 1, 1]]
    assert row.tolist() == [30, 20, 30]


def test_another_view_sees_the_gradient_of_the_change():
    x = grid()
    y = x * 1
    other = y.t()
    y[0].mul_(2)
    assert gradient(x, (other * other).sum()) == [[8, 16, 24], [8, 10, 12]]


def test_a_view_of_a_view_is_changed():
    x = leaf(6)
    y = x * 1
    y.view(2, 3)[1].view(3, 1)[1:].mul_(4)
    assert y.tolist() == [1, 2, 3, 4, 20, 24]
    assert gradient(x, y.sum()) == [1, 1, 1, 1, 4, 4]


def test_a_result_that_is_saved_and_lies_in_a_view():
    x = leaf(3)
    y = x * 1
    y[:2].exp_()
    expected = [2.718281745910644, 7.389056205749512, 1.0]
    assert gradient(x, y.sum()) == pytest.approx(expected, rel=1e-6)


def test_a_view_times_another_part_of_the_same_tensor():
    x = grid()
    y = x * 1
    y[0].mul_(x[1])
    assert gradient(x, y.sum()) == [[4, 5, 6], [2, 3, 4]]


def test_values_are_written_into_a_tensor_that_wanted_no_gradient():
    w = leaf(3)
    y = torch.zeros(2, 3)
    y[1] = w * 2
    y[0, 1:] = w[:2]
    assert y.requires_grad and y.grad_fn is not None
    assert gradient(w, (y * torch.tensor([[1.0, 10, 100], [1, 2, 3]])).sum()) == [12, 104, 6]


def test_a_broadcast_value_gets_the_sum():
    w = leaf(1)
    y = torch.zeros(2, 3)
    y[:, 1:] = w
    assert gradient(w, y.sum()) == [4]


def test_a_value_written_over_gets_nothing():
    a, b = leaf(2), leaf(2)
    y = torch.zeros(2, 2)
    y[0] = a
    y[0] = b
    assert [g.tolist() for g in torch.autograd.grad(y.sum(), (a, b))] == [[0, 0], [1, 1]]


def test_the_base_changes_after_the_view_was_used():
    x = grid()
    y = x * 1
    before = y[0].sum()
    y.mul_(5)
    assert gradient(x, before) == [[1, 1, 1], [0, 0, 0]]


def test_changes_through_view_and_base_in_turn():
    x = leaf(4)
    y = x * 1
    v = y.view(2, 2)
    v[0].mul_(2)
    y.mul_(3)
    v[:, 1].mul_(5)
    y[3:].add_(1)
    assert y.tolist() == [6, 60, 9, 61]
    assert gradient(x, v.sum()) == [6, 30, 3, 15]


def test_second_order_through_a_change_of_a_view():
    x = leaf(3)
    y = x * 1
    y[1:].mul_(x[1:])
    (grad,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
    assert grad.tolist() == [2, 32, 108]
    assert gradient(x, grad.sum()) == [2, 48, 108]


def test_a_loop_fills_a_tensor_row_by_row():
    x = leaf(2)
    rows = torch.zeros(3, 2)
    state = x
    for k in range(3):
        state = state * 2
        rows[k] = state
    assert rows.tolist() == [[2, 4], [4, 8], [8, 16]]
    assert gradient(x, rows.sum()) == [14, 14]


def test_views_that_are_older_than_the_gradient():
    w = leaf(3)
    y = torch.zeros(2, 3)
    row, all_of_it = y[1], y.view(-1)
    part = all_of_it[3:5]
    y[1] = w * 2
    assert all([view.requires_grad for view in (row, all_of_it, part)])
    part.mul_(3)
    assert gradient(w, (row * 2).sum() + all_of_it.sum()) == [18, 18, 6]


def test_many_views_that_are_older_than_the_gradient():
    w = leaf(3)
    y = torch.ones(3)
    views = [y[k % 3] for k in range(300)][::2]
    vars(views[0])  # which keeps its attributes in a dictionary of its own from now on
    y.mul_(w)
    assert gradient(w, sum([view * 1 for view in views])) == [50, 50, 50]


def test_in_no_grad_a_view_is_changed_without_a_record():
    x = grid()
    with torch.no_grad():
        x[0].zero_()
    assert x.tolist() == [[0, 0, 0], [4, 5, 6]] and x.is_leaf and x._version == 1
    assert gradient(x, (x * x).sum()) == [[0, 0, 0], [8, 10, 12]]


# --- the version counter


def test_the_version_counts_changes_through_every_view():
    x = torch.zeros(2, 3)
    v, w = x[0], x.t()
    assert x._version == 0
    v.add_(1)
    w.add_(1)
    x[1] = 5
    assert x._version == v._version == w._version == 3


def test_detach_shares_the_counter_and_data_has_its_own():
    x = torch.ones(3, requires_grad=True)
    y = x * 1
    y.detach().add_(1)
    assert y._version == 1
    y.data.add_(1)
    assert y._version == 1
    assert y.tolist() == [3, 3, 3]


def test_a_detached_view_is_not_on_the_tape_but_in_the_same_memory():
    x = grid()
    d = x.detach()
    assert not d.requires_grad and d.is_leaf and d.data_ptr() == x.data_ptr()
    d[0, 0] = 100
    assert x[0, 0].item() == 100


# --- errors


def test_a_leaf_cannot_be_changed():
    x = grid()
    with pytest.raises(
        RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"
    ):
        x.mul_(2)
    assert x._version == 0 and x.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_view_of_a_leaf_cannot_be_changed():
    x = grid()
    text = "a view of a leaf Variable that requires grad is being used in an in-place operation"
    for change in (lambda: x[0].mul_(2), lambda: x.view(6).zero_(), lambda: x.t().copy_(torch.zeros(3, 2))):
        with pytest.raises(RuntimeError, match=text):
            change()
    with pytest.raises(RuntimeError, match=text):
        x[0] = 1
    with pytest.raises(RuntimeError, match="a leaf Variable"):
        x[torch.tensor([0])] = 1
    assert x.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_leaf_cannot_be_changed_with_a_value_that_requires_grad():
    x = torch.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable|a view of a leaf Variable"):
        x[0] = torch.ones((), requires_grad=True)


MODIFIED = "one of the variables needed for gradient computation has been modified by an inplace operation: "


def test_a_saved_tensor_was_changed():
    x = leaf(3)
    y = x * 1
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError) as error:
        z.sum().backward()
    text = str(error.value)
    assert text.startswith(
        MODIFIED
        + "[torch.FloatTensor [3]], which is output 0 of Add, is at version 1; expected version 0 instead."
    )
    assert "Hint: enable anomaly detection" in text


def test_a_saved_tensor_was_changed_through_a_view():
    x = leaf(2, 3)
    y = x * 1
    z = y.exp()
    z[0].add_(1)
    with pytest.raises(
        RuntimeError, match="modified by an inplace operation.*is at version 1; expected version 0"
    ):
        z.sum().backward()


def test_a_saved_tensor_was_changed_through_detach():
    x = leaf(3)
    y = x * 1
    z = y.sin()
    y.detach().zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_a_saved_leaf_was_changed_under_no_grad():
    x = leaf(3)
    z = (x * x).sum()
    with torch.no_grad():
        x.add_(1)
    with pytest.raises(
        RuntimeError, match=r"\[torch.FloatTensor \[3\]\] is at version 1; expected version 0 instead"
    ):
        z.backward()


def test_a_change_that_the_rule_does_not_look_at_is_no_error():
    x = leaf(3)
    y = x * 1
    z = y + 1
    y.mul_(2)
    assert gradient(x, z.sum()) == [1, 1, 1]


def test_elements_that_share_memory_are_not_written():
    x = torch.zeros(1, 3).expand(2, 3)
    with pytest.raises(
        RuntimeError,
        match="more than one element of the written-to tensor refers to a single memory location",
    ):
        x.add_(1)


def test_sizes_that_do_not_fit():
    x = torch.zeros(2, 3)
    with pytest.raises(RuntimeError, match=r"shape '\[4, 2\]' is invalid for input of size 6"):
        x.view(4, 2)
    with pytest.raises(RuntimeError, match="The expanded size of the tensor"):
        x.expand(4, 3)
    with pytest.raises(
        RuntimeError, match=r"The expanded size of the tensor \(3\) must match the existing size \(2\)"
    ):
        x[0] = torch.zeros(2)


def test_empty_views():
    x = torch.zeros(3, 0)
    assert x.t().shape == (0, 3) and x.view(0, 7).shape == (0, 7) and x[1:].shape == (2, 0)
    x.t().fill_(1)
    x[:, :] = 5
    assert x.numel() == 0


def test_a_long_linspace_is_made_in_blocks():
    line = torch.linspace(-3, 7, 100_001, dtype=torch.float64)
    assert line[0].item() == -3 and line[50_000].item() == 2 and line[-1].item() == 7
    assert abs((line[1:] - line[:-1]) - 1e-4).max().item() < 1e-14
