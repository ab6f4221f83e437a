"""The lines that random programs are made of, by family of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

DTYPES = (
    "float64",
    "float64",
    "float64",
    "float32",
    "int64",
    "bool",
    "float16",
    "bfloat16",
    "int32",
    "uint8",
    "complex128",
    "complex64",
    "int8",
    "int16",
)


class Step(NamedTuple):
    """One line of a program: `run(L, *operands, *numbers)`."""

    name: str
    tensors: int
    numbers: int
    run: Callable


def _dim(x, d: int) -> int:
    """One of the dimensions of x, counted from either end; sometimes one too many."""
    return d % (2 * x.dim() + 1) - x.dim() if x.dim() else d % 2 - 1


def _function(L, name: str) -> Callable:
    for part in name.split("."):
        L = getattr(L, part)
    return L


def _unary(name: str) -> Step:
    return Step(name, 1, 0, lambda L, x: _function(L, name)(x))


def _binary(name: str) -> Step:
    return Step(name, 2, 0, lambda L, x, y: _function(L, name)(x, y))


def _ternary(name: str) -> Step:
    return Step(name, 3, 0, lambda L, x, y, z: _function(L, name)(x, y, z))


def _along(name: str) -> Step:
    """name(x, dim, keepdim)"""
    return Step(f"{name} along", 1, 2, lambda L, x, d, k: getattr(L, name)(x, _dim(x, d), keepdim=k % 2 == 1))


def _scan(name: str) -> Step:
    return Step(name, 1, 1, lambda L, x, d: getattr(L, name)(x, _dim(x, d)))


def _values(name: str) -> Step:
    """The values of name(x, dim), which come with indices."""
    return Step(f"{name} values", 1, 1, lambda L, x, d: getattr(L, name)(x, _dim(x, d)).values)


def _inside(name: str, *more: Any) -> Step:
    """An in-place method on a copy."""
    return Step(f"{name} of a copy", 1, 0, lambda L, x: getattr(x.clone(), name)(*more))


def _over(name: str, *more: Any) -> Step:
    """An in-place method on what other lines may share or need for their gradient."""
    return Step(name, 1, 0, lambda L, x: getattr(x, name)(*more))


def _over_by(name: str) -> Step:
    return Step(name, 2, 0, lambda L, x, y: getattr(x, name)(y))


def _square(x):
    """x times its own transpose, and something on the diagonal: a matrix that can be inverted."""
    return x @ x.mT.conj() + 3 * x.new_ones(x.shape[-2]).diag()


def _out(name: str, *more: Any) -> Step:
    """name(x, *more, out=...), into memory of the same shape and dtype."""
    return Step(f"{name} out", 1, 0, lambda L, x: _function(L, name)(x.detach(), *more, out=L.zeros_like(x)))


def _out_of_two(name: str) -> Step:
    return Step(
        f"{name} out", 2, 0, lambda L, x, y: _function(L, name)(x.detach(), y.detach(), out=L.zeros_like(x))
    )


def _loss(name: str, *more: Any) -> Step:
    return Step(name, 2, 0, lambda L, x, y: getattr(L.nn.functional, name)(x, y, *more))


def _divide_over(name: str) -> Step:
    """Not by an integer 0: PyTorch comes to it with the first elements divided, here nothing has been written. The
    error itself is compared where nothing is overwritten."""

    def run(L, x, y):
        return getattr(x, name)(y if y.is_floating_point() else y.masked_fill(y == 0, 1))

    return Step(name, 2, 0, run)


def _write_slice(L, x, y, d):
    made = x.clone()
    made.narrow(_dim(x, d), 0, 1).mul_(2).add_(y)
    return made


def _write_index(L, x, y, i):
    made = x.clone()
    made[i % 3] = y
    return made


def _write_mask(L, x, i):
    made = x.clone()
    made[made > i % 3 - 1] = 0.5
    return made


def _write_diagonal(L, x, y):
    made = x.clone()
    made.diagonal().copy_(y)
    return made * 2


def _write_view(L, x, y):
    """A change of the base is seen by its view, gradients too."""
    made = x.clone()
    view = made.view(-1)[::2]
    made.mul_(y)
    return view + 1


def _write_transposed(L, x, k):
    made = x.clone()
    made.mT.unsqueeze(0)[..., : k % 3] = k - 3
    return made


def _indices(L, shape, bound: int, i: int):
    """Integers below `bound` in some order, with repetitions."""
    number = 1
    for n in shape:
        number *= n
    return (L.arange(number).view(shape) * (i % 7)) % max(bound, 1)


def _gather(L, x, d, i):
    return L.gather(x, _dim(x, d), _indices(L, x.shape, x.size(_dim(x, d)), i))


def _scatter_into(name: str, *more: Any, **options: Any) -> Step:
    def run(L, x, y, d, i):
        index = _indices(L, y.shape, x.size(_dim(x, d)), i)
        return getattr(x, name)(_dim(x, d), index, y, *more, **options)

    return Step(" ".join([name, *more, *map(str, options.values())]), 2, 2, run)


def _index_into(name: str) -> Step:
    def run(L, x, y, d, i):
        return getattr(x, name)(_dim(x, d), L.tensor([0, i % 2]), y)

    return Step(name, 2, 2, run)


def _sort(L, x, d, i):
    return L.sort(x, dim=_dim(x, d), descending=i % 2 == 1, stable=True)[i // 2 % 2]


def _logcumsumexp(L, x, d):
    """Imaginary parts, which count turns, too, in PyTorch, are between -π and π here: their exponentials are equal."""
    found = L.logcumsumexp(x, _dim(x, d))
    return found.exp() if found.is_complex() else found


def _soft_margin(L, x, y):
    """Not to targets of uint8: PyTorch's gradient is wrong there, of -1 that has become 255."""
    return L.nn.functional.soft_margin_loss(x, y.short() if y.dtype == L.uint8 else y)


def _number_among_unique(L, x):
    """Each NaN is a number of its own: which one, PyTorch leaves to a sort that is stable up to 16 elements only."""
    return L.unique(x, return_inverse=True)[1].masked_fill_(x != x, -1)


POINTWISE = [
    *map(_unary, (
        "exp sin cos tanh sigmoid relu abs neg square sqrt log1p erf floor round sign isnan logical_not atan "
        "expm1 reciprocal rsqrt trunc frac exp2 asinh log log2 log10 tan asin acos sinh cosh acosh atanh ceil sgn "
        "nan_to_num isinf isfinite bitwise_not erfc lgamma sinc deg2rad positive zeros_like ones_like clone "
        "nn.functional.gelu nn.functional.softplus nn.functional.silu nn.functional.elu nn.functional.mish "
        "nn.functional.hardswish nn.functional.leaky_relu nn.functional.logsigmoid nn.functional.softsign "
        "nn.functional.relu6 nn.functional.selu nn.functional.hardtanh nn.functional.hardsigmoid nn.functional.celu "
        "nn.functional.tanhshrink nn.functional.softshrink nn.functional.hardshrink nn.functional.glu signbit isposinf "
        "erfinv digamma special.i0 special.entr logit rad2deg fix isreal"
    ).split()),
    *map(_binary, (
        "add sub mul div maximum minimum pow atan2 eq ne lt ge gt le logical_and logical_or logical_xor fmod remainder "
        "hypot logaddexp copysign fmax fmin bitwise_and bitwise_or bitwise_xor xlogy floor_divide isclose true_divide "
        "nextafter heaviside rsub ldexp float_power logaddexp2 gcd lcm bitwise_left_shift bitwise_right_shift equal allclose "
        "nn.functional.prelu"
    ).split()),
    *map(_ternary, "addcmul addcdiv lerp clamp".split()),
    Step("number", 1, 1, lambda L, x, k: x * (k % 5 - 2) + 0.5),
    Step("number pow", 1, 1, lambda L, x, k: x ** (k % 4)),
    Step("negative pow", 1, 1, lambda L, x, k: x ** -(k % 3 + 0.5)),
    Step("number - x", 1, 1, lambda L, x, k: k % 5 - x),
    Step("number // x", 1, 1, lambda L, x, k: (k % 5 - 2.5) // x),
    Step("round decimals", 1, 1, lambda L, x, k: x.round(decimals=k % 4 - 1)),
    Step("sub alpha", 2, 1, lambda L, x, y, k: x.sub(y, alpha=k % 4 - 1.5)),
    Step("2 ** x", 1, 0, lambda L, x: 2**x),
    Step("1 / x", 1, 0, lambda L, x: 1 / x),
    Step("x // number", 1, 1, lambda L, x, k: x // (k % 5 - 2)),
    Step("x % number", 1, 1, lambda L, x, k: x % (k % 5 - 2.5)),
    Step("x < number", 1, 1, lambda L, x, k: x < k % 3 - 0.5),
    Step("add alpha", 2, 1, lambda L, x, y, k: L.add(x, y, alpha=k % 4)),
    Step("div floor", 2, 0, lambda L, x, y: L.div(x, y, rounding_mode="floor")),
    Step("clamp numbers", 1, 1, lambda L, x, k: x.clamp(min=-(k % 3), max=k % 3)),
    Step("clamp min", 2, 0, lambda L, x, y: x.clamp_min(y)),
    Step("lerp number", 2, 0, lambda L, x, y: L.lerp(x, y, 0.3)),
    Step("addcmul value", 2, 0, lambda L, x, y: L.addcmul(x, x, y, value=0.5)),
    *map(_out, "exp sin neg sqrt floor logical_not sigmoid".split()),
    *map(_out_of_two, "add mul div maximum pow lt logical_and fmod".split()),
]  # fmt: skip

LOSSES = [
    *map(_loss, (
        "mse_loss smooth_l1_loss l1_loss huber_loss binary_cross_entropy_with_logits kl_div "
        "hinge_embedding_loss poisson_nll_loss cross_entropy nll_loss"
    ).split()),
    Step("soft_margin_loss", 2, 0, _soft_margin),
    Step("binary_cross_entropy", 2, 0, lambda L, x, y: L.nn.functional.binary_cross_entropy(x.sigmoid(), y.sigmoid())),
    Step("margin_ranking_loss", 3, 0, lambda L, x, y, z: L.nn.functional.margin_ranking_loss(x, y, z)),
    Step("triplet_margin_loss", 3, 0, lambda L, x, y, z: L.nn.functional.triplet_margin_loss(x, y, z)),
    Step("cosine_embedding_loss", 2, 0, lambda L, x, y: L.nn.functional.cosine_embedding_loss(x, y, L.ones(len(x)))),
    Step("classes", 1, 1, lambda L, x, i: L.nn.functional.cross_entropy(x, L.arange(x.shape[0]) * i % 3)),
]  # fmt: skip

COMPLEX = [
    *map(_unary, "real imag angle conj_physical view_as_real is_complex resolve_conj abs".split()),
    Step("conj", 1, 0, lambda L, x: x.conj().resolve_conj()),  # PyTorch's is a view, ours is computed at once
    _binary("complex"),
    Step("polar", 2, 0, lambda L, x, y: L.polar(x.abs(), y)),
    Step("x * 1j", 1, 0, lambda L, x: x * 1j),
    Step("x + (1 - 2j)", 1, 0, lambda L, x: x + (1 - 2j)),
    Step(
        "view_as_complex",
        1,
        0,
        lambda L, x: L.view_as_complex(x[..., :1].repeat_interleave(2, -1).contiguous()),
    ),
]

REDUCTIONS = [
    *map(
        _unary,
        "sum mean prod max min argmax argmin any all std var median count_nonzero norm logsumexp ".split(),
    ),
    *map(
        _along, "sum mean amax amin prod logsumexp std var argmin argmax any all norm nansum nanmean".split()
    ),
    Step("logcumsumexp", 1, 1, _logcumsumexp),
    *map(_scan, "cumsum cumprod softmax log_softmax count_nonzero diff".split()),
    *map(_values, "max min median cummax cummin mode sort".split()),
    Step("max indices", 1, 1, lambda L, x, d: x.max(_dim(x, d)).indices),
    Step("cummax indices", 1, 1, lambda L, x, d: x.cummax(_dim(x, d)).indices),
    Step("quantile", 1, 1, lambda L, x, d: x.quantile(0.3, _dim(x, d))),
    Step("norm 1", 1, 1, lambda L, x, d: x.norm(1, _dim(x, d))),
    Step("sum of all dims", 1, 0, lambda L, x: x.sum((-1, 0), keepdim=True)),
    Step("sum dtype", 1, 1, lambda L, x, k: x.sum(dtype=getattr(L, DTYPES[k % len(DTYPES)]))),
    *[_out(name, 0) for name in "sum amax cumsum cumprod softmax logsumexp".split()],
    Step("aminmax", 1, 1, lambda L, x, k: L.aminmax(x)[k % 2]),
    Step("nanmedian", 1, 1, lambda L, x, d: x.nanmedian(_dim(x, d)).values),
    Step("nanquantile", 1, 1, lambda L, x, d: x.nanquantile(0.6, _dim(x, d))),
    Step("trapezoid", 1, 1, lambda L, x, d: L.trapezoid(x, dim=_dim(x, d))),
    Step("cov", 1, 0, lambda L, x: L.cov(x)),
    Step("vector_norm", 1, 2, lambda L, x, d, p: L.linalg.vector_norm(x, p % 4, _dim(x, d))),
    Step("normalize", 1, 1, lambda L, x, d: L.nn.functional.normalize(x, dim=_dim(x, d))),
    Step("rms_norm", 1, 0, lambda L, x: L.nn.functional.rms_norm(x, x.shape[-1:])),
    Step("group_norm", 1, 0, lambda L, x: L.nn.functional.group_norm(x, 1)),
    Step("batch_norm", 1, 0, lambda L, x: L.nn.functional.batch_norm(x, None, None, training=True)),
    Step("var_mean", 1, 1, lambda L, x, d: L.var_mean(x, _dim(x, d), correction=0)[0]),
    Step("layer_norm", 1, 0, lambda L, x: L.nn.functional.layer_norm(x, x.shape[-1:])),
]

VIEWS = [
    *map(_unary, "t ravel squeeze tril triu diag diag_embed flatten atleast_2d".split()),
    _scan("unsqueeze"),
    Step("transpose", 1, 2, lambda L, x, a, b: x.transpose(_dim(x, a), _dim(x, b))),
    Step("movedim", 1, 2, lambda L, x, a, b: x.movedim(_dim(x, a), _dim(x, b))),
    Step("reshape", 1, 1, lambda L, x, k: x.reshape(-1, (1, 2, 3)[k % 3])),
    Step("view", 1, 0, lambda L, x: x.view(-1)),
    Step("permute", 1, 0, lambda L, x: x.permute(*range(x.dim())[::-1])),
    Step("expand", 1, 1, lambda L, x, k: x.expand(k % 3 + 1, *x.shape)),
    Step("expand_as", 2, 0, lambda L, x, y: x.expand_as(y)),
    Step("broadcast_tensors", 2, 1, lambda L, x, y, k: L.broadcast_tensors(x, y)[k % 2]),
    Step("select", 1, 2, lambda L, x, d, i: x.select(_dim(x, d), i % 3)),
    Step("narrow", 1, 2, lambda L, x, d, i: x.narrow(_dim(x, d), i % 2, 1)),
    Step("step", 1, 1, lambda L, x, k: x[:: k % 3 + 1]),
    Step("last", 1, 0, lambda L, x: x[..., -1]),
    Step("None", 1, 0, lambda L, x: x[:, None]),
    Step("diagonal", 1, 1, lambda L, x, k: x.diagonal(k % 3 - 1)),
    Step("chunk", 1, 1, lambda L, x, d: x.chunk(2, _dim(x, d))[0]),
    Step("split", 1, 1, lambda L, x, d: x.split([1, 2], _dim(x, d))[1]),
    Step("unbind", 1, 1, lambda L, x, d: x.unbind(_dim(x, d))[-1]),
    Step("unfold", 1, 1, lambda L, x, d: x.unfold(_dim(x, d), 2, 1)),
    Step("unflatten", 1, 1, lambda L, x, d: x.unflatten(_dim(x, d), (-1, 1))),
    Step("roll", 1, 2, lambda L, x, d, i: x.roll(i % 4, _dim(x, d))),
    Step("flip", 1, 1, lambda L, x, d: x.flip(_dim(x, d))),
    Step("rot90", 1, 1, lambda L, x, k: x.rot90(k)),
    Step("repeat", 1, 1, lambda L, x, k: x.repeat(k % 2 + 1, *[1] * x.dim())),
    Step("tile", 1, 0, lambda L, x: x.tile(2)),
    Step("repeat_interleave", 1, 1, lambda L, x, d: x.repeat_interleave(2, _dim(x, d))),
    Step("cat", 2, 1, lambda L, x, y, d: L.cat([x, y], _dim(x, d))),
    Step("stack", 2, 1, lambda L, x, y, d: L.stack([x, y, x], _dim(x, d))),
    Step("hstack", 2, 0, lambda L, x, y: L.hstack([x, y])),
    Step("vstack", 2, 0, lambda L, x, y: L.vstack([x, y])),
    Step("meshgrid", 2, 1, lambda L, x, y, k: L.meshgrid(x, y, indexing="ij")[k % 2]),
    Step("T", 1, 0, lambda L, x: x.T),
    Step("swapaxes", 1, 2, lambda L, x, a, b: x.swapaxes(_dim(x, a), _dim(x, b))),
    Step("broadcast_to", 2, 0, lambda L, x, y: L.broadcast_to(x, y.shape)),
    Step("view_as", 2, 0, lambda L, x, y: x.view_as(y)),
    Step("as_strided", 1, 1, lambda L, x, k: x.as_strided((2, 2), (k % 2, 1), k % 2)),
    Step("tensor_split", 1, 1, lambda L, x, d: x.tensor_split(2, _dim(x, d))[1]),
    Step("column_stack", 2, 0, lambda L, x, y: L.column_stack([x, y])),
    Step("dstack", 2, 0, lambda L, x, y: L.dstack([x, y])),
    Step("block_diag", 2, 0, lambda L, x, y: L.block_diag(x, y)),
    Step("select_scatter", 2, 2, lambda L, x, y, d, i: x.select_scatter(y, _dim(x, d), i % 3)),
    Step("slice_scatter", 2, 1, lambda L, x, y, d: x.slice_scatter(y, _dim(x, d), 0, 1)),
    Step("cat out", 2, 0, lambda L, x, y: L.cat([x.detach(), y.detach()], out=x.new_empty(0))),
    Step("pad", 1, 1, lambda L, x, k: L.nn.functional.pad(x, (k % 3 - 1, 1))),
]

INDEXING = [
    Step("list index", 1, 1, lambda L, x, i: x[[i % 3, 0]]),
    Step("two indices", 1, 1, lambda L, x, i: x[[0, i % 3], [1, 0]]),
    Step("index after all", 1, 1, lambda L, x, i: x[..., L.tensor([0, -1, i % 3])]),
    Step("mask", 1, 0, lambda L, x: x[x > 0]),
    Step("gather", 1, 2, _gather),
    Step(
        "take_along_dim", 1, 2, lambda L, x, d, i: L.take_along_dim(x, _indices(L, x.shape, 2, i), _dim(x, d))
    ),
    Step("take", 1, 1, lambda L, x, i: x.take(L.tensor([[0, i % 4], [-1, 0]]))),
    Step("index_select", 1, 2, lambda L, x, d, i: L.index_select(x, _dim(x, d), L.tensor([i % 3, 0, i % 2]))),
    *[_scatter_into(name) for name in ("scatter", "scatter_add")],
    *[
        _scatter_into("scatter_reduce", how, include_self=include)
        for how in ("sum", "prod", "mean", "amax", "amin")
        for include in (True, False)
    ],
    Step(
        "scatter number", 1, 2, lambda L, x, d, i: x.scatter(_dim(x, d), _indices(L, x.shape, 2, i), i - 9.5)
    ),
    *map(_index_into, ("index_add", "index_copy")),
    Step("index_fill", 1, 2, lambda L, x, d, i: x.index_fill(_dim(x, d), L.tensor([0, i % 2]), i - 3)),
    Step("index_put", 2, 1, lambda L, x, y, i: x.index_put((L.tensor([0, i % 2]),), y)),
    Step(
        "index_put accumulate",
        2,
        1,
        lambda L, x, y, i: x.index_put((L.tensor([0, i % 2, 0]),), y, accumulate=True),
    ),
    Step("masked_select", 2, 0, lambda L, x, y: x.masked_select(y > 0)),
    Step("masked_fill", 2, 0, lambda L, x, y: x.masked_fill(y > 0, -1)),
    Step("masked_fill tensor", 3, 0, lambda L, x, y, z: x.masked_fill(y > 0, z)),
    Step("masked_scatter", 3, 0, lambda L, x, y, z: x.masked_scatter(y > 0, z)),
    Step("where", 2, 0, lambda L, x, y: L.where(x > y, x, y)),
    Step("where of three", 3, 0, lambda L, x, y, z: L.where(x, y, z)),
    Step("where number", 1, 0, lambda L, x: L.where(x > 0, x, 0.0)),
    Step("nonzero", 1, 0, lambda L, x: x.nonzero()),
    Step("argwhere", 1, 0, lambda L, x: L.argwhere(x)),
    Step("bool index and slice", 1, 0, lambda L, x: x[1:, L.tensor([True, False, True])]),
    Step("index with None", 1, 1, lambda L, x, i: x[L.tensor([i % 3]), None]),
    Step(
        "embedding", 1, 1, lambda L, x, i: L.nn.functional.embedding(L.tensor([[i % 3, 0]]), x.reshape(-1, 1))
    ),
    Step("one_hot", 1, 0, lambda L, x: L.nn.functional.one_hot(x)),
]

ORDER = [
    *map(_unary, "unique unique_consecutive msort".split()),
    Step("sort", 1, 2, _sort),
    Step("topk", 1, 0, lambda L, x: x.topk(1).values),
    Step("topk two", 1, 2, lambda L, x, d, k: x.topk(2, _dim(x, d), largest=k % 2 == 0).values),
    Step("kthvalue", 1, 1, lambda L, x, d: x.kthvalue(1, _dim(x, d)).values),
    Step("unique counts", 1, 0, lambda L, x: L.unique(x, return_counts=True)[1]),
    Step("unique inverse", 1, 0, _number_among_unique),
    Step("unique rows", 1, 1, lambda L, x, d: L.unique(x, dim=_dim(x, d))),
    Step("argsort", 1, 1, lambda L, x, d: x.argsort(dim=_dim(x, d), stable=True)),
    Step("bucketize", 2, 0, lambda L, x, y: L.bucketize(x, y.reshape(-1).sort().values, right=True)),
    Step("histc", 1, 1, lambda L, x, k: x.histc(k % 5, -2, 2)),
    Step("searchsorted", 2, 0, lambda L, x, y: L.searchsorted(x.sort().values, y)),
    Step("bincount", 1, 0, lambda L, x: x.bincount()),
    Step("isin", 2, 0, lambda L, x, y: L.isin(x, y)),
]

PRODUCTS = [
    *map(_binary, "matmul mm mv dot inner outer kron bmm cross vdot nn.functional.linear cdist".split()),
    *map(_ternary, "addmm addmv baddbmm nn.functional.linear".split()),
    _unary("trace"),
    Step("x x'", 1, 0, lambda L, x: x @ x.mT),
    Step("einsum rows", 2, 0, lambda L, x, y: L.einsum("...i,...i->...", x, y)),
    Step("einsum matrices", 2, 0, lambda L, x, y: L.einsum("ij,kj->ki", x, y)),
    Step("einsum outer", 2, 0, lambda L, x, y: L.einsum("i...,j->ij...", x, y)),
    Step("tensordot", 2, 1, lambda L, x, y, k: L.tensordot(x, y, k % 3)),
    Step("cosine_similarity", 2, 0, lambda L, x, y: L.nn.functional.cosine_similarity(x, y, -1)),
    Step("inv", 1, 0, lambda L, x: L.linalg.inv(_square(x))),
    Step("det", 1, 0, lambda L, x: L.linalg.det(_square(x))),
    Step("solve", 2, 0, lambda L, x, y: L.linalg.solve(_square(x), y)),
    Step("cholesky", 1, 0, lambda L, x: L.linalg.cholesky(_square(x))),
    Step("matrix_power", 1, 1, lambda L, x, k: L.linalg.matrix_power(x, k % 3)),
    Step("slogdet", 1, 1, lambda L, x, k: L.linalg.slogdet(_square(x))[k % 2]),
    Step("svdvals", 1, 0, lambda L, x: L.linalg.svdvals(x)),
    Step("eigvalsh", 1, 0, lambda L, x: L.linalg.eigvalsh(_square(x))),
    Step("pinv", 1, 0, lambda L, x: L.linalg.pinv(_square(x))),
    Step("qr", 1, 0, lambda L, x: L.linalg.qr(_square(x)).R.abs()),
    Step(
        "solve_triangular",
        2,
        1,
        lambda L, x, y, k: L.linalg.solve_triangular(_square(x).tril(), y, upper=k % 2 == 0),
    ),
    Step("matrix_norm", 1, 1, lambda L, x, k: L.linalg.matrix_norm(x, ("fro", "nuc", 1, 2)[k % 4])),
    Step("addbmm", 3, 0, lambda L, x, y, z: L.addbmm(x, y, z, beta=0.5)),
    Step("addr", 3, 0, lambda L, x, y, z: L.addr(x, y, z, alpha=2)),
    Step("multi_dot", 3, 0, lambda L, x, y, z: L.linalg.multi_dot([x, y, z])),
    Step("bilinear form", 2, 0, lambda L, x, y: L.einsum("...i,ij,...j", x, y, x)),
    _out_of_two("matmul"),
    _out_of_two("mm"),
    _out_of_two("outer"),
]

NETWORKS = [
    Step("conv1d", 2, 1, lambda L, x, y, k: L.nn.functional.conv1d(x, y, padding=k % 3, stride=k % 2 + 1)),
    Step("conv2d", 2, 1, lambda L, x, y, k: L.nn.functional.conv2d(x[None], y[:, None], padding=k % 3)),
    Step("conv_transpose1d", 2, 1, lambda L, x, y, k: L.nn.functional.conv_transpose1d(x, y, padding=k % 2)),
    Step("max_pool1d", 1, 1, lambda L, x, k: L.nn.functional.max_pool1d(x, k % 3 + 1, stride=1)),
    Step("avg_pool1d", 1, 1, lambda L, x, k: L.nn.functional.avg_pool1d(x, 2, padding=k % 2)),
    Step("max_pool2d", 1, 1, lambda L, x, k: L.nn.functional.max_pool2d(x[None], k % 3 + 1, padding=k % 2)),
    Step("avg_pool2d", 1, 1, lambda L, x, k: L.nn.functional.avg_pool2d(x[None], k % 3 + 1, ceil_mode=True)),
    Step("adaptive_avg_pool1d", 1, 1, lambda L, x, k: L.nn.functional.adaptive_avg_pool1d(x, k % 4)),
    Step(
        "adaptive_max_pool2d", 1, 1, lambda L, x, k: L.nn.functional.adaptive_max_pool2d(x[None], k % 3 + 1)
    ),
    Step("interpolate nearest", 1, 1, lambda L, x, k: L.nn.functional.interpolate(x, size=k % 5 + 1)),
    Step(
        "interpolate linear",
        1,
        1,
        lambda L, x, k: L.nn.functional.interpolate(x, size=k % 5 + 1, mode="linear"),
    ),
    Step(
        "interpolate bilinear",
        1,
        1,
        lambda L, x, k: L.nn.functional.interpolate(x[None] * 1.0, scale_factor=k % 3 + 0.5, mode="bilinear"),
    ),
    Step("attention", 2, 0, lambda L, x, y: L.nn.functional.scaled_dot_product_attention(x, y, y)),
    Step(
        "causal attention",
        1,
        0,
        lambda L, x: L.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True),
    ),
    Step("instance_norm", 1, 0, lambda L, x: L.nn.functional.instance_norm(x)),
    Step("pixel_shuffle", 1, 1, lambda L, x, k: L.nn.functional.pixel_shuffle(x, k % 2 + 1)),
    Step("unfold columns", 1, 1, lambda L, x, k: L.nn.functional.unfold(x.reshape(1, 1, -1), (1, k % 3 + 1))),
    Step("pad reflect", 1, 1, lambda L, x, k: L.nn.functional.pad(x, (k % 3, 1), mode="reflect")),
    Step("pad replicate", 1, 1, lambda L, x, k: L.nn.functional.pad(x, (k % 4 - 1, 1), mode="replicate")),
    Step("embedding_bag", 1, 1, lambda L, x, i: L.nn.functional.embedding_bag(L.tensor([[i % 3, 0]]), x)),
]

CASTS = [
    Step("to", 1, 1, lambda L, x, k: x.to(getattr(L, DTYPES[k % len(DTYPES)]))),
    Step("type_as", 2, 0, lambda L, x, y: x.type_as(y)),
    Step("detach", 1, 0, lambda L, x: x.detach()),
    Step("new_full", 1, 1, lambda L, x, k: x.new_full((2,), k - 4)),
    Step("full_like", 1, 1, lambda L, x, k: L.full_like(x, k % 9 - 4.5)),
    Step("float", 1, 0, lambda L, x: x.float()),
    Step("half", 1, 0, lambda L, x: x.half()),
    Step("long", 1, 0, lambda L, x: x.long()),
    Step("view as bytes", 1, 0, lambda L, x: x.detach().masked_fill(x != x, 0).contiguous().view(L.uint8)),
    Step("eye", 1, 1, lambda L, x, k: L.eye(k % 3, x.shape[-1], dtype=x.dtype)),
    Step("linspace", 1, 1, lambda L, x, k: L.linspace(1, k, k % 3 + 2, dtype=x.dtype)),
    Step("arange", 1, 1, lambda L, x, k: L.arange(0, k % 5, 1 + k % 2, dtype=x.dtype)),
    Step("item", 1, 1, lambda L, x, k: x + x[..., :1].sum().item()),
]

IN_PLACE = [
    *[_inside(name) for name in "relu_ neg_ exp_ sigmoid_ zero_ abs_ sqrt_ tanh_ floor_ t_ squeeze_".split()],
    *[_over(name) for name in "neg_ exp_ sigmoid_ zero_ abs_ sin_ square_ trunc_".split()],
    # logical_and_ and logical_not_ are left out: PyTorch keeps the history of what they overwrite, so that gradients
    # pass through.
    *map(_over_by, "add_ sub_ mul_ div_ copy_ pow_ eq_ atan2_ hypot_ clamp_min_ bitwise_xor_ lt_ ne_ copysign_".split()),
    *[_over(name) for name in "tril_ reciprocal_ erf_ sign_ nan_to_num_ rsqrt_ log1p_".split()],
    Step("lerp_", 2, 0, lambda L, x, y: x.lerp_(y, 0.25)),
    Step("addcmul_", 3, 0, lambda L, x, y, z: x.addcmul_(y, z, value=2)),
    Step("addcdiv_", 3, 0, lambda L, x, y, z: x.addcdiv_(y, z)),
    Step("masked_fill_ over", 2, 0, lambda L, x, y: x.masked_fill_(y > 0, 1.5)),
    Step("index_fill_ over", 1, 2, lambda L, x, d, i: x.index_fill_(_dim(x, d), L.tensor([i % 2]), -1)),
    Step("index_add_ over", 2, 2, lambda L, x, y, d, i: x.index_add_(_dim(x, d), L.tensor([0, i % 2]), y)),
    Step("addmm_", 3, 0, lambda L, x, y, z: x.addmm_(y, z)),
    Step("transpose_ a view", 1, 1, lambda L, x, d: x[:].transpose_(0, _dim(x, d))),
    Step("unsqueeze_ a view", 1, 1, lambda L, x, d: x[:].unsqueeze_(_dim(x, d))),
    Step("fill_diagonal_", 1, 1, lambda L, x, k: x.fill_diagonal_(k - 1.5)),
    Step("x[0] *= y", 2, 0, lambda L, x, y: x[0].mul_(y)),
    Step("x.T += number", 1, 1, lambda L, x, k: x.mT.add_(k - 2)),
    Step("x.diagonal() = y", 2, 0, lambda L, x, y: x.diagonal().copy_(y)),
    Step("x.view(-1)[1:] *= 2", 1, 0, lambda L, x: x.view(-1)[1:].mul_(2)),
    Step("x[[0, i]] = y", 2, 1, lambda L, x, y, i: x.__setitem__([0, -(i % 2)], y)),
    Step("x[mask] = y", 2, 0, lambda L, x, y: x.__setitem__(x > 0, y)),
    _divide_over("fmod_"), _divide_over("floor_divide_"),
    _inside("add_", 1.5), _inside("mul_", 2), _inside("clamp_", -1, 1), _inside("fill_", 0.25), _inside("div_", 3),
    _over("add_", 1.5), _over("mul_", 2), _over("clamp_", -1, 1), _over("fill_", 2),
    Step("cumsum_", 1, 1, lambda L, x, d: x.clone().cumsum_(_dim(x, d))),
    Step("masked_fill_", 2, 0, lambda L, x, y: x.masked_fill_(y > 0, 1)),
    Step("x[0] = y", 2, 0, lambda L, x, y: x.__setitem__(0, y)),
    Step("x[..., ::2] = number", 1, 1, lambda L, x, k: x.__setitem__((..., slice(None, None, 2)), k - 1.5)),
    Step("write a slice", 2, 1, _write_slice),
    Step("write an index", 2, 1, _write_index),
    Step("write by a mask", 1, 1, _write_mask),
    Step("write a diagonal", 2, 0, _write_diagonal),
    Step("write under a view", 2, 0, _write_view),
    Step("write a transposed", 1, 1, _write_transposed),
]  # fmt: skip

FAMILIES = {
    "pointwise": POINTWISE,
    "complex": COMPLEX,
    "reductions": REDUCTIONS,
    "views": VIEWS,
    "indexing": INDEXING,
    "order": ORDER,
    "losses": LOSSES,
    "networks": NETWORKS,
    "products": PRODUCTS,
    "casts": CASTS,
    "in place": IN_PLACE,
}
