"""Autocast, from the inside: which operations run in a narrow type, which in float32, and how they come to.

While an autocast context is open anywhere, the rows (see `apply`) of those operations belong to a class that casts their
operands first. When the last one is closed they become what they were: where nobody uses autocast, it costs nothing.

The lists are PyTorch's (its documentation: Autocast Op Reference), by the names of rows. Where PyTorch lists a function
made of several, such as cross_entropy, its rows are listed.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numbatorch.dtype as dt
from numbatorch.apply import InPlaceOp, Row
from numbatorch.arguments import tensor_kind
from numbatorch.autograd.mode import state as tape
from numbatorch.base import TensorBase

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

NARROW, WIDE, WIDEST = "narrow", "wide", "widest"  # the chosen type; float32; the widest of the operands

_LOSSES = (
    "BinaryCrossEntropyWithLogits CtcLoss HingeEmbeddingLoss HuberLoss KlDiv L1Loss MarginRankingLoss MseLoss NllLoss "
    "NllLoss2D PoissonNllLoss SmoothL1Loss SoftMarginLoss Cdist EuclideanDist Prod"
)
_LISTS = {
    "cpu": {
        NARROW: "Addbmm Addmm Baddbmm Bmm Convolution Mm Mv ScaledDotProductFlashAttentionForCpu",
        WIDE: f"{_LOSSES} BinaryCrossEntropy AdaptiveAvgPool3D AdaptiveMaxPool3D AvgPool3D FftC2C FftC2R FftR2C "
        "FractionalMaxPool2D FractionalMaxPool3D LinalgCholeskyEx LinalgEig LinalgEigh LinalgInvEx LinalgLstsq "
        "LinalgPinv LinalgQr LinalgSolveEx LinalgSvd MaxPool3DWithIndices Polar ViewAsComplex",
        WIDEST: "Bilinear Cat IndexCopy Stack",
    },
    "cuda": {
        NARROW: "Addbmm Addmm Addr Baddbmm Bmm Convolution Mm Mv PreluKernel ScaledDotProductFlashAttentionForCpu",
        WIDE: f"{_LOSSES} Acos Asin Cosh Cumprod Cumsum Erfinv Exp Expm1 LinalgVectorNorm Log Log10 Log1P Log2 "
        "LogSoftmax Logsumexp Pdist Pow Reciprocal Rsqrt Sinh Softmax Softplus Standardize Sum Tan",
        WIDEST: "Addcdiv Addcmul Atan2 Bilinear Cat IndexCopy Resample ScatterAdd Stack",
    },
}
POLICY = {
    device: {name: how for how, names in lists.items() for name in names.split()}
    for device, lists in _LISTS.items()
}


class _State(threading.local):
    def __init__(self) -> None:
        self.enabled: dict[str, bool] = {}  # by device
        self.dtype = {"cpu": dt.bfloat16, "cuda": dt.float16}
        self.cache_enabled = True
        self.nesting = 0
        self.casts: dict[int, tuple] = {}  # of parameters: id -> (reference, version, type, cast)


state = _State()


# ---- rows that cast ----


class _Casting:
    """A row that casts its operands, where autocast is on for their device in this thread."""

    name: str

    def __call__(self, *args: Any) -> Any:
        enabled = state.enabled
        device = next((t.kind.device.type for t in _tensors(args)), "cpu") if enabled else "cpu"
        how = POLICY.get(device, {}).get(self.name) if enabled.get(device) else None
        if how is None:
            return super().__call__(*args)  # type: ignore[misc]
        target = _target(how, device, args)
        args = tuple([_cast(a, target, device) for a in args])
        state.enabled = {}  # what it is made of stays as it is
        try:
            return super().__call__(*args)  # type: ignore[misc]
        finally:
            state.enabled = enabled


_kinds: dict[type, type] = {}


def _casting(kind: type) -> type:
    """The class of rows that cast, for rows of a class."""
    if kind not in _kinds:
        _kinds[kind] = type(kind.__name__, (_Casting, kind), {})
    return _kinds[kind]


_open = 0  # contexts in which autocast is on, in all threads
_lock = threading.Lock()


def switch(change: int) -> None:
    """Count contexts that open (1) or close (-1); with the first one rows begin to cast, with the last one they stop."""
    global _open
    with _lock:
        before, _open = _open, _open + change
        if bool(before) == bool(_open):
            return
        for name in {name for names in POLICY.values() for name in names}:
            for row in Row.made.get(name, ()):
                if _open and not isinstance(row, InPlaceOp):
                    row.__class__ = _casting(row.__class__)
                elif not _open and isinstance(row, _Casting):
                    row.__class__ = row.__class__.__mro__[2]


def _tensors(args: tuple) -> Iterator[Any]:
    for a in args:
        if isinstance(a, TensorBase):
            yield a
        elif isinstance(a, list | tuple):
            yield from (t for t in a if isinstance(t, TensorBase))


def _eligible(t: Any, device: str) -> bool:
    kind = t.kind
    return kind.device.type == device and kind.dtype.is_floating_point and kind.dtype is not dt.float64


def _target(how: str, device: str, args: tuple) -> dt.DType | None:
    """What operands are cast to; None: as they are."""
    if how == NARROW:
        return state.dtype[device]
    if how == WIDE:
        return dt.float32
    found = {t.kind.dtype for t in _tensors(args) if _eligible(t, device)}
    return dt.float32 if dt.float32 in found and len(found) > 1 else None


def _cast(value: Any, target: dt.DType | None, device: str) -> Any:
    if isinstance(value, TensorBase):
        if target is None or value.kind.dtype is target or not _eligible(value, device):
            return value
        return cast(value, target)
    if isinstance(value, list | tuple) and any(isinstance(v, TensorBase) for v in value):
        return type(value)([_cast(v, target, device) for v in value])
    return value


def cast(value: Any, target: dt.DType) -> Any:
    """`value` in the type `target`. A parameter is cast once for all that it is used for in a context."""
    keep = (
        state.cache_enabled
        and tape.enabled
        and value._requires_grad
        and value._grad_fn is None
        and value.kind.dtype is dt.float32
        and target is not dt.float32
    )
    if not keep:
        return value.to(target)
    found = state.casts.get(id(value))
    if found is not None:
        reference, version, made_for, made = found
        if reference() is value and version == value.memory.version and made_for is target:
            return made
    made = value.to(target)
    state.casts[id(value)] = (weakref.ref(value), value.memory.version, target, made)
    return made


# ---- for ops that check the types of their operands before their row is called, and for those made of several ----


def tolerates(*operands: Any) -> bool:
    """Whether operands of several types are no mistake, because autocast will cast them to one."""
    device = operands[0].kind.device.type
    return bool(state.enabled.get(device)) and all([_eligible(t, device) for t in operands])


def widened(tensor: Tensor) -> Tensor:
    """An operand of an op made of several that autocast runs in float32."""
    device = tensor_kind(tensor).device.type
    if state.enabled.get(device) and _eligible(tensor, device):
        return tensor.to(dt.float32)
    return tensor
