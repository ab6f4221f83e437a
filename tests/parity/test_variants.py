"""Every row of the table of samples, varied, against PyTorch: its operands of every dtype, of extreme values, laid out otherwise in
memory, of other shapes; the op as a method and in place; each of its arguments wrong; `out` of every sort. Values, dtypes,
shapes and strides are the same, or the class and the first line of the error.

A run takes one variant of every other row, which the row's name chooses.

NUMBATORCH_VARIANTS=dtypes pytest tests/parity/test_variants.py    # all of one kind; "all" for those of every kind
"""

from __future__ import annotations

import os
import re
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity.test_samples_parity import TOLERANCE
from samples import FLOATS, SAMPLES, Sample
from samples.sample import COMPLEX, INTEGERS, REAL

import numbatorch

# The name of a kind, "all", or "" for one variant of every other row.
WANTED = os.environ.get("NUMBATORCH_VARIANTS", "")
DTYPES = (*REAL, *COMPLEX)


@dataclass(frozen=True)
class Operand:
    """A tensor to be: values, a dtype, and how they lie in memory."""

    array: np.ndarray
    dtype: str
    layout: str = "plain"

    def tensor(self, library: Any) -> Any:
        a = self.array
        if self.layout == "transposed" and a.ndim > 1:
            return self._plain(library, a.T.copy()).permute(*range(a.ndim)[::-1])
        if self.layout == "every second" and a.ndim:
            return self._plain(library, np.repeat(a, 2, axis=-1))[..., ::2]
        if self.layout == "expanded" and a.ndim:
            # In memory for all elements: PyTorch writes beyond that of one row in some functions.
            return self._plain(library, a.copy())[:1].expand(*a.shape)
        if self.layout == "further on" and a.ndim:
            return self._plain(library, np.concatenate([a[:1], a]))[1:]
        return self._plain(library, a)

    def _plain(self, library: Any, array: np.ndarray) -> Any:
        return library.tensor(array).to(getattr(library, self.dtype))

    def with_values(self, array: Any) -> Operand:
        return replace(self, array=np.asarray(array))


class Call(NamedTuple):
    """A call of the function of this name; what is overwritten is a result, too."""

    name: str
    args: list[Any]
    kwargs: dict[str, Any]

    def result(self, library: Any) -> Any:
        """What the call gives, or its error."""
        function = library
        for part in self.name.split("."):
            function = getattr(function, part)
        library.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                args = [_made(library, value) for value in self.args]
                kwargs = {name: _made(library, value) for name, value in self.kwargs.items()}
                if callable(kwargs.get("out")):
                    kwargs["out"] = kwargs["out"](args[0])
                written = [f"args[{k}]" for k in range(len(args))] + [
                    f"{name}=kwargs['{name}']" for name in kwargs
                ]
                result = eval(f"function({', '.join(written)})")  # places are those of a call without a star
            except Exception as error:
                return error
        if "out" in kwargs:
            return result, kwargs["out"], result is kwargs["out"]
        return (result, args[0]) if self.name[-1] == "_" else result


def _made(library: Any, value: Any) -> Any:
    if isinstance(value, Operand):
        return value.tensor(library)
    if isinstance(value, np.ndarray):
        return library.tensor(value)
    if isinstance(value, list | tuple):
        return type(value)(_made(library, item) for item in value)
    return value


def call_of(row: Sample, dtype: str, shapes: tuple | None = None) -> Call:
    """The row's call with operands of a dtype."""
    operands = [Operand(a, dtype) for a in row.arrays(shapes or row.shapes[0], dtype)]
    return Call(row.name, [*operands, *row.args], dict(row.kwargs))


def _changed(call: Call, change: Callable[[Operand], Operand], only: int | None = None) -> Call:
    """The call with its operands changed, or one of them."""
    return call._replace(
        args=[
            change(value) if isinstance(value, Operand) and only in (None, k) else value
            for k, value in enumerate(call.args)
        ]
    )


def _operands(call: Call) -> list[int]:
    return [k for k, value in enumerate(call.args) if isinstance(value, Operand)]


def dtypes(row: Sample) -> Iterator[tuple[str, Call]]:
    """All operands of one dtype, and one of them of another."""
    for dtype in DTYPES:
        yield dtype, call_of(row, dtype)
    call = call_of(row, row.dtypes[0])
    places = _operands(call)
    for dtype in ("float64", "float16", "int64", "bool", "complex64", "uint8") if len(places) > 1 else ():
        for k in places:
            changed = _changed(call, lambda x, to=dtype: Operand(np.abs(x.array).astype(to), to), k)
            yield f"{dtype} for operand {k}", changed


EXTREMES = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3e38, -3e38, 1.0, -1.0, 0.5, 88.7, -104.0)


def _extreme(x: Operand) -> Operand:
    return x.with_values(np.resize(EXTREMES, x.array.shape).astype(x.array.dtype))


def _largest(x: Operand) -> Operand:
    info = np.iinfo(x.dtype)
    return x.with_values(np.resize([info.max, info.min, 1, 0], x.array.shape).astype(x.dtype))


def _one(number: float) -> Callable[[Operand], Operand]:
    """Puts a number in the midst of the others."""

    def change(x: Operand) -> Operand:
        flat = x.array.reshape(-1).copy()
        flat[flat.size // 2 : flat.size // 2 + 1] = number
        return x.with_values(flat.reshape(x.array.shape))

    return change


def extremes(row: Sample) -> Iterator[tuple[str, Call]]:
    """NaN, infinities, -0.0, what is too small to be normal, what is nearly too large; the largest whole numbers."""
    floats = ("complex64", "complex128") if row.complex else FLOATS
    for dtype in floats:
        call = call_of(row, dtype)
        yield f"extremes of {dtype}", _changed(call, _extreme)
        yield f"a NaN of {dtype}", _changed(call, _one(np.nan))
        yield f"an infinity of {dtype}", _changed(call, _one(np.inf))
    for dtype in INTEGERS:
        yield f"the largest {dtype}", _changed(call_of(row, dtype), _largest)


def layouts(row: Sample) -> Iterator[tuple[str, Call]]:
    """Operands laid out otherwise in memory."""
    for dtype in dict.fromkeys((row.dtypes[0], row.dtypes[-1])):
        call = call_of(row, dtype)
        for layout in ("plain", "transposed", "every second", "expanded", "further on"):
            yield f"{layout} {dtype}", _changed(call, lambda x, to=layout: replace(x, layout=to))


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "no rows": lambda x: x[:0] if x.ndim else x,
    "no columns": lambda x: x[..., :0] if x.ndim else x,
    "a number": lambda x: x.reshape(-1)[0],
    "one element": lambda x: x[(slice(0, 1),) * x.ndim],
    "a vector": lambda x: x.reshape(-1),
    "one more dimension": lambda x: x[None],
    "an empty vector": lambda x: x.reshape(-1)[:0],
}


def shapes(row: Sample) -> Iterator[tuple[str, Call]]:
    """All operands, and each of them, of other shapes."""
    call = call_of(row, row.dtypes[0])
    places = _operands(call)
    for shape, change in SHAPES.items():
        for k in (None, *(places if len(places) > 1 else ())):
            of = "" if k is None else f" as operand {k}"
            yield f"{shape}{of}", _changed(call, lambda x, f=change: x.with_values(f(x.array)), k)


def methods(row: Sample) -> Iterator[tuple[str, Call]]:
    """As a method, and in place."""
    short = row.name.split(".")[-1]
    for dtype in dict.fromkeys((row.dtypes[0], "int64", "float64", "bool")):
        call = call_of(row, dtype)
        for name in (short, f"{short}_"):
            if hasattr(torch.Tensor, name) and f"Tensor.{name}" != row.name:
                yield f"{name} of {dtype}", call._replace(name=f"Tensor.{name}")


class Nothing:
    """Of a class that no argument has."""


def _wrong(value: Any) -> Iterator[tuple[str, Any]]:
    """What may stand wrongly where `value` should."""
    yield from {"None": None, "a string": "x", "a list": [1.5, 2.5], "an object": Nothing()}.items()
    if isinstance(value, np.ndarray):
        yield "of another dtype", value.astype("float32" if value.dtype.kind in "iub" else "int64")
        yield "of one more dimension", value[None]
        yield "of one element less", value[..., :-1] if value.ndim else value
        if value.dtype.kind == "i":
            yield "beyond the end", value + 100
            yield "before the beginning", value - 100
    elif isinstance(value, tuple | list):
        yield "one more", (*value, *value[-1:])
        yield "one less", value[:-1]
    elif not isinstance(value, str | bool):
        yield "a fraction", 1.5
        yield "a truth value", True
        yield "complex", 1j
        yield "large", 100
        yield "negative", -100


def mistakes(row: Sample) -> Iterator[tuple[str, Call]]:
    """Each argument wrong, one too many, one missing, one of an unknown name."""
    call = call_of(row, row.dtypes[0])
    for k, value in enumerate(call.args):
        for label, wrong in _wrong(value):
            args = [*call.args[:k], wrong, *call.args[k + 1 :]]
            yield f"{label} as argument {k}", call._replace(args=args)
    for name, value in call.kwargs.items():
        for label, wrong in _wrong(value):
            yield f"{label} as {name}", call._replace(kwargs=call.kwargs | {name: wrong})
    yield "one missing", call._replace(args=call.args[:-1])
    yield "one of no name", call._replace(kwargs=call.kwargs | {"unknown": 1})


def outs(row: Sample) -> Iterator[tuple[str, Call]]:
    """`out` of every dtype and layout, of another shape, of the operand's own memory; for what has `out` in PyTorch."""
    call = call_of(row, row.dtypes[0])
    result = call.result(torch)
    several = isinstance(result, tuple)

    def given(change: Callable[[Operand], Any]) -> Call:
        made = [Operand(np.zeros(x.shape), str(x.dtype)[6:]) for x in (result if several else [result])]
        changed = [change(x) for x in made]
        return call._replace(kwargs=call.kwargs | {"out": tuple(changed) if several else changed[0]})

    if "out" in call.kwargs or not all(
        isinstance(x, torch.Tensor) for x in (result if several else [result])
    ):
        return
    if isinstance(given(lambda x: x).result(torch), TypeError):
        return
    for dtype in ("float32", "float64", "float16", "uint8", "int64", "bool", "complex64"):
        yield f"of {dtype}", given(lambda x, to=dtype: replace(x, dtype=to))
    for layout in ("transposed", "every second", "expanded"):
        yield layout, given(lambda x, to=layout: replace(x, layout=to))
    yield "of no elements", given(lambda x: x.with_values(np.zeros(0)))
    yield "of another shape", given(lambda x: x.with_values(np.zeros((*x.array.shape, 2))))
    yield "a list", given(lambda x: [x])
    yield "a number", given(lambda x: 1)
    if not several and call.args and isinstance(x := call.args[0], Operand) and x.array.shape == result.shape:
        yield "the first operand", call._replace(kwargs=call.kwargs | {"out": lambda x: x})


KINDS = (dtypes, extremes, layouts, shapes, methods, mistakes, outs)
# What differs and stays: a pattern of "kind of row, variant: difference", and why.
EXPLAINED = {
    # dtypes
    r'complex32|ComplexHalf|"complex_cpu" not implemented|dtypes of view_as_complex, float16': "there is no complex32",
    r"dtypes of conv.* for operand": "whether unlike dtypes are refused, and how, is up to the library that the sizes choose",
    r"dtypes of cdist.* for operand .*m1 and m2": "the same",
    r"dtypes of linalg.matrix_exp, b?float16": "PyTorch's is infinite in halves",
    r"of nn.functional.interpolate.* uint8:": "PyTorch weighs the elements of small pictures by integers of 16 bits",
    r"of histc.* uint8: .*without overflow": "PyTorch makes the range bytes before it refuses bytes",
    r"dtypes of (cdist|linalg.(solve|tensorsolve|cross)|cross).* for operand": "which of two mistakes is found first",
    # extremes
    r"extremes of (mm|bmm|addmm|baddbmm|addr|mv|conv\w*|nn.functional.(linear|interpolate|avg_pool\dd|lp_pool2d)|gradient)\b.*, (extremes|a NaN|an infinity) of \w+: \[.* against PyTorch's \[": (
        "what a sum with infinities, or beyond what its dtype holds, comes to depends on its order and on what is left out of it"
    ),
    r"extremes of nn.functional.(layer|group)_norm.*: \[.* against PyTorch's \[": "the same, of squares",
    r"extremes of \S*\[complex\].*: \[.* against PyTorch's \[": "which parts of a product with infinity are NaN depends on the formula",
    r"(extremes|layouts) of (topk|kthvalue)\b.*: \[[\d ]+\] against PyTorch's \[[\d ]+\]": "which of equal elements is found",
    r"extremes of mode, extremes of \S+: \[.* against PyTorch's \[": "NaN equals NaN in mode",
    r"extremes of (linalg.(ldl_factor_ex|tensorinv|solve|eigvalsh|qr|lu_factor|lstsq|inv|cholesky|slogdet|pinv)|inverse|slogdet|cholesky|ormqr|geqrf)(?!.*: (Value|Type|Index|Attribute)Error)": (
        "LAPACKs differ in what they make of NaN and infinity"
    ),
    r"extremes of (nn.functional.)?(scaled_dot_product|multi_margin|multilabel_(soft_)?margin|grid_sample|cdist\(inf).*: \[.* against PyTorch's \[": (
        "PyTorch's comparisons leave NaN out, and infinity times nothing"
    ),
    r"extremes of (signbit|pow\(0.5\)|kl_div|addcdiv|special.(airy_ai|legendre_polynomial_p|bessel_j0|bessel_y1)).*: \[.* against PyTorch's \[": (
        "the sign of NaN; halves that were rounded before; numbers too small to be normal; arguments of 2 ** 31"
    ),
    r"extremes of (nn.functional.gelu|_addmm_activation\S*), .*: \[ ?inf[ inf0.]*\] against PyTorch's \[nan": (
        "of PyTorch, gelu of infinity is NaN in vectors of float32, infinite in numbers, and its sum in _addmm_activation"
    ),
    r"extremes of pow, the largest int": "PyTorch's depends on the length of the vector",
    # layouts
    r"of (linalg\.|inverse|cholesky|lu|ormqr|geqrf).*, strides \[[\d, ]*\]$": "what LAPACK solves for lies column after column in PyTorch, row after row here",
    r"of (nonzero|argwhere).*, strides \[[\d, ]*\]$": "places lie one after the other here, coordinates in PyTorch",
    r"layouts of unsafe_(split|chunk).*, strides \[[\d, ]*\]$": "these parts are copies here",
    r"layouts of (sort|argsort|msort)\b.*, strides \[[\d, ]*\]$": "what was sorted is row-major here, as its operand in PyTorch",
    r"layouts of (select|slice|diagonal)_scatter.*, every second .*, strides \[[\d, ]*\]$": "PyTorch's copy has the operand's gaps",
    r"layouts of nn.functional.scaled_dot_product_attention.*, strides \[[\d, ]*\]$": "PyTorch's kernels differ in how results lie",
    r"layouts of fft.fft2.*, strides \[[\d, ]*\]$": "PyTorch's library of transforms leaves them as it computes them",
    r"layouts of (inverse|linalg.tensorinv).*expanded.*: The diagonal element": "the rounding that decides where a singular matrix ends",
    r"layouts of (nan)?median\(.*expanded \w+: \[.* against PyTorch's \[": "PyTorch's medians of an expanded tensor are wrong: equal numbers have another one",
    r"layouts of (linalg.(lu|qr|cond|lstsq)|geqrf).*, expanded \w+: (\[|torch.return).* against PyTorch's": "singular matrices have many factors",
    r"layouts of cholesky_inverse.*, expanded complex128: ": "the factor's diagonal is real in LAPACK, and not asked for",
    r"of (conj|adjoint)\S*, .*, strides \[[\d, ]*\]$": "PyTorch's conj is a view that conjugates when it is read",
    # mistakes: whose sentence it is
    r"(mistakes|outs) of .*TypeError: .* against PyTorch's TypeError: .* received an invalid combination of arguments": (
        "of functions with several forms PyTorch lists them all; here the argument that is wrong is named"
    ),
    r"mistakes of .* must be (.*) against PyTorch's TypeError: .*argument '\w+' (\(position \d+\) )?must be \1$": (
        "PyTorch names the function inside, its arguments, and their places only where they are given by place"
    ),
    r"mistakes of .*, one missing: TypeError.* missing .* against PyTorch's TypeError": "Python says it itself",
    r"mistakes of .*, one of no name: TypeError.*unexpected keyword.*PyTorch's TypeError: .*unexpected keyword": "the same",
    r"mistakes of .* (Type|Attribute)Error: .* against PyTorch's AttributeError: '.*' object has no attribute": (
        "where PyTorch's functions are Python, they ask what is no tensor for what tensors have"
    ),
    r"mistakes of .* TypeError: .* against PyTorch's TypeError: descriptor": "methods are functions here",
    r"mistakes of (add|mul)\S*, .* as argument 0: TypeError: .* not (int|float|bool|complex) against PyTorch's tensor": (
        "PyTorch adds and multiplies two numbers"
    ),
    r"mistakes of (\S*(max_unpool|embedding_bag)).*(the end|beginning|truth value) as .*: RuntimeError.*PyTorch's RuntimeError": (
        "which of several wrong places is found first"
    ),
    r"mistakes of .*, a list as dim: .*, but found element of type float at pos 0 against .* must be tuple of ints, not list$": (
        "of a list given by name PyTorch names no element"
    ),
    r"mistakes of .* must be (Tensor|int), not \w+ against PyTorch's TypeError: (unsupported operand type|only integer tensors)": (
        "where PyTorch's functions are Python, they compute with it"
    ),
    r"mistakes of nn.functional.multilabel_soft_margin_loss, .* must be Tensor, not \w+ against PyTorch's tensor": "the same, with numbers",
    r"mistakes of prod.* as dim: TypeError: prod.* combination .* against PyTorch's TypeError: prod.*'dim' must be int": (
        "PyTorch knows by `keepdim` which form is meant"
    ),
    r"mistakes of split.*, a string as argument 0: TypeError": "PyTorch calls `split` of what it is given",
    r"mistakes of tensordot.* must be tuple of ints, .*'dims_self'": "PyTorch names the argument of the function inside",
    r"mistakes of median, one of no name: TypeError.*unexpected keyword": "PyTorch takes another form of the function",
    r"mistakes of Tensor.__getitem__.*, one of no name: TypeError": "Python calls that of PyTorch otherwise",
    r"mistakes of isin.*, complex as argument 0: .*ComplexFloat against": "of a number PyTorch makes complex128 there",
    r"mistakes of narrow_copy": "PyTorch's narrow_copy does not ask what narrow asks, and says what is wrong inside",
    r"mistakes of conv.* as argument \d: .*non-positive dilation is not supported against .*: dilation should": (
        "which library finds it is up to the sizes"
    ),
    r"mistakes of conv_transpose\dd.*, large as argument 4: .* against .* memory descriptor": "oneDNN says it of a size below 0",
    r"mistakes of ctc_loss.*(the end|beginning) as argument 1: RuntimeError: Expected targets": "PyTorch reads beyond the memory",
    r"mistakes of embedding_bag.*, one missing: torch.int64 \(4,\)": "for sums PyTorch leaves the numbers of the bags out",
    r"mistakes of nn.functional.max_unpool.*, complex as argument 2: TypeError: '<' not supported": "Python says it of the first comparison",
    r"mistakes of .*interpolate.* as (antialias|mode|scale_factor|argument 1): ": (
        "PyTorch takes any truth for antialias, and says of its functions inside what is wrong"
    ),
    r"mistakes of \S*(unfold|fold)\(.* must be tuple of ints, .* PyTorch's TypeError: .* of type \w+ at pos 0": (
        "PyTorch makes pairs before it looks"
    ),
    r"mistakes of .* must be tuple of ints.*PyTorch's TypeError: (\w+\(\) takes 1 pos|object of type 'NoneType' has no)": (
        "sizes one by one or in a tuple"
    ),
    r"mistakes of .*, a truth value as (dim|argument 1): .*PyTorch's TypeError": "here True counts as 1",
    r"mistakes of linalg\..*, complex as argument 1: RuntimeError.*PyTorch's RuntimeError": "the order of the norm",
    r"mistakes of \S*(polygamma|legendre|pow|matrix_power)\S*, (large|negative) as": "beyond what floats hold",
    # outs
    r"outs of linalg\.cholesky_ex\S*, of \w+: ": "some of PyTorch's functions of matrices cast to `out`, some do not",
    r"outs of .*, of \w+: RuntimeError: .*PyTorch's RuntimeError": "both refuse the dtype; each function has its own sentence",
    r"outs of .*, a number: TypeError: .* must be Tensor, not int": "PyTorch makes a tensor of some numbers",
    r"outs of .* can't be cast to .* PyTorch's RuntimeError: (ldexp|mvlgamma|logsumexp|mean|expected scalar)": (
        "PyTorch's functions say each in their way what does not fit"
    ),
    r"outs of (sum|prod|mv|bmm|var|tri[ul]|std|norm|linalg.vecdot|histc|cum(min|max)|arg(min|max)|any|all|amin|amax)\b.*, expanded: RuntimeError: unsupported operation: more than one element of the written-to tensor refers": (
        "some of PyTorch's functions write wherever that comes to, a few of them beyond the memory"
    ),
    r"outs of (narrow_copy.*, (transposed|every second)|nn.functional.gelu, every second).*: \[.* against PyTorch's \[": (
        "PyTorch's write into an `out` with gaps as if it had none"
    ),
    r"outs of (mean|logsumexp)\[complex\]\(\d\), of float\d\d: .* can't be cast to .* PyTorch's \(": (
        "PyTorch drops the imaginary parts there"
    ),
    r"outs of linalg.matrix_power.*, the first operand: ": "PyTorch reads what it overwrites",
    r"outs of all\b.*, of uint8: \[1[ 1]*\] against PyTorch's \[0": "PyTorch makes bytes of the elements before it looks at them",
    r"outs of (var|std).*, of complex64: .* PyTorch's NotImplementedError": "PyTorch takes the root in the dtype of `out`",
    r"outs of split_copy\(2\), of ": "unlike its kin, PyTorch's casts, and resizes nothing",
    r"outs of (nn.functional.\w+_pool\dd|argsort).* got an unexpected keyword argument 'out'": "PyTorch does not document that it has one",
    r"outs of float_power\S*, the first operand: RuntimeError.*PyTorch's RuntimeError": "which is float_power_",
    r"outs of .*, a (list|number): TypeError: .* PyTorch's TypeError: (.*argument 'out' must be|expected Tensor as element 0)": (
        "PyTorch names the function inside, or the number of the argument"
    ),
    # methods
    r"methods of (ldexp|mvlgamma).* can't be cast .* can't be cast": "PyTorch says it of the functions inside",
    r"methods of .* 'property' object is not callable": "a descriptor of another class there",
    r"methods of .*TypeError: (\w+\(\) (takes|got an)).*PyTorch's TypeError: (Tensor\.)?\w+\(\) (takes|got an)": (
        "Python says it itself: it counts self"
    ),
    r"methods of linalg.cholesky.*cholesky of": "Tensor.cholesky is linalg.cholesky here",
    r"methods of igammac?, igammac?_ of (int64|bool)": "which of two mistakes is found first",
    r"methods of addmm.complex.*addmm_ of bool": "PyTorch looks at the shapes first",
    r"methods of .* missing 2 required positional argument": "PyTorch counts in the singular",
    # shapes
    r"shapes of .*a (number|vector|number as operand \d).*: (Index|Runtime)Error.*PyTorch's (Index|Runtime|Value)Error": (
        "too few dimensions: which rule finds it first"
    ),
    r"shapes of .* an empty vector.*Error.*PyTorch's (Index|Runtime)Error": "the same",
    r"shapes of ctc_loss.*one more dimension": "the names of functions inside",
    r"shapes of conv": "in kernels and pictures without elements, PyTorch finds other mistakes first",
    r"shapes of .*: RuntimeError: The size of tensor a .*PyTorch's RuntimeError: The size of tensor a": "which operand is a",
    r"shapes of (pixel_unshuffle|embedding_bag|index_fill|take_along_dim|cummax)": "PyTorch's of no elements are chance",
    r"shapes of nn.functional.(scaled_dot_product|max_pool2d|multilabel_soft)|shapes of linalg.(lstsq|matrix_norm)": (
        "operands that do not go together and which PyTorch does not look at"
    ),
}


def difference(ours: Any, theirs: Any, factor: float, least: tuple[float, float]) -> str | None:
    """What differs between two results, in words."""
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        a, b = (
            f"{type(x).__name__}: {str(x).split(chr(10))[0]}" if isinstance(x, Exception) else repr(x)
            for x in (ours, theirs)
        )
        both = isinstance(ours, Exception) and isinstance(theirs, Exception)
        return None if both and a == b else f"{a} against PyTorch's {b}"
    if isinstance(theirs, tuple | list):
        if len(ours) != len(theirs):
            return f"{ours!r} against PyTorch's {theirs!r}"
        found = (difference(a, b, factor, least) for a, b in zip(ours, theirs, strict=True))
        return next((words for words in found if words), None)
    if not isinstance(theirs, torch.Tensor):
        same = np.allclose(ours, theirs, equal_nan=True) if isinstance(theirs, float) else ours == theirs
        return None if same or repr(ours) == repr(theirs) else f"{ours!r} against PyTorch's {theirs!r}"
    a, b = (
        f"{x.dtype} {tuple(x.shape)}, strides {_strides(x)}" if hasattr(x, "stride") else repr(x)
        for x in (ours, theirs)
    )
    if a == b:
        return _unequal(ours, theirs, factor, least)
    alike = a.split(", strides")[0] == b.split(", strides")[0]
    values = _unequal(ours, theirs, factor, least) if alike else None
    return f"{a} against PyTorch's {b}{f', {values}' if values else ''}"


def _strides(x: Any) -> list[int]:
    """Of the dimensions that are walked along."""
    return [n for n, size in zip(x.stride(), x.shape, strict=True) if size > 1] if x.numel() else []


def _unequal(ours: Any, theirs: Any, factor: float, least: tuple[float, float]) -> str | None:
    name = str(theirs.dtype).removeprefix("torch.")
    a, b = (
        x.detach().resolve_conj().resolve_neg().to(t.float64 if name in FLOATS else x.dtype).numpy()
        for x, t in ((ours, numbatorch), (theirs, torch))
    )
    rtol, atol = (t * factor for t in max(TOLERANCE[name], least)) if name in TOLERANCE else (0, 0)
    with np.errstate(all="ignore"):
        wrong = ~np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    return f"{a[wrong][:5]} against PyTorch's {b[wrong][:5]} of {wrong.size}" if wrong.any() else None


def loosest(call: Call) -> tuple[float, float]:
    """The tolerance of the operands: what is made of float32 is no more exact in float64."""
    dtypes = [x.dtype for x in call.args if isinstance(x, Operand)]
    return max(TOLERANCE.get(dtype, (0.0, 0.0)) for dtype in (*dtypes, "int64"))


def number(row: Sample) -> int:
    """By which its variant is chosen."""
    return zlib.crc32(row.id.encode())


def variants(row: Sample) -> list[tuple[str, str, Call]]:
    """Those of this run."""
    kinds = [kind for kind in KINDS if WANTED in ("", "all", kind.__name__)]
    made = [(kind.__name__, label, call) for kind in kinds for label, call in kind(row)]
    return made if WANTED else [made[number(row) % len(made)]]


@pytest.mark.parametrize("row", [s for s in SAMPLES if WANTED or number(s) % 2], ids=lambda row: row.id)
def test_variants(row):
    found = []
    for kind, label, call in variants(row):
        words = difference(call.result(numbatorch), call.result(torch), row.tol, loosest(call))
        about = f"{kind} of {row.id}, {label}: {words}"
        if words and not any(re.search(pattern, about, re.DOTALL) for pattern in EXPLAINED):
            found.append(about)
    assert not found, "\n".join(found)
