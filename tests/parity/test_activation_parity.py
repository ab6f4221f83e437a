"""Activations: their errors, converted limits, and the random ones by PyTorch's own numbers."""

import pytest

torch = pytest.importorskip("torch")

from parity.expressions import assert_same

CASES = """
F.prelu(L.ones(2,3),L.ones(3,dtype=L.float64)) | F.prelu(L.ones(2,3),L.ones(2)) | F.prelu(L.ones(2,3),L.ones(3,1))
F.prelu(i(-1.),i([.5])) | F.prelu(-L.ones(3),i([.5,.2,.1])) | F.prelu(-L.ones(2,3,2),i([.5,.2,.1]))
F.prelu(L.ones(2,dtype=L.int64),i([1])) | F.prelu(-L.ones(2),i(.5)) | F.threshold(i([1,5]),2,20)
F.threshold(i([1,5]),2.5,20.5) | F.threshold(i([True]),2.5,20.5) | F.hardtanh(i([1,5],dtype=L.uint8),0,3)
F.hardtanh(i([1,5],dtype=L.uint8),-1,3) | F.hardtanh(i([1,5]),-1.5,3.5) | F.hardtanh(i([1.,5]),3,1) | F.glu(i([1,5]))
F.glu(L.ones(3)) | F.glu(i(3.)) | F.glu(L.ones(2,4),0) | F.glu(L.ones(2,4),3) | F.softsign(i([1,5])) | F.relu6(i([True]))
L.frac(i([1])) | F.rrelu(L.ones(2),.5,.1) | F.rrelu(-L.ones(2),.1,.5) | F.rrelu(i([-1,2]),.1,.5)
(L.manual_seed(0),F.rrelu(i([-1.,2,-3,4,-5,0]),.1,.5,True))[1]
(L.manual_seed(0),L.rrelu(i([-1.,2,-3,4,-5,0]).half(),.1,.5,True))[1]
(L.manual_seed(0),F.rrelu_(i([-1.,2,-3,4,-5,0]),.1,.5,True))[1]
(L.manual_seed(0),F.gumbel_softmax(i([[-1.,2,-3],[1,2,3]]),.5,True))[1]
(L.manual_seed(0),F.gumbel_softmax(i([[-1.,2,-3],[1,2,3]]),dim=0))[1] | F.gumbel_softmax(i([[1,2]]))
F.softshrink(L.ones(2),-1) | F.softplus(L.ones(2),0.) | F.celu(L.ones(2),0.) | F.threshold_(i([1.,5]),2.,20.)
F.logsigmoid(i([1,2])) | F.leaky_relu_(i([1,2])) | F.hardsigmoid(i([1.]),True) | L.nn.RReLU(.1,.3) | L.nn.RReLU(inplace=True)
F.gelu(L.ones(2), approximate='x') | L.floor(i([True])) | L.trunc(i([True])) | F.gumbel_softmax(i([[1.0, 2]]), eps=1e-5).shape
F.gumbel_softmax(i([[1.0, 2]]), hard=True).sum()
"""


@pytest.mark.parametrize(
    "case", [case.strip() for line in CASES.strip().split("\n") for case in line.split("|")]
)
def test_activation(case):
    assert_same(case, rtol=1e-6)


@pytest.mark.parametrize("name", ["rrelu", "gumbel_softmax"])
def test_gradient_of_a_random_activation(name):
    arguments = "0.1, 0.5, True" if name == "rrelu" else "0.5, True"
    call = f"L.autograd.grad((F.{name}(v := i([[-1.0, 2, -3]], requires_grad=True), {arguments}) * i([1.0, 2, 3])).sum(), v)"
    assert_same(f"(L.manual_seed(0), {call})[1]", rtol=1e-5, atol=1e-6)
