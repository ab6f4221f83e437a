"""Text and HTML of tensors.

`tensor_repr` writes what PyTorch writes, character for character, by the rules of its `_tensor_str.py`;
`tensor_html` is the preview that notebooks show. Both take the elements as `Elements`, and read no more than
they show: a tensor of 10^8 elements prints at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from html import escape
from itertools import islice
from math import isfinite
from typing import Any, Protocol

import numpy as np

from numbatorch.device import device as Device
from numbatorch.dtype import DType, get_default_complex_dtype, get_default_dtype, int64
from numbatorch.dtype import bool as bool_dtype


class Elements(Protocol):
    """What is printed: a NumPy array, or anything that slices like one into what `np.asarray` takes, so that
    memory on a GPU is copied slice by slice. The elements of bfloat16 come as float32.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, index: tuple[int | slice, ...], /) -> Any: ...


# --- options


@dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES: dict[str | None, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How tensors print from now on. What is not given stays; only `sci_mode` goes back to None.

    * `precision`: digits after the point (4).
    * `threshold`: of tensors with more elements than this (1000) only the edges are printed:
    * `edgeitems`: this many items (3) at both ends of each dimension.
    * `linewidth`: characters in a line (80).
    * `profile`: `"default"`, `"short"` or `"full"` set the four above.
    * `sci_mode`: True for scientific notation, False for none, None to choose by the tensor's elements.
    """
    named = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    given = {name: value for name, value in named.items() if value is not None}
    for name, value in {**_PROFILES.get(profile, {}), **given}.items():
        setattr(_options, name, value)
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in force, as keyword arguments for `set_printoptions`."""
    return asdict(_options)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Print with these options inside a `with` block; arguments as for `set_printoptions`."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


# --- text


def tensor_repr(
    array: Elements,
    dtype: DType,
    device: Device,
    *,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    name: str = "tensor",
) -> str:
    """PyTorch's `repr` of a tensor with the elements of `array`.

    `name` is the class's, for subclasses of Tensor. `grad_fn_name` is shown in place of `requires_grad`.

    >>> print(tensor_repr(np.array([[1, 2], [3, 4]]), int64, Device("cuda:0")))
    tensor([[1, 2],
            [3, 4]], device='cuda:0')
    """
    shape = tuple(array.shape)
    empty = 0 in shape
    prefix = f"{name}("
    text = prefix + ("[]" if empty else _elements_text(array, dtype, len(prefix)))

    suffixes = []
    if device.type != "cpu":
        suffixes.append(f"device='{device}'")
    if (empty and len(shape) != 1) or (not empty and not _options.edgeitems):
        suffixes.append(f"size={shape}")
    if dtype is not get_default_dtype() and (empty or not _is_evident(dtype)):
        suffixes.append(f"dtype={dtype}")
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(text, suffixes, len(prefix))


def _is_evident(dtype: DType) -> bool:
    """Whether the elements as printed tell the type."""
    return dtype is int64 or dtype is bool_dtype or dtype is get_default_complex_dtype()


def _with_suffixes(text: str, suffixes: Sequence[str], indent: int) -> str:
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def _elements_text(array: Elements, dtype: DType, indent: int) -> str:
    shape = tuple(array.shape)
    summarized = math.prod(shape) > _options.threshold
    if summarized and shape and not _options.edgeitems:
        return "[...]"
    values = _edges(array, [_options.edgeitems] * len(shape)) if summarized else np.asarray(array[()])
    if dtype.is_complex:
        real, real_width = _number_texts(values.real.ravel(), floating=True)
        imag, imag_width = _number_texts(values.imag.ravel(), floating=True)
        texts = [_complex_text(*parts) for parts in zip(real, imag, strict=True)]
        width = real_width + imag_width + 1
    else:
        texts, width = _number_texts(values.ravel(), floating=dtype.is_floating_point)
    return _nested(iter(texts), shape, indent, width, summarized) if shape else texts[0]


def _nested(texts: Iterator[str], shape: tuple[int, ...], indent: int, width: int, summarized: bool) -> str:
    """Brackets, line breaks and dots around `texts`, the elements' in row-major order, padded to `width`."""
    size, inner = shape[0], shape[1:]
    edge = _options.edgeitems
    shortened = summarized and size > 2 * edge
    count = 2 * edge if shortened else size
    if inner:
        items = [_nested(texts, inner, indent + 1, width, summarized) for _ in range(count)]
    else:
        items = list(islice(texts, count))
    if shortened:
        items.insert(edge, "..." if inner else " ...")
    margin = " " * (indent + 1)
    if inner:
        return "[" + ("," + "\n" * len(inner) + margin).join(items) + "]"
    per_line = max(1, (_options.linewidth - indent) // (width + 2))
    lines = [", ".join(items[start : start + per_line]) for start in range(0, len(items), per_line)]
    return "[" + (",\n" + margin).join(lines) + "]"


def _number_texts(values: np.ndarray, floating: bool) -> tuple[list[str], int]:
    """The texts of all numbers, padded, and the width to which they are padded."""
    numbers = values.tolist()
    if not floating:
        texts = list(map(str, numbers))
        width = max(map(len, texts))
    else:
        spec, point = _float_style(values)
        texts = []
        width = 1
        for number in numbers:
            text = format(number, spec)
            if isfinite(number):
                text += point
                # Zeros and non-finite numbers do not count: "nan" may stick out of a column of short numbers.
                if number and len(text) > width:
                    width = len(text)
            texts.append(text)
    return [text.rjust(width) for text in texts], width


def _float_style(values: np.ndarray) -> tuple[str, str]:
    """The format of finite numbers and what follows it: scientific notation, integers with a point ("2."), or
    a fixed number of digits, as suits those that are not zero."""
    values = values.astype(np.float64)
    values = values[np.isfinite(values) & (values != 0)]
    if not values.size:
        return ".0f", "."
    scientific = _options.sci_mode
    if scientific is None:
        smallest, largest = float(np.abs(values).min()), float(np.abs(values).max())
        scientific = largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4
    if scientific:
        return f".{_options.precision}e", ""
    if (values == np.ceil(values)).all():
        return ".0f", "."
    return f".{_options.precision}f", ""


def _complex_text(real: str, imag: str) -> str:
    imag = imag.lstrip()
    return real + ("" if imag[0] in "+-" else "+") + imag + "j"


def _edges(array: Elements, edge: Sequence[int], at: tuple[int, ...] = ()) -> np.ndarray:
    """The first and last `edge[d]` items of each dimension `d` and nothing between; the whole of short ones.

    With `at`, the same of the part of `array` at this index of its leading dimensions.
    """
    pieces = [
        (slice(None),) if size <= 2 * count else (slice(0, count), slice(size - count, size))
        for size, count in zip(array.shape[len(at) :], edge, strict=True)
    ]

    def gather(index: tuple[int | slice, ...]) -> np.ndarray:
        dim = len(index) - len(at)
        if dim == len(pieces):
            return np.asarray(array[index])
        return np.concatenate([gather((*index, piece)) for piece in pieces[dim]], axis=dim)

    return gather(at)


# --- HTML

# Half-transparent between the notebook's own background and its own text: readable in light and dark themes.
_POSITIVE, _NEGATIVE, _LINE = "64,132,244", "234,88,60", "128,128,128"
_ROWS, _COLUMNS = 4, 6  # at each end of the preview
_SAMPLE = 1000  # elements, at most, in the statistics


def tensor_html(
    array: Elements,
    dtype: DType,
    device: Device,
    *,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    name: str = "tensor",
) -> str:
    """A self-contained preview of bounded size for `_repr_html_`: what the tensor is, the range of its
    elements (or of a sample of them), and a heat map of the first matrix in it, the middle left out.
    """
    shape = tuple(array.shape)
    size = " &times; ".join(map(str, shape)) or "scalar"
    facts = [f"<b>{escape(name)}</b>", size, dtype.name, str(device)]
    if grad_fn_name is not None:
        facts.append(f"grad_fn={escape(grad_fn_name)}")
    elif requires_grad:
        facts.append("requires_grad")
    lines = [" &middot; ".join(facts)]
    if 0 not in shape:
        with np.errstate(all="ignore"):
            lines += [_statistics_html(array, dtype), _preview_html(array, dtype)]
    body = "".join(f"<div style='margin:2px 0'>{line}</div>" for line in lines)
    return (
        "<div style='display:inline-block;font:12px/1.4 monospace;padding:4px 8px;max-width:100%;"
        f"overflow-x:auto;border:1px solid rgba({_LINE},.4);border-radius:4px'>{body}</div>"
    )


def _statistics_html(array: Elements, dtype: DType) -> str:
    """Minimum, mean and maximum: of all elements, or of an evenly spaced sample."""
    steps = [1] * len(array.shape)
    counts = list(array.shape)
    while math.prod(counts) > _SAMPLE:
        dim = counts.index(max(counts))
        steps[dim] *= 2
        counts[dim] = -(-array.shape[dim] // steps[dim])
    sample = np.asarray(array[tuple([slice(None, None, step) for step in steps])])
    magnitudes = np.abs(sample) if dtype.is_complex else sample.astype(np.float64)
    finite = magnitudes[np.isfinite(magnitudes)]
    texts = []
    if finite.size:
        of = "of |x| " if dtype.is_complex else ""
        texts += [
            f"min {of}{finite.min():.4g}",
            f"mean {of}{finite.mean():.4g}",
            f"max {of}{finite.max():.4g}",
        ]
    if finite.size < magnitudes.size:
        texts.append(f"{magnitudes.size - finite.size} not finite")
    if magnitudes.size < math.prod(array.shape):
        texts.append(f"(sample of {magnitudes.size})")
    return f"<span style='opacity:.7'>{' &middot; '.join(texts)}</span>"


def _preview_html(array: Elements, dtype: DType) -> str:
    """A table of the ends of the rows and columns of the first matrix in `array`."""
    shape = tuple(array.shape)
    matrix = shape[-2:]
    at = (0,) * (len(shape) - 2)
    values = np.atleast_2d(_edges(array, (_ROWS, _COLUMNS)[2 - len(matrix) :], at))
    wide = values.astype(np.complex128 if dtype.is_complex else np.float64)
    magnitudes = np.abs(wide)
    scale = magnitudes[np.isfinite(magnitudes)].max(initial=0.0) or 1.0
    shades = np.where(np.isfinite(magnitudes), np.copysign(magnitudes, wide.real) / scale, 0.0)
    spec = ".4g" if dtype.is_floating_point else ".3g" if dtype.is_complex else ""

    rows = []
    for numbers, row_shades in zip(values.tolist(), shades.tolist(), strict=True):
        texts = [format(number, spec) if spec else str(number) for number in numbers]
        cells = [_cell_html(text, shade) for text, shade in zip(texts, row_shades, strict=True)]
        if matrix and matrix[-1] > 2 * _COLUMNS:
            cells.insert(_COLUMNS, _cell_html("&hellip;", 0.0))
        rows.append(cells)
    if len(matrix) == 2 and matrix[0] > 2 * _ROWS:
        rows.insert(_ROWS, [_cell_html("&#8942;", 0.0)] * len(rows[0]))

    where = f"<span style='opacity:.7'>[{'0, ' * len(at)}:, :]</span>" if at else ""
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f"{where}<table style='border-collapse:collapse;margin:2px 0'>{body}</table>"


def _cell_html(text: str, shade: float) -> str:
    """One number on its colour; `shade` is from -1, the largest negative, to 1."""
    colour = _POSITIVE if shade > 0 else _NEGATIVE
    background = f"background:rgba({colour},{abs(shade) / 2:.2f});" if abs(shade) >= 0.01 else ""
    return f"<td style='{background}padding:1px 6px;text-align:right'>{text}</td>"
