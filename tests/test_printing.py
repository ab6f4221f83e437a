"""Tensors print as PyTorch 2.13 prints them: the texts below are PyTorch's. The wide comparison,
against PyTorch itself, is in parity/test_printing_parity.py."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from math import inf, nan

import numpy as np
import pytest

from numbatorch.device import device as Device
from numbatorch.dtype import ALL_DTYPES, DType, get_default_dtype, set_default_dtype
from numbatorch.printing import get_printoptions, printoptions, set_printoptions, tensor_html, tensor_repr

DTYPES: dict[str, DType] = {dtype.name: dtype for dtype in ALL_DTYPES}
CPU = Device("cpu")


def stored(values, dtype: str) -> np.ndarray:
    """`values` as `tensor_repr` wants them: in the dtype's own NumPy type, bfloat16 in float32."""
    return np.asarray(values).astype(np.float32 if dtype == "bfloat16" else DTYPES[dtype].numpy)


def case(title: str, values, dtype: str, *, text: str, **suffixes):
    return pytest.param(values, dtype, suffixes, text, id=title)


# fmt: off
GOLDEN = [
    case("integers in floats", np.array([1.0, -2.0, 30.0]), "float32",
         text="tensor([ 1., -2., 30.])"),
    case("fractions", np.array([1.5, -2.25, 30.0]), "float32",
         text="tensor([ 1.5000, -2.2500, 30.0000])"),
    case("large integers turn scientific", np.array([1.0, 1e9]), "float32",
         text="tensor([1.0000e+00, 1.0000e+09])"),
    case("small numbers turn scientific", np.array([0.1, 1e-5]), "float32",
         text="tensor([1.0000e-01, 1.0000e-05])"),
    case("range over 1000 turns scientific", np.array([1.5, 1600.0]), "float32",
         text="tensor([1.5000e+00, 1.6000e+03])"),
    case("nan and infinities", np.array([nan, inf, -inf, 1.0]), "float32",
         text="tensor([nan, inf, -inf, 1.])"),
    case("nan and infinities with fractions", np.array([nan, inf, -inf, 1.5]), "float32",
         text="tensor([   nan,    inf,   -inf, 1.5000])"),
    case("only nan and infinities", np.array([nan, inf, -inf]), "float32",
         text="tensor([nan, inf, -inf])"),
    case("signed zeros", np.array([0.0, -0.0]), "float32",
         text="tensor([0., -0.])"),
    case("signed zeros with fractions", np.array([0.0, -0.0, 0.5]), "float32",
         text="tensor([0.0000, -0.0000, 0.5000])"),
    case("rounded", np.array([0.99999, 0.00015, 0.12345]), "float32",
         text="tensor([9.9999e-01, 1.5000e-04, 1.2345e-01])"),
    case("subnormal", np.array([1e-45]), "float32",
         text="tensor([1.4013e-45])"),
    case("float64", np.array([1.0, 1e300]), "float64",
         text="tensor([ 1.0000e+00, 1.0000e+300], dtype=torch.float64)"),
    case("float16", np.array([0.1, 65504.0]), "float16",
         text="tensor([9.9976e-02, 6.5504e+04], dtype=torch.float16)"),
    case("bfloat16", np.array([0.10009765625, 3.0]), "bfloat16",
         text="tensor([0.1001, 3.0000], dtype=torch.bfloat16)"),
    case("0-d float", np.array(3.14159), "float32",
         text="tensor(3.1416)"),
    case("0-d float64", np.array(2.0), "float64",
         text="tensor(2., dtype=torch.float64)"),
    case("0-d int", np.array(-7), "int64",
         text="tensor(-7)"),
    case("0-d bool", np.array(True), "bool",
         text="tensor(True)"),
    case("0-d complex", np.array(1 - 2.5j), "complex64",
         text="tensor(1.-2.5000j)"),
    case("int64", np.array([[1, -20], [300, 4]]), "int64",
         text="""\
tensor([[  1, -20],
        [300,   4]])"""),
    case("int32", np.array([[1, -20], [300, 4]]), "int32",
         text="""\
tensor([[  1, -20],
        [300,   4]], dtype=torch.int32)"""),
    case("extremes of int64", np.array([-(2**63), 2**63 - 1]), "int64",
         text="tensor([-9223372036854775808,  9223372036854775807])"),
    case("uint8", np.array([0, 255]), "uint8",
         text="tensor([  0, 255], dtype=torch.uint8)"),
    case("int8", np.array([-128, 127]), "int8",
         text="tensor([-128,  127], dtype=torch.int8)"),
    case("int16", np.array([[5]]), "int16",
         text="tensor([[5]], dtype=torch.int16)"),
    case("bool", np.array([[True, False]]), "bool",
         text="tensor([[ True, False]])"),
    case("complex64", np.array([1 + 2j, -3.5 - 4e-3j]), "complex64",
         text="tensor([ 1.0000+2.0000j, -3.5000-0.0040j])"),
    case("complex128 with nan", np.array([complex(nan, inf), -1j]), "complex128",
         text="tensor([nan+infj, -0.-1.j], dtype=torch.complex128)"),
    case("complex matrix", np.array([[1 + 1j, 2 - 2j], [30 + 0j, -4 - 40j]]), "complex64",
         text="""\
tensor([[ 1.+1.j,  2.-2.j],
        [30.+0.j, -4.-40.j]])"""),
    case("empty", np.zeros(0), "float32",
         text="tensor([])"),
    case("empty with a shape", np.zeros((0, 3)), "float32",
         text="tensor([], size=(0, 3))"),
    case("empty of integers", np.zeros(0, int), "int64",
         text="tensor([], dtype=torch.int64)"),
    case("empty float64 with a shape", np.zeros((2, 0)), "float64",
         text="tensor([], size=(2, 0), dtype=torch.float64)"),
    case("3-d", np.arange(12.0).reshape(2, 2, 3), "float32",
         text="""\
tensor([[[ 0.,  1.,  2.],
         [ 3.,  4.,  5.]],

        [[ 6.,  7.,  8.],
         [ 9., 10., 11.]]])"""),
    case("4-d", np.arange(8).reshape(2, 1, 2, 2), "int64",
         text="""\
tensor([[[[0, 1],
          [2, 3]]],


        [[[4, 5],
          [6, 7]]]])"""),
    case("lines wrap", np.arange(30) / 4, "float32",
         text="""\
tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000, 1.2500, 1.5000, 1.7500, 2.0000,
        2.2500, 2.5000, 2.7500, 3.0000, 3.2500, 3.5000, 3.7500, 4.0000, 4.2500,
        4.5000, 4.7500, 5.0000, 5.2500, 5.5000, 5.7500, 6.0000, 6.2500, 6.5000,
        6.7500, 7.0000, 7.2500])"""),
    case("rows wrap", np.arange(60).reshape(2, 30) * 100, "int64",
         text="""\
tensor([[   0,  100,  200,  300,  400,  500,  600,  700,  800,  900, 1000, 1100,
         1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900, 2000, 2100, 2200, 2300,
         2400, 2500, 2600, 2700, 2800, 2900],
        [3000, 3100, 3200, 3300, 3400, 3500, 3600, 3700, 3800, 3900, 4000, 4100,
         4200, 4300, 4400, 4500, 4600, 4700, 4800, 4900, 5000, 5100, 5200, 5300,
         5400, 5500, 5600, 5700, 5800, 5900]])"""),
    case("summarized vector", np.arange(2000.0), "float32",
         text="""\
tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.9970e+03, 1.9980e+03,
        1.9990e+03])"""),
    case("summarized matrix", np.arange(2000).reshape(40, 50), "int64",
         text="""\
tensor([[   0,    1,    2,  ...,   47,   48,   49],
        [  50,   51,   52,  ...,   97,   98,   99],
        [ 100,  101,  102,  ...,  147,  148,  149],
        ...,
        [1850, 1851, 1852,  ..., 1897, 1898, 1899],
        [1900, 1901, 1902,  ..., 1947, 1948, 1949],
        [1950, 1951, 1952,  ..., 1997, 1998, 1999]])"""),
    case("summarized, first dimension short", np.arange(2000.0).reshape(2, 1000), "float64",
         text="""\
tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.9700e+02, 9.9800e+02,
         9.9900e+02],
        [1.0000e+03, 1.0010e+03, 1.0020e+03,  ..., 1.9970e+03, 1.9980e+03,
         1.9990e+03]], dtype=torch.float64)"""),
    case("summarized 3-d", np.arange(2400).reshape(2, 30, 40), "int64",
         text="""\
tensor([[[   0,    1,    2,  ...,   37,   38,   39],
         [  40,   41,   42,  ...,   77,   78,   79],
         [  80,   81,   82,  ...,  117,  118,  119],
         ...,
         [1080, 1081, 1082,  ..., 1117, 1118, 1119],
         [1120, 1121, 1122,  ..., 1157, 1158, 1159],
         [1160, 1161, 1162,  ..., 1197, 1198, 1199]],

        [[1200, 1201, 1202,  ..., 1237, 1238, 1239],
         [1240, 1241, 1242,  ..., 1277, 1278, 1279],
         [1280, 1281, 1282,  ..., 1317, 1318, 1319],
         ...,
         [2280, 2281, 2282,  ..., 2317, 2318, 2319],
         [2320, 2321, 2322,  ..., 2357, 2358, 2359],
         [2360, 2361, 2362,  ..., 2397, 2398, 2399]]])"""),
    case("summarized complex", np.arange(1001) * (1 + 1j), "complex64",
         text="""\
tensor([   0.+0.j,    1.+1.j,    2.+2.j,  ...,  998.+998.j,
         999.+999.j, 1000.+1000.j])"""),
    case("suffix on a new line", np.arange(14) * 1.0, "float64",
         text="""\
tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.],
       dtype=torch.float64)"""),
    case("requires_grad", np.array([1.0]), "float32", requires_grad=True,
         text="tensor([1.], requires_grad=True)"),
    case("grad_fn", np.array([1.0]), "float32", grad_fn_name="AddBackward0",
         text="tensor([1.], grad_fn=<AddBackward0>)"),
    case("grad_fn on a new line", np.arange(12) * 0.5, "float32", grad_fn_name="AddBackward0",
         text="""\
tensor([0.0000, 0.5000, 1.0000, 1.5000, 2.0000, 2.5000, 3.0000, 3.5000, 4.0000,
        4.5000, 5.0000, 5.5000], grad_fn=<AddBackward0>)"""),
    case("dtype, then grad_fn", np.array([[1.0, 2.0]]), "float64", grad_fn_name="AddBackward0",
         text="tensor([[1., 2.]], dtype=torch.float64, grad_fn=<AddBackward0>)"),
]

WITH_OPTIONS = [
    (np.array([0.123456789, 2.0]), {"precision": 7}, "tensor([0.1234568, 2.0000000])"),
    (np.array([0.6, 2.0]), {"precision": 0}, "tensor([1, 2])"),
    (np.array([1.0, 2.0]), {"sci_mode": True}, "tensor([1.0000e+00, 2.0000e+00])"),
    (np.array([1e-6, 1e9]), {"sci_mode": False}, "tensor([         0.0000, 1000000000.0000])"),
    (np.arange(10), {"threshold": 5}, "tensor([0, 1, 2,  ..., 7, 8, 9])"),
    (np.arange(36).reshape(6, 6), {"threshold": 5, "edgeitems": 1}, """\
tensor([[ 0,  ...,  5],
        ...,
        [30,  ..., 35]])"""),
    (np.arange(10), {"threshold": 5, "edgeitems": 0}, "tensor([...], size=(10,))"),
    (np.arange(10), {"linewidth": 20}, """\
tensor([0, 1, 2, 3,
        4, 5, 6, 7,
        8, 9])"""),
    (np.array([1.23456, 2.0]), {"profile": "short"}, "tensor([1.23, 2.00])"),
    (np.array([1.23456, 2.0]), {"profile": "short", "precision": 3}, "tensor([1.235, 2.000])"),
]
# fmt: on


@pytest.mark.parametrize(("values", "dtype", "suffixes", "text"), GOLDEN)
def test_repr(values, dtype, suffixes, text):
    assert tensor_repr(stored(values, dtype), DTYPES[dtype], CPU, **suffixes) == text


@pytest.mark.parametrize(("values", "options", "text"), WITH_OPTIONS, ids=lambda value: str(value)[:30])
def test_repr_with_options(values, options, text):
    dtype = "float32" if values.dtype.kind == "f" else "int64"
    before = get_printoptions()
    with printoptions(**options):
        assert tensor_repr(stored(values, dtype), DTYPES[dtype], CPU) == text
    assert get_printoptions() == before


def test_device_suffix():
    ones = np.ones(2, np.float32)
    assert tensor_repr(ones, DTYPES["float32"], Device("cuda:0")) == "tensor([1., 1.], device='cuda:0')"
    wrapped = tensor_repr(ones, DTYPES["bfloat16"], Device("cuda", 1), grad_fn_name="SqueezeBackward0")
    assert wrapped == (
        "tensor([1., 1.], device='cuda:1', dtype=torch.bfloat16,\n       grad_fn=<SqueezeBackward0>)"
    )
    assert tensor_repr(np.zeros((0, 2), np.float32), DTYPES["float32"], Device("cuda:0")) == (
        "tensor([], device='cuda:0', size=(0, 2))"
    )


def test_name_of_a_subclass_indents():
    text = tensor_repr(np.eye(2), DTYPES["float64"], CPU, name="Velocity")
    assert text == "Velocity([[1., 0.],\n          [0., 1.]], dtype=torch.float64)"


def test_default_dtype_is_not_named():
    before = get_default_dtype()
    try:
        set_default_dtype(DTYPES["float64"])
        assert tensor_repr(np.ones(1), DTYPES["float64"], CPU) == "tensor([1.])"
        assert tensor_repr(np.ones(1, "f4"), DTYPES["float32"], CPU) == "tensor([1.], dtype=torch.float32)"
        assert tensor_repr(np.ones(1, "c16"), DTYPES["complex128"], CPU) == "tensor([1.+0.j])"
    finally:
        set_default_dtype(before)


def test_strided_views_print_their_own_order():
    view = np.arange(6.0).reshape(2, 3).T[::-1]
    assert tensor_repr(view, DTYPES["float64"], CPU) == (
        "tensor([[2., 5.],\n        [1., 4.],\n        [0., 3.]], dtype=torch.float64)"
    )


def test_set_printoptions_keeps_what_is_not_given():
    before = get_printoptions()
    try:
        set_printoptions(precision=2, sci_mode=True)
        set_printoptions(linewidth=40)
        assert get_printoptions() == {**before, "precision": 2, "linewidth": 40, "sci_mode": None}
        set_printoptions(profile="full")
        assert get_printoptions()["threshold"] == inf
    finally:
        set_printoptions(**before)


def test_printoptions_come_back_after_an_error():
    before = get_printoptions()
    with pytest.raises(KeyError), printoptions(precision=9):
        raise KeyError
    assert get_printoptions() == before


class Guarded:
    """Elements in memory of another kind: they can be sliced, and few may be read."""

    def __init__(self, shape, limit):
        self.shape, self.limit = shape, limit
        self.values = np.broadcast_to(np.float32(1), shape)

    def __getitem__(self, index):
        part = self.values[index]
        assert part.size <= self.limit
        return part


@pytest.mark.parametrize("shape", [(10**9,), (10**4, 10**4), (3, 10**8), (10**6, 5, 7, 9)])
def test_only_what_is_shown_is_read(shape):
    assert "..." in tensor_repr(Guarded(shape, limit=1000), DTYPES["float32"], CPU)
    assert "sample of" in tensor_html(Guarded(shape, limit=1000), DTYPES["float32"], CPU)


# --- HTML


class Balanced(HTMLParser):
    """Fails where tags do not nest; collects the text."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def html_text(html: str) -> str:
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return " ".join(parser.text)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (3,), (100,), (2, 2), (100, 200), (4, 5, 30, 40)])
def test_html_is_well_formed_and_bounded(dtype, shape):
    values = stored(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2, dtype)
    html = tensor_html(values, DTYPES[dtype], Device("cuda:0"))
    text = html_text(html)
    assert dtype in text and "cuda:0" in text
    assert len(html) < 15_000
    assert ("min" in text) == (0 not in shape)


def test_html_says_what_the_tensor_is():
    html = tensor_html(np.eye(3), DTYPES["float64"], CPU, grad_fn_name="AddBackward0", name="A<b>")
    text = html_text(html)
    for part in ("A<b>", "3 × 3", "float64", "cpu", "grad_fn=AddBackward0", "min 0", "mean 0.3333", "max 1"):
        assert part in text
    assert "<b>A&lt;b&gt;</b>" in html
    assert "requires_grad" in tensor_html(np.eye(3), DTYPES["float64"], CPU, requires_grad=True)


def test_html_of_numbers_that_are_not_finite():
    html = tensor_html(np.array([[nan, inf], [-inf, -4.0]]), DTYPES["float64"], CPU)
    text = html_text(html)
    assert "3 not finite" in text and "min -4" in text and "max -4" in text
    assert html.count("background") == 1
    assert "not finite" in html_text(tensor_html(np.array([nan]), DTYPES["float64"], CPU))
    huge = html_text(tensor_html(np.full(4, 1.7e308), DTYPES["float64"], CPU))
    assert "max 1.7e+308" in huge


def test_html_shows_the_first_matrix_and_its_edges():
    values = np.arange(2 * 3 * 20 * 30).reshape(2, 3, 20, 30)
    html = tensor_html(values, DTYPES["int64"], CPU)
    shown = [int(number) for number in re.findall(r">(\d+)</td>", html)]
    rows, columns = [*range(4), *range(16, 20)], [*range(6), *range(24, 30)]
    assert shown == [row * 30 + column for row in rows for column in columns]
    assert "[0, 0, :, :]" in html_text(html)
