"""Tensors made in inference mode: marked, and kept from the tape."""

import pytest

import numbatorch as torch


@pytest.fixture
def made():
    with torch.inference_mode():
        return torch.ones(2)


def test_what_is_made_inside_is_marked(made):
    y = torch.ones(2)
    assert made.is_inference() and made[0].is_inference() and made.detach().is_inference()
    assert not made.clone().is_inference() and not (made + 1).is_inference()
    with torch.inference_mode():
        assert not y.view(2, 1).is_inference() and not y.detach().is_inference()
        assert (y * 1).is_inference() and not y.add_(1).is_inference()
        with torch.inference_mode(False):
            assert not torch.ones(1).is_inference()
        assert torch.ones(1).is_inference()
    assert not torch.ones(1).is_inference()


def test_it_stays_off_the_tape(made):
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * made
    assert (x + made).requires_grad
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor outside"):
        made.requires_grad_()


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.add_(1),
        lambda x: x[0].fill_(2),
        lambda x: torch.add(torch.ones(2), 1, out=x),
        lambda x: x.t_(),
        lambda x: x.index_fill_(0, torch.tensor([0]), 1),
    ],
)
def test_it_is_changed_inside_only(made, change):
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
        change(made)
    with torch.inference_mode():
        change(made)


def test_a_view_made_inside_of_a_tensor_that_is_not():
    x, y = torch.ones(2, requires_grad=True), torch.ones(2)
    with torch.inference_mode():
        views = x[:1], y[:1]
    with pytest.raises(RuntimeError, match="A view was created in inference mode"):
        views[0].add_(1)
    views[1].add_(1)
    assert y.tolist() == [2, 1]
