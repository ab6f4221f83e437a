"""`testing.check_op` passes right ops and finds what is wrong with others."""

import pytest

import numbatorch as torch


def test_a_pointwise_op_and_a_composition_pass():
    @torch.pointwise
    def weighted(x, y):
        return x * y + y * y

    torch.testing.check_op(weighted, (2, 3), (3,))
    torch.testing.check_op(lambda x: (x * x).sum(0).exp(), (3, 2), low=-1, high=1)


def test_a_wrong_derivative_is_found():
    @torch.pointwise(derivative=lambda y, x: 2 * x)
    def cube(x):
        return x * x * x

    with pytest.raises(RuntimeError, match="numerical"):
        torch.testing.check_op(cube, (3,))


def test_an_op_that_minds_how_memory_lies_is_found():
    with pytest.raises(AssertionError, match="not close"):
        torch.testing.check_op(lambda x: x * float(x.is_contiguous()), (2, 3), orders=0)


def test_an_op_is_a_method_where_it_is_put_into_a_class():
    @torch.pointwise
    def halved(x):
        return x / 2

    torch.Tensor.halved = halved
    try:
        assert torch.tensor([3.0]).halved().tolist() == [1.5]
        assert torch.Tensor.halved is halved
    finally:
        del torch.Tensor.halved
