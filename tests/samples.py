"""The table of samples: a row for each op, read by every test of ops.

A row says how an op is called. From it come the tests of values, dtypes, shapes and errors against PyTorch
(tests/parity), of gradients to second order, and of CUDA against the CPU. To add an op to all of them, add a
row.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
REAL = (*FLOATS, *INTEGERS, "bool")
COMPLEX = ("complex64", "complex128")

# Shapes of the operands: plain, 0-d, empty, odd, broadcast.
ONE = (((5,),), ((3, 4),), ((),), ((0, 3),), ((2, 3, 7),))
TWO = (((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2, 3)), ((0, 3), (1, 3)), ((2, 1, 5), (3, 1)))
THREE = (((3, 4), (3, 4), (3, 4)), ((3, 1), (4,), ()), ((2, 1), (1, 3), (2, 3)))


@dataclass(frozen=True)
class Sample:
    """One op.

    name     where to find it, in numbatorch as in torch: "add", "nn.functional.gelu", or "Tensor.view" for a
             method
    shapes   cases: the shapes of the tensor operands
    args     further positional arguments, kwargs: keyword arguments
    low/high the range that operands are drawn from, for floating-point numbers
    dtypes   the dtypes tried against PyTorch (both must take them or both must refuse)
    order    how often it can be differentiated; 0 for not at all
    mixed    try pairs of different dtypes
    tol      factor on the tolerance, for functions whose values are large
    """

    name: str
    shapes: tuple = ONE
    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    low: float = -2.0
    high: float = 2.0
    dtypes: tuple[str, ...] = REAL
    order: int = 2
    mixed: bool = False
    tol: float = 1.0
    integers: tuple[int, int] = (-5, 6)

    @property
    def id(self) -> str:
        """The name of the row in test reports."""
        more = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{self.name}({', '.join(more)})" if more else self.name

    def function(self, library: Any) -> Callable:
        """The op in numbatorch or torch."""
        found = library
        for part in self.name.split("."):
            found = getattr(found, part)
        return found

    def arrays(self, shapes: tuple, dtype: str, second: str | None = None) -> list[np.ndarray]:
        """Operands as NumPy arrays, the same in every run."""
        rng = np.random.default_rng(zlib.crc32(f"{self.id}{shapes}".encode()))
        return [self._array(rng, shape, second or dtype if k else dtype) for k, shape in enumerate(shapes)]

    def _array(self, rng: np.random.Generator, shape: tuple, dtype: str) -> np.ndarray:
        if dtype == "bool":
            return rng.random(shape) < 0.5
        if dtype in INTEGERS:
            low, high = self.integers
            return rng.integers(max(low, 0) if dtype == "uint8" else low, high, shape).astype(dtype)
        if dtype in COMPLEX:
            return (
                rng.uniform(self.low, self.high, shape) + 1j * rng.uniform(self.low, self.high, shape)
            ).astype(dtype)
        values = rng.uniform(self.low, self.high, shape)
        return values.astype("float32" if dtype in ("float16", "bfloat16") else dtype)

    def call(self, library: Any, tensors: list) -> Any:
        """The op applied to tensors of `library`."""
        return self.function(library)(*tensors, *self.args, **self.kwargs)


def tensors(
    library: Any, arrays: list[np.ndarray], dtypes: tuple[str, ...], transposed: bool = False
) -> list:
    """NumPy arrays as tensors of a library. `transposed`: of the same values, but with the dimensions in
    reverse order in memory."""
    made = []
    for array, dtype in zip(arrays, dtypes, strict=True):
        tensor = library.tensor(array.T.copy() if transposed else array).to(getattr(library, dtype))
        made.append(tensor.permute(*range(array.ndim)[::-1]) if transposed and array.ndim > 1 else tensor)
    return made


def results(value: Any) -> Iterator[Any]:
    """The tensors in the result of an op."""
    if isinstance(value, tuple | list):
        for item in value:
            yield from results(item)
    else:
        yield value


_unary = [
    Sample("exp"), Sample("exp2"), Sample("expm1"), Sample("log", low=0.1), Sample("log2", low=0.1), Sample("log10", low=0.1),
    Sample("log1p", low=-0.9), Sample("sqrt", low=0.1), Sample("rsqrt", low=0.1), Sample("reciprocal", low=0.3),
    Sample("sin"), Sample("cos"), Sample("tan", low=-1.4, high=1.4), Sample("asin", low=-0.9, high=0.9), Sample("acos", low=-0.9, high=0.9),
    Sample("atan"), Sample("sinh"), Sample("cosh"), Sample("tanh"), Sample("asinh", tol=8), Sample("acosh", low=1.1, high=3, tol=8),
    Sample("atanh", low=-0.9, high=0.9), Sample("erf"), Sample("erfc"), Sample("sigmoid"),
    Sample("abs"), Sample("conj", dtypes=("float32", "complex64"), order=0), Sample("neg"), Sample("sign", order=0), Sample("floor", order=0), Sample("ceil", order=0), Sample("trunc", order=0),
    Sample("round", order=0), Sample("round", kwargs={"decimals": 2}, order=0, dtypes=("float32", "float64")), Sample("frac", dtypes=FLOATS, order=1),
    Sample("square"), Sample("isnan", order=0), Sample("isinf", order=0), Sample("isfinite", order=0), Sample("nan_to_num", order=1),
    Sample("logical_not", order=0), Sample("bitwise_not", order=0, dtypes=(*INTEGERS, "bool", "float32")),
    Sample("clamp", kwargs={"min": -1, "max": 1}), Sample("clamp", kwargs={"min": 0.5}, dtypes=FLOATS), Sample("clamp", kwargs={"max": 0.5}, dtypes=FLOATS),
    Sample("pow", args=(2,)), Sample("pow", args=(3,)), Sample("pow", args=(0.5,), low=0.1, dtypes=FLOATS), Sample("pow", args=(-1,), low=0.3, dtypes=FLOATS),
    Sample("clone"), Sample("zeros_like", order=0), Sample("ones_like", order=0), Sample("full_like", args=(3,), order=0, dtypes=(*FLOATS, *INTEGERS)),
]  # fmt: skip

_binary = [
    Sample("add", TWO, mixed=True), Sample("sub", TWO, mixed=True), Sample("mul", TWO, mixed=True), Sample("div", TWO, low=0.3, integers=(1, 6), mixed=True),
    Sample("add", TWO, kwargs={"alpha": 2}), Sample("add", args=(2.5,), dtypes=FLOATS), Sample("mul", args=(3,)), Sample("add", args=(1.5,), dtypes=INTEGERS, order=0),
    Sample("div", TWO, kwargs={"rounding_mode": "floor"}, low=0.3, integers=(1, 6), order=0),
    Sample("div", TWO, kwargs={"rounding_mode": "trunc"}, low=0.3, integers=(1, 6), order=0),
    Sample("floor_divide", TWO, low=0.3, integers=(1, 6), order=0), Sample("remainder", TWO, low=0.3, integers=(1, 6), order=1),
    Sample("fmod", TWO, low=0.3, integers=(1, 6), order=1), Sample("pow", TWO, low=0.3, integers=(0, 4), tol=4),
    Sample("maximum", TWO), Sample("minimum", TWO), Sample("fmax", TWO, order=1), Sample("fmin", TWO, order=1), Sample("atan2", TWO, low=0.3),
    Sample("hypot", TWO, dtypes=FLOATS), Sample("copysign", TWO, order=1, low=0.3), Sample("logaddexp", TWO, dtypes=FLOATS), Sample("xlogy", TWO, low=0.3, integers=(1, 6)),
    Sample("eq", TWO, order=0, mixed=True), Sample("ne", TWO, order=0), Sample("lt", TWO, order=0), Sample("le", TWO, order=0), Sample("gt", TWO, order=0), Sample("ge", TWO, order=0, mixed=True),
    Sample("logical_and", TWO, order=0), Sample("logical_or", TWO, order=0), Sample("logical_xor", TWO, order=0),
    Sample("bitwise_and", TWO, order=0, dtypes=(*INTEGERS, "bool", "float32")), Sample("bitwise_or", TWO, order=0, dtypes=(*INTEGERS, "bool")),
    Sample("bitwise_xor", TWO, order=0, dtypes=(*INTEGERS, "bool")),
    Sample("bitwise_left_shift", TWO, order=0, dtypes=INTEGERS, integers=(0, 4)), Sample("bitwise_right_shift", TWO, order=0, dtypes=INTEGERS, integers=(0, 4)),
    Sample("lerp", TWO, args=(0.3,), dtypes=FLOATS), Sample("lerp", THREE, dtypes=("float32", "float64")),
    Sample("addcmul", THREE, kwargs={"value": 0.5}, dtypes=("float32", "float64")), Sample("addcdiv", THREE, kwargs={"value": 0.5}, low=0.3, dtypes=("float32", "float64")),
    Sample("isclose", TWO, order=0, dtypes=("float32", "float64", "int64")),
]  # fmt: skip

_activations = [
    Sample("relu"), Sample("nn.functional.leaky_relu", dtypes=FLOATS), Sample("nn.functional.gelu", dtypes=FLOATS),
    Sample("nn.functional.gelu", kwargs={"approximate": "tanh"}, dtypes=FLOATS), Sample("nn.functional.silu", dtypes=FLOATS),
    Sample("nn.functional.mish", dtypes=FLOATS), Sample("nn.functional.elu", dtypes=FLOATS), Sample("nn.functional.selu", dtypes=FLOATS),
    Sample("nn.functional.celu", args=(1.5,), dtypes=FLOATS), Sample("nn.functional.softplus", dtypes=FLOATS),
    Sample("nn.functional.softsign", dtypes=FLOATS), Sample("nn.functional.hardtanh", dtypes=FLOATS, order=1), Sample("nn.functional.relu6", dtypes=FLOATS, order=1),
    Sample("nn.functional.hardsigmoid", dtypes=FLOATS, order=1), Sample("nn.functional.hardswish", dtypes=FLOATS), Sample("nn.functional.logsigmoid", dtypes=FLOATS),
    Sample("nn.functional.hardshrink", dtypes=FLOATS, order=1), Sample("nn.functional.softshrink", dtypes=FLOATS, order=1),
    Sample("nn.functional.tanhshrink", dtypes=FLOATS), Sample("nn.functional.threshold", args=(0.1, 20.0), dtypes=FLOATS, order=1),
]  # fmt: skip

_SQUARE = (((3, 3),), ((2, 4, 4),))
_views = [
    Sample("reshape", (((3, 4),), ((2, 6),)), args=((4, -1),)), Sample("Tensor.view", (((3, 4),),), args=(2, 6)), Sample("flatten"),
    Sample("ravel"), Sample("transpose", (((3, 4),), ((2, 3, 5),)), args=(0, 1)), Sample("permute", (((2, 3, 5),),), args=((2, 0, 1),)),
    Sample("t", (((3, 4),), ((5,),), ((),))), Sample("movedim", (((2, 3, 5),),), args=(0, 2)), Sample("unsqueeze", args=(0,)), Sample("unsqueeze", args=(-1,)),
    Sample("squeeze", (((1, 3, 1),), ((),), ((2,),))), Sample("squeeze", (((1, 3, 1),),), args=(0,)), Sample("Tensor.expand", (((3, 1),),), args=(2, 3, 4)),
    Sample("broadcast_to", (((3, 1),),), args=((2, 3, 4),)), Sample("narrow", (((5, 3),),), args=(0, 1, 3)), Sample("select", (((5, 3),),), args=(1, 2)),
    Sample("split", (((7, 3),),), args=(3,)), Sample("split", (((7, 3),),), args=([2, 5],)), Sample("chunk", (((7, 3),),), args=(3,)),
    Sample("tensor_split", (((7, 3),),), args=(3,)), Sample("unbind", (((3, 2),),)), Sample("diagonal", _SQUARE, order=2), Sample("diagonal", (((3, 5),),), args=(1,)),
    Sample("as_strided", (((4, 3),),), args=((2, 2), (3, 1), 1)), Sample("unflatten", (((6, 2),),), args=(0, (2, 3))),
]  # fmt: skip

_products = [
    Sample("mm", (((3, 4), (4, 5)), ((1, 1), (1, 1)), ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((17, 33), (33, 9))), dtypes=(*FLOATS, "int32", "int64"), tol=4),
    Sample("bmm", (((2, 3, 4), (2, 4, 5)),), dtypes=(*FLOATS, "int64"), tol=4), Sample("mv", (((3, 4), (4,)),), dtypes=(*FLOATS, "int64"), tol=4),
    Sample("dot", (((5,), (5,)),), dtypes=(*FLOATS, "int64"), tol=4), Sample("outer", (((3,), (4,)),)),
    Sample("matmul", (((3,), (3,)), ((3, 4), (4,)), ((4,), (4, 3)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3)), ((2, 3, 4), (4,))), dtypes=("float32", "float64", "int64"), tol=4),
    Sample("addmm", (((3, 5), (3, 4), (4, 5)), ((5,), (3, 4), (4, 5))), kwargs={"beta": 0.5, "alpha": 2.0}, dtypes=("float32", "float64"), tol=4),
    Sample("baddbmm", (((2, 3, 5), (2, 3, 4), (2, 4, 5)),), dtypes=("float32", "float64"), tol=4),
    Sample("nn.functional.linear", (((3, 4), (5, 4), (5,)), ((2, 3, 4), (5, 4), (5,)), ((4,), (5, 4), (5,))), dtypes=("float32", "float64"), tol=4),
    Sample("nn.functional.linear", (((3, 4), (5, 4)),), dtypes=("float32", "float64"), tol=4),
]  # fmt: skip

_DIMS = (((3, 4),), ((2, 3, 5),))
_reductions = [
    sample
    for name in ("sum", "mean", "prod", "amax", "amin", "any", "all", "logsumexp", "var", "std", "norm")
    for sample in (
        Sample(name, _DIMS, kwargs={"dim": 1}, order=0 if name in ("any", "all") else 2, dtypes=FLOATS if name in ("mean", "logsumexp", "var", "std", "norm") else REAL, tol=4, low=0.3),
        Sample(name, _DIMS, kwargs={"dim": (0, 1), "keepdim": True} if name not in ("prod",) else {"dim": 0, "keepdim": True}, order=0 if name in ("any", "all") else 2, dtypes=("float32", "float64"), tol=4, low=0.3),
    )
] + [
    sample
    for name in ("sum", "mean", "prod", "max", "min", "any", "all", "argmax", "argmin", "var", "std", "norm")
    for sample in (Sample(name, (((5,),), ((3, 4),), ((),), ((2, 3, 7),)) if name not in ("var", "std") else (((5,),), ((3, 4),)), order=0 if name in ("any", "all", "argmax", "argmin") else 2, dtypes=FLOATS if name in ("mean", "var", "std", "norm") else (*FLOATS, *INTEGERS), tol=4, low=0.3),)
] + [
    Sample("max", _DIMS, args=(1,), dtypes=(*FLOATS, *INTEGERS)), Sample("min", _DIMS, args=(1,), dtypes=(*FLOATS, *INTEGERS)),
    Sample("argmax", _DIMS, args=(1,), order=0), Sample("argmin", _DIMS, args=(1,), order=0, kwargs={"keepdim": True}),
    Sample("nn.functional.softmax", _DIMS, kwargs={"dim": 1}, dtypes=FLOATS), Sample("nn.functional.softmax", _DIMS, kwargs={"dim": 0}, dtypes=FLOATS),
    Sample("nn.functional.log_softmax", _DIMS, kwargs={"dim": 1}, dtypes=FLOATS), Sample("nn.functional.log_softmax", _DIMS, kwargs={"dim": -1}, dtypes=FLOATS),
]  # fmt: skip

_losses = [
    Sample("nn.functional.mse_loss", (((3, 4), (3, 4)),), dtypes=FLOATS), Sample("nn.functional.l1_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample("nn.functional.smooth_l1_loss", (((3, 4), (3, 4)),), dtypes=FLOATS), Sample("nn.functional.huber_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample("nn.functional.binary_cross_entropy_with_logits", (((3, 4), (3, 4)),), dtypes=("float32", "float64")),
    Sample("nn.functional.mse_loss", (((3, 4), (3, 4)),), kwargs={"reduction": "sum"}, dtypes=("float32", "float64")),
    Sample("nn.functional.mse_loss", (((3, 4), (3, 4)),), kwargs={"reduction": "none"}, dtypes=("float32", "float64")),
]  # fmt: skip

SAMPLES: list[Sample] = [*_unary, *_binary, *_activations, *_views, *_products, *_reductions, *_losses]
DIFFERENTIABLE = [s for s in SAMPLES if s.order]
