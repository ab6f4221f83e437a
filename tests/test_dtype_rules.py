"""Element types, how they mix, their limits. Against PyTorch: parity/test_promotion_parity.py."""

from __future__ import annotations

import copy
import pickle
from itertools import product

import numpy as np
import pytest

from numbatorch.dtype import (
    ALL_DTYPES,
    DIMENSIONED,
    NUMBER,
    ZERO_DIM,
    DType,
    as_dtype,
    bfloat16,
    can_cast,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    finfo,
    float16,
    float32,
    float64,
    from_numpy_dtype,
    get_default_complex_dtype,
    get_default_dtype,
    half,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    long,
    number_dtype,
    promote_types,
    result_dtype,
    set_default_dtype,
    short,
    uint8,
)
from numbatorch.dtype import bool as bool_
from numbatorch.dtype import float as float_alias
from numbatorch.dtype import int as int_alias


@pytest.fixture
def default_dtype():
    """Puts the default dtype back."""
    before = get_default_dtype()
    yield before
    set_default_dtype(before)


def named(name: str) -> DType:
    return next(dtype for dtype in ALL_DTYPES if dtype.name == name)


# --- the objects


def test_twelve_types():
    assert [str(dtype) for dtype in ALL_DTYPES] == [
        f"torch.{name}"
        for name in (
            "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
            "complex64", "complex128",
        )
    ]  # fmt: skip
    assert repr(float32) == "torch.float32" and isinstance(float32, DType)


def test_aliases():
    assert (half, float_alias, double) == (float16, float32, float64)
    assert (short, int_alias, long) == (int16, int32, int64)
    assert (cfloat, cdouble) == (complex64, complex128)


@pytest.mark.parametrize("dtype", ALL_DTYPES, ids=str)
def test_copies_are_the_object_itself(dtype):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(dtype, protocol)) is dtype
    assert copy.copy(dtype) is dtype and copy.deepcopy({"a": [dtype]})["a"][0] is dtype


def test_fields():
    assert bfloat16.numpy == np.uint16 and bool_.numpy == np.bool_ and complex64.numpy == np.complex64
    assert [dtype.itemsize for dtype in (bool_, int16, bfloat16, float64, complex128)] == [1, 2, 2, 8, 16]
    assert [dtype for dtype in ALL_DTYPES if dtype.is_complex] == [complex64, complex128]
    assert [dtype for dtype in ALL_DTYPES if dtype.is_floating_point] == [float16, bfloat16, float32, float64]
    assert [dtype for dtype in ALL_DTYPES if not dtype.is_signed] == [bool_, uint8]
    with pytest.raises(AttributeError):
        float32.itemsize = 8


def test_real_and_complex():
    assert [dtype.to_real() for dtype in (complex64, complex128, int8)] == [float32, float64, int8]
    assert [dtype.to_complex() for dtype in (float16, bfloat16, float32, float64, complex64)] == [
        complex64, complex64, complex64, complex128, complex64,
    ]  # fmt: skip
    with pytest.raises(RuntimeError, match=r"^Unknown Complex ScalarType for Int$"):
        int32.to_complex()


# --- promotion


def test_promotion_is_a_lattice():
    for a, b in product(ALL_DTYPES, repeat=2):
        joined = promote_types(a, b)
        assert joined is promote_types(b, a)
        assert promote_types(joined, a) is joined and can_cast(a, joined)
    assert all(promote_types(a, a) is a for a in ALL_DTYPES)


@pytest.mark.parametrize(
    ("a", "b", "result"),
    [
        (uint8, int8, int16),
        (uint8, int64, int64),
        (bool_, uint8, uint8),
        (int64, float16, float16),
        (float16, bfloat16, float32),
        (float64, complex64, complex128),
        (bfloat16, complex64, complex64),
        (int64, complex64, complex64),
    ],
)
def test_promote_types(a, b, result):
    assert promote_types(a, b) is result


@pytest.mark.parametrize(
    ("operands", "result"),
    [
        ([(int8, DIMENSIONED), (int64, DIMENSIONED)], int64),
        ([(int8, DIMENSIONED), (int64, ZERO_DIM)], int8),
        ([(int8, DIMENSIONED), (float64, ZERO_DIM)], float64),
        ([(float32, DIMENSIONED), (float64, ZERO_DIM)], float32),
        ([(float32, DIMENSIONED), (complex128, ZERO_DIM)], complex64),
        ([(float64, DIMENSIONED), (complex64, NUMBER)], complex128),
        ([(float64, ZERO_DIM), (float32, NUMBER)], float64),
        ([(bool_, DIMENSIONED), (int64, NUMBER)], int64),
        ([(bool_, DIMENSIONED), (uint8, ZERO_DIM)], uint8),
        ([(uint8, DIMENSIONED), (bool_, NUMBER)], uint8),
        ([(int32, ZERO_DIM), (float32, NUMBER)], float32),
        ([(int64, NUMBER), (float32, NUMBER)], float32),
        ([(int16, DIMENSIONED), (float16, ZERO_DIM), (float64, NUMBER)], float16),
    ],
)
def test_result_dtype(operands, result):
    assert result_dtype(*operands) is result
    assert result_dtype(*reversed(operands)) is result


def test_can_cast():
    assert can_cast(float64, float16) and can_cast(int64, uint8) and can_cast(bool_, uint8)
    assert can_cast(int64, float16) and can_cast(float64, complex64)
    assert not can_cast(float16, int64) and not can_cast(uint8, bool_) and not can_cast(complex64, float64)


@pytest.mark.parametrize("function", [promote_types, can_cast])
def test_dtype_arguments(function):
    assert function(int, float32) in (float32, True)
    with pytest.raises(
        TypeError, match=rf"^{function.__name__}\(\): argument '\w+' \(position 2\) must be torch"
    ):
        function(float32, 3)


# --- the default type, Python's and NumPy's types


def test_default_dtype(default_dtype):
    assert default_dtype is float32 and get_default_complex_dtype() is complex64
    assert number_dtype(2.0) is float32 and number_dtype(1j) is complex64
    set_default_dtype(float64)
    assert get_default_dtype() is float64 and get_default_complex_dtype() is complex128
    assert number_dtype(2.0) is float64 and number_dtype(1j) is complex128 and number_dtype(2) is int64
    assert finfo() == finfo(float64)


def test_default_dtype_must_be_floating_point(default_dtype):
    with pytest.raises(TypeError, match=r"^only floating-point types are supported as the default type$"):
        set_default_dtype(int32)
    with pytest.raises(TypeError, match=r"^invalid dtype object: only floating-point types are supported"):
        set_default_dtype(float)
    assert get_default_dtype() is default_dtype


def test_numbers():
    for value, dtype in [
        (True, bool_), (np.True_, bool_), (3, int64), (np.uint8(3), int64), (2.5, float32),
        (np.float64(2.5), float32), (np.float16(2.5), float32), (1j, complex64),
        (np.complex128(1j), complex64),
    ]:  # fmt: skip
        assert number_dtype(value) is dtype
    with pytest.raises(TypeError, match="expected Number, but got str"):
        number_dtype("3")


def test_python_types():
    assert [as_dtype(kind) for kind in (bool, int, float, complex, int8)] == [
        bool_, int64, float64, complex128, int8,
    ]  # fmt: skip
    with pytest.raises(TypeError, match=r"^zeros\(\): argument 'dtype' must be torch.dtype, not str$"):
        as_dtype("float32", "zeros(): argument 'dtype'")
    with pytest.raises(TypeError, match=r"must be torch.dtype, not type$"):
        as_dtype(np.float32)


def test_numpy_types():
    for dtype in ALL_DTYPES:
        if dtype is not bfloat16:
            assert from_numpy_dtype(np.dtype(dtype.name)) is dtype
    assert from_numpy_dtype(np.dtype("longlong")) is int64
    assert from_numpy_dtype(np.dtype(">i1")) is int8


@pytest.mark.parametrize(
    ("numpy", "name"),
    [("U1", "str_"), ("O", "object_"), ("M8[s]", "datetime64"), ("u2", "uint16"), ([("a", "i4")], "void")],
)
def test_numpy_types_that_tensors_lack(numpy, name):
    with pytest.raises(TypeError, match=rf"^can't convert np.ndarray of type numpy\.{name}\. The only"):
        from_numpy_dtype(np.dtype(numpy))


def test_numpy_byte_order():
    with pytest.raises(
        ValueError, match=r"^given numpy array has byte order different from the native byte order"
    ):
        from_numpy_dtype(np.dtype("f4").newbyteorder("S"))


# --- limits


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64", "complex128"])
def test_finfo_is_numpys(name):
    ours, numpys = finfo(named(name)), np.finfo(name)
    for field in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution"):
        # NumPy rounds its decimal resolution to the type itself.
        assert getattr(ours, field) == pytest.approx(float(getattr(numpys, field)), rel=1e-3, abs=0)
        assert isinstance(getattr(ours, field), int if field == "bits" else float)


@pytest.mark.parametrize("dtype", [uint8, int8, int16, int32, int64], ids=str)
def test_iinfo_is_numpys(dtype):
    ours, numpys = iinfo(dtype), np.iinfo(dtype.numpy)
    assert (ours.bits, ours.min, ours.max) == (numpys.bits, numpys.min, numpys.max)


def test_limits_as_text():
    assert repr(finfo(bfloat16)) == (
        "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, "
        "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=bfloat16)"
    )
    assert repr(iinfo(int64)) == "iinfo(min=-9.22337e+18, max=9.22337e+18, dtype=int64)"


def test_limits_of_the_wrong_class():
    with pytest.raises(TypeError, match=r"^torch.finfo\(\) requires a floating point input type"):
        finfo(int32)
    with pytest.raises(TypeError, match=r"^torch.iinfo\(\) requires an integer input type"):
        iinfo(float32)
    with pytest.raises(TypeError, match=r"^torch.bool is not supported by torch.iinfo"):
        iinfo(bool_)
    with pytest.raises(
        TypeError, match=r"^finfo\(\): argument 'type' \(position 1\) must be torch.dtype, not str"
    ):
        finfo("float32")
