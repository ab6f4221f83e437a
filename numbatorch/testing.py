"""What tests of tensors need: comparing results, and checking an op of one's own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import numbatorch.dtype as dt
from numbatorch import cuda
from numbatorch.autograd import gradcheck, gradgradcheck
from numbatorch.ops import empty, randint, tensor, view_as_complex
from numbatorch.tensor import Tensor

# dtype: rtol, atol
_TOLERANCE = {
    dt.float16: (1e-3, 1e-5),
    dt.bfloat16: (1.6e-2, 1e-5),
    dt.float32: (1.3e-6, 1e-5),
    dt.float64: (1e-7, 1e-7),
    dt.complex64: (1.3e-6, 1e-5),
    dt.complex128: (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Check that |actual - expected| <= atol + rtol |expected|, for tensors, arrays, numbers, and sequences and
    mappings of them.

    Without `rtol` and `atol` they depend on the dtype: 1.3e-6 and 1e-5 for float32, 1e-7 both for float64, 0 for
    integers. `msg` replaces the text of the error, or makes it from the usual one. All tensors here have one
    layout, so `check_layout` has nothing to do.

    Raises AssertionError where they differ, and says where; ValueError if only one tolerance is given.

    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))
    """
    if (rtol is None) != (atol is None):
        missing = "atol" if atol is None else "rtol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    try:
        _compare(actual, expected, (rtol, atol), equal_nan, check_device, check_dtype, check_stride, ())
    except AssertionError as error:
        if msg is None:
            raise
        raise AssertionError(msg(str(error)) if callable(msg) else msg) from None


def _compare(actual, expected, tolerances, equal_nan, check_device, check_dtype, check_stride, path) -> None:
    where = f"\n\nThe failure occurred for item {''.join(f'[{p!r}]' for p in path)}" if path else ""
    rest = (tolerances, equal_nan, check_device, check_dtype, check_stride)
    if isinstance(expected, str) or isinstance(actual, str):
        if not (isinstance(expected, str) and isinstance(actual, str)):
            raise TypeError(_unhandled(actual, expected))
        if actual != expected:
            raise AssertionError(f"Object comparison failed: {actual!r} != {expected!r}{where}")
    elif isinstance(expected, Mapping) and isinstance(actual, Mapping):
        if actual.keys() != expected.keys():
            missing = sorted(map(repr, expected.keys() - actual.keys()))
            extra = sorted(map(repr, actual.keys() - expected.keys()))
            raise AssertionError(
                f"The keys of the mappings do not match:\nMissing keys in the actual mapping: [{', '.join(missing)}]\n"
                f"Additional keys in the actual mapping: [{', '.join(extra)}]{where}"
            )
        for key in expected:
            _compare(actual[key], expected[key], *rest, (*path, key))
    elif isinstance(expected, Sequence) and isinstance(actual, Sequence):
        if len(actual) != len(expected):
            raise AssertionError(
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{where}"
            )
        for k, (a, b) in enumerate(zip(actual, expected, strict=True)):
            _compare(a, b, *rest, (*path, k))
    elif expected is None and actual is None:
        return
    else:
        _compare_values(actual, expected, *rest, where)


def _unhandled(actual, expected) -> str:
    return f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."


def _compare_values(
    actual, expected, tolerances, equal_nan, check_device, check_dtype, check_stride, where
) -> None:
    numbers = (bool, int, float, complex, np.number, np.bool_)
    scalar = isinstance(actual, numbers) and isinstance(expected, numbers)
    tensors = isinstance(actual, Tensor | np.ndarray) and isinstance(expected, Tensor | np.ndarray)
    if not scalar and not tensors:
        raise TypeError(_unhandled(actual, expected))
    if scalar and check_dtype and type(actual) is not type(expected):
        raise AssertionError(f"The (d)types do not match: {type(actual)} != {type(expected)}.{where}")
    a, b = (x if isinstance(x, Tensor) else _tensor(x) for x in (actual, expected))
    checks = [("shape", a.shape, b.shape)]
    checks += [("device", a.device, b.device)] * (check_device and tensors)
    checks += [("dtype", a.dtype, b.dtype)] * (check_dtype and tensors)
    checks += [("stride()", a.stride(), b.stride())] * (check_stride and tensors)
    for name, ours, theirs in checks:
        if ours != theirs:
            raise AssertionError(
                f"The values for attribute '{name}' do not match: {ours} != {theirs}.{where}"
            )
    rtol, atol = tolerances
    if rtol is None:
        both = [_TOLERANCE.get(x.dtype, (0.0, 0.0)) for x in (a, b)]
        rtol, atol = max(t[0] for t in both), max(t[1] for t in both)
    x, y = (_wide(t) for t in (a, b))
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(x - y)
        fine = (x == y) | (np.isfinite(y) & (difference <= atol + rtol * np.abs(y)))
        if equal_nan:
            fine |= np.isnan(x) & np.isnan(y)
        if not fine.all():
            raise AssertionError(_mismatch(actual, expected, b, x, y, difference, fine, rtol, atol) + where)


def _tensor(value) -> Tensor:
    """A number or an array as a tensor, no digit lost."""
    return tensor(value, dtype=dt.float64 if isinstance(value, float) else None)


def _wide(t: Tensor) -> np.ndarray:
    """The values as NumPy's widest of their sort, so that differences are exact."""
    t = t.detach().cpu()
    if t.dtype in (dt.float16, dt.bfloat16, dt.float32):
        return t.double().numpy()
    array = t.numpy()
    return array.astype(np.result_type(array, np.int64))


def _mismatch(actual, expected, b, x, y, difference, fine, rtol, atol) -> str:
    """The text of the error."""
    close = "close" if rtol or atol else "equal"
    up_to = [f" (up to {t} allowed)" if rtol or atol else "" for t in (atol, rtol)]
    real = np.float64 if x.ndim == 0 or b.dtype in (dt.float64, dt.complex128) else np.float32
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = difference.astype(real) / np.abs(y).astype(real)
    if x.ndim == 0:
        ours, theirs = (v.item() if isinstance(v, Tensor | np.ndarray) else v for v in (actual, expected))
        lines = [f"Scalars are not {close}!", "", f"Expected {theirs} but got {ours}."]
        values = (("Absolute", difference.item()), ("Relative", relative.item()))
        return "\n".join(
            lines
            + [
                f"{name} difference: {value}{limit}"
                for (name, value), limit in zip(values, up_to, strict=True)
            ]
        )
    wrong = int((~fine).sum())
    lines = [f"Tensor-likes are not {close}!", ""]
    lines.append(f"Mismatched elements: {wrong} / {fine.size} ({wrong / fine.size:.1%})")
    for name, values, limit in (("absolute", difference, up_to[0]), ("relative", relative, up_to[1])):
        at = np.unravel_index(
            np.where(fine, -1, np.where(np.isnan(values), np.inf, values)).argmax(), x.shape
        )
        where = tuple(int(k) for k in at)
        lines.append(f"Greatest {name} difference: {values[at].item()} at index {where}{limit}")
    return "\n".join(lines)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """`assert_close` of old, with looser tolerances, and NaNs that are equal. Deprecated."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. "
        "Please use `torch.testing.assert_close()` instead. ",
        FutureWarning,
        stacklevel=2,
    )
    given, wanted = (x if isinstance(x, Tensor) else tensor(x) for x in (actual, expected))
    if rtol is None and atol is None:
        loose = {dt.float16: (1e-3, 1e-3), dt.float32: (1e-4, 1e-5), dt.float64: (1e-5, 1e-8)}
        rtol, atol = max(loose.get(x.dtype, (0.0, 0.0)) for x in (given, wanted))
    assert_close(
        given,
        wanted,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=True,
        check_dtype=False,
        msg=msg or None,
    )


def make_tensor(
    *shape: Any,
    dtype: dt.DType,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
) -> Tensor:
    """A tensor of numbers drawn from [low, high): for floats, and the parts of complex numbers, -9 to 9, for integers -9 to 9, for
    bytes 0 to 9, unless said otherwise.

    `noncontiguous` gives every other element of one twice as wide; with `exclude_zero` a 1, or the smallest positive number, stands in
    place of zeros.

    >>> torch.testing.make_tensor(2, 3, dtype=torch.int8, device="cpu").shape
    torch.Size([2, 3])
    """
    size = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    wide = (*size[:-1], 2 * size[-1]) if noncontiguous and size and size[-1] > 1 else size
    if dtype.is_complex:
        parts = empty((*wide, 2), dtype=dtype.to_real(), device=device)
        made = view_as_complex(parts.uniform_(-9 if low is None else low, 9 if high is None else high))
    elif dtype.is_floating_point:
        made = empty(wide, dtype=dtype, device=device)
        made.uniform_(-9 if low is None else low, 9 if high is None else high)
    elif dtype is dt.bool:
        made = randint(0, 2, wide, dtype=dtype, device=device)
    else:
        begin = (-9 if dtype.is_signed else 0) if low is None else math.ceil(low)
        made = randint(begin, 10 if high is None else math.ceil(high), wide, dtype=dtype, device=device)
    made = made[..., ::2] if wide != size else made
    if exclude_zero:
        made[made == 0] = dt.finfo(dtype).tiny if dtype.is_inexact else 1
    return made.requires_grad_(requires_grad)


def check_op(
    op: Callable, *shapes: Sequence[int], low: float = -2.0, high: float = 2.0, orders: int = 2
) -> None:
    """Check an op of one's own on operands of these shapes, drawn from [low, high).

    Its gradients are compared with differences of its values, to second order (`orders`); its values and
    gradients on cuda, if there is a GPU or its simulator, with those on the CPU, in float32; its values on transposed operands with
    those on contiguous ones; and, if it was made by `pointwise`, its values with what its body gives for plain
    numbers.

    Raises AssertionError or GradcheckError where something is wrong.

    >>> @torch.pointwise
    ... def square_plus(x, y):
    ...     return x * x + y
    >>> torch.testing.check_op(square_plus, (2, 3), (3,))
    """
    random = np.random.default_rng(0)
    arrays = [np.asarray(random.uniform(low, high, tuple(shape))) for shape in shapes]
    operands = [tensor(a).requires_grad_() for a in arrays]
    if orders > 0:
        gradcheck(op, operands)
    if orders > 1:
        gradgradcheck(op, operands)
    values = op(*[x.detach() for x in operands])
    assert_close(op(*[tensor(a.T.copy()).permute(*range(a.ndim)[::-1]) for a in arrays]), values)
    if (body := getattr(op, "__wrapped__", None)) is not None:
        expected = np.vectorize(body, otypes=[float])(*arrays)
        assert_close(values.double(), tensor(expected), rtol=1e-12, atol=1e-12)
    found = []
    for device in ("cpu", "cuda") if cuda.is_available() else ():
        moved = [tensor(a, dtype=dt.float32, device=device).requires_grad_(orders > 0) for a in arrays]
        result = op(*moved)
        if orders > 0:
            result.sum().backward()
        found.append([x.cpu() for x in (result.detach(), *[m.grad for m in moved]) if x is not None])
    if found:
        assert_close(found[1], found[0], rtol=2e-5, atol=1e-5)
