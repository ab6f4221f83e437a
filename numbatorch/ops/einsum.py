"""Products that are summed over dimensions with a name: einsum, and what can be said with it.

A pair of operands is contracted by one matrix product of views of the two:

    batch    subscripts that both have, and that stay      the dimensions of the stacks
    rows     those of the left operand alone               one dimension
    columns  those of the right operand alone              one dimension
    summed   those that both have, and nobody needs later  one dimension

so that memory is copied only where dimensions cannot be seen as one. What is to be done depends on equation and
shapes alone, and is worked out once for each.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from numbatorch.apply import Op
from numbatorch.arguments import listed, tensor_array, tensor_kind
from numbatorch.autograd.mode import no_grad, state
from numbatorch.backends import opt_einsum
from numbatorch.base import TensorBase, empty
from numbatorch.dtype import c_name
from numbatorch.ops.arithmetic import add, mul
from numbatorch.ops.complexes import conj
from numbatorch.ops.copy import cast, copy_, into, numbers
from numbatorch.ops.linalg.functions import multi_dot
from numbatorch.ops.matmul import check, matmul, unlike
from numbatorch.ops.reduce import sum as sum_
from numbatorch.ops.reduction import into as into_wider
from numbatorch.ops.view import diagonal, permute, reshape, squeeze, transpose, unsqueeze
from numbatorch.shape import PORTION, normalize_dims, portions, sized_dim

if TYPE_CHECKING:
    from numbatorch.tensor import Tensor

Labels = tuple[
    str, ...
]  # a name for each dimension: a letter, or "...k" for the k-th from the right of an ellipsis
Shape = tuple[int, ...]
_Labelled = tuple["Tensor", Labels]


# --- the equation


class _Equation(NamedTuple):
    """The labels of operands and output."""

    operands: list[Labels]
    output: Labels


def _parsed(equation: str, ndims: Shape) -> _Equation:
    """Raises RuntimeError for an equation that is none, or does not fit operands of these numbers of
    dimensions."""
    left, arrow, right = equation.partition("->")
    terms = _terms(left, len(ndims))
    operands: list[Labels] = []
    widest = 0  # dimensions that an ellipsis stands for
    for number, (term, ndim) in enumerate(zip(terms, ndims)):
        count, ellipsis = len(term) - ("..." in term), "..." in term
        if count > ndim or (count < ndim and not ellipsis):
            says = "is more than" if ellipsis else "does not match"
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({count}) {says} the number of dimensions "
                f"({ndim}) for operand {number}{'' if ellipsis else ' and no ellipsis was given'}"
            )
        operands.append(_spelt_out(term, ndim - count))
        widest = max(widest, ndim - count)
    used = [label for labels in operands for label in labels]
    if arrow:
        output = _spelt_out(_output(right, set(used), len(left) + 2), widest)
    else:
        output = _spelt_out(["..."], widest) + tuple(
            sorted(c for c in set(used) if len(c) == 1 and used.count(c) == 1)
        )
    return _Equation(operands, output)


def _spelt_out(term: list[str], width: int) -> Labels:
    """The labels of a term; an ellipsis stands for `width` dimensions."""
    dots = [f"...{k}" for k in reversed(range(width))]
    return tuple([label for part in term for label in (dots if part == "..." else [part])])


def _terms(text: str, count: int) -> list[list[str]]:
    """The letters and ellipses of each of `count` operands."""
    terms: list[list[str]] = [[]]
    place = 0
    while place < len(text):
        character, own = text[place], terms[-1]
        if character == ".":
            number = len(terms) - 1
            if "..." in own:
                raise RuntimeError(
                    f"einsum(): found '.' for operand {number} for which an ellipsis was already found"
                )
            if text[place : place + 3] != "...":
                raise RuntimeError(
                    f"einsum(): found '.' for operand {number} that is not part of any ellipsis"
                )
            own.append("...")
            place += 2
        elif character == ",":
            terms.append([])
            if len(terms) > count:
                raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
        elif character != " ":
            own.append(_letter(character, place))
        place += 1
    if len(terms) < count:
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    return terms


def _letter(character: str, place: int) -> str:
    if not (character.isascii() and character.isalpha()):
        raise RuntimeError(
            f"einsum(): invalid subscript given at index {place} in the equation string, subscripts must be in "
            "[a-zA-Z]"
        )
    return character


def _output(text: str, known: set[str], begin: int) -> list[str]:
    """The letters and the ellipsis behind the arrow, which ends at index `begin` of the equation."""
    term: list[str] = []
    place = 0
    while place < len(text):
        character = text[place]
        if character == ".":
            if "..." in term:
                raise RuntimeError("einsum(): found '.' for output but an ellipsis (...) was already found")
            if text[place : place + 3] != "...":
                raise RuntimeError("einsum(): found '.' for output that is not part of any ellipsis (...)")
            term.append("...")
            place += 2
        elif character != " ":
            letter = _letter(character, begin + place)
            if letter in term or letter not in known:
                wrong = (
                    "appears more than once in the output"
                    if letter in term
                    else "does not appear in the equation for any input operand"
                )
                raise RuntimeError(f"einsum(): output subscript {letter} {wrong}")
            term.append(letter)
        place += 1
    return term


# --- what is to be done


class _Part(NamedTuple):
    """What an operand goes through before a product."""

    sums: Shape  # dimensions to sum over
    order: Shape
    shape: Shape

    def of(self, operand: Tensor) -> Tensor:
        if self.sums:
            operand = sum_(operand, self.sums)
        return reshape(permute(operand, self.order), self.shape)


class _Pair(NamedTuple):
    """The contraction of two operands."""

    left: _Part
    right: _Part
    swapped: bool
    summed: bool  # a matrix product, otherwise one of elements
    labels: Labels  # of the result
    shape: Shape

    def of(self, one: Tensor, other: Tensor) -> Tensor:
        if self.swapped:
            one, other = other, one
        left, right = self.left.of(one), self.right.of(other)
        return reshape((matmul if self.summed else mul)(left, right), self.shape)


@lru_cache(maxsize=1024)
def _pair(one: Labels, other: Labels, x: Shape, y: Shape, kept: Labels, last: bool) -> _Pair:
    """How to contract operands of these labels and shapes to the labels in `kept`; if it is the `last` step, in
    an order that is theirs if possible. A dimension of size 1 goes with any size."""
    left_sizes, right_sizes = dict(zip(one, x)), dict(zip(other, y))
    for label in [label for label in one if label in right_sizes]:
        if left_sizes[label] != right_sizes[label]:
            del (left_sizes if left_sizes[label] == 1 else right_sizes)[label]
        elif left_sizes[label] == 1 and label not in kept:  # nothing to sum
            del left_sizes[label], right_sizes[label]
    both = [label for label in one if label in left_sizes and label in right_sizes]
    summed = [label for label in both if label not in kept]
    if prod(y) > prod(x):  # in the order of the larger operand, which is then less often copied
        summed.sort(key=other.index)
    batch = [label for label in both if label in kept]
    rows = [label for label in one if label in left_sizes and label in kept and label not in both]
    columns = [label for label in other if label in right_sizes and label in kept and label not in both]
    swapped = last and bool(rows) and kept[-1] in rows
    if swapped:
        one, other, rows, columns, x, y = other, one, columns, rows, y, x
        left_sizes, right_sizes = right_sizes, left_sizes
    labels = (*batch, *rows, *columns)
    sizes = left_sizes | right_sizes
    shape = tuple([sizes[label] for label in labels])
    if summed:
        stack = shape[: len(batch)] if len(batch) in (1, 2) else (prod(shape[: len(batch)]),)
        m, n, k = (prod([sizes[label] for label in group]) for group in (rows, columns, summed))
        left = _part(one, left_sizes, (*batch, *rows, *summed), kept, (*stack, m, k))
        right = _part(other, right_sizes, (*batch, *summed, *columns), kept, (*stack, k, n))
    else:
        ones = (1,) * len(columns)
        left = _part(one, left_sizes, (*batch, *rows), kept, shape[: len(batch) + len(rows)] + ones)
        wide = [size if label not in rows else 1 for label, size in zip(labels, shape)]
        right = _part(other, right_sizes, (*batch, *columns), kept, tuple(wide))
    return _Pair(left, right, swapped, bool(summed), labels, shape)


def _part(labels: Labels, sizes: dict[str, int], wanted: Labels, kept: Labels, shape: Shape) -> _Part:
    """The labels not in `wanted` are summed over, or have size 1 and vanish."""
    sums = tuple([d for d, c in enumerate(labels) if c not in wanted and c in sizes])
    left = [label for d, label in enumerate(labels) if d not in sums]
    gone = [label for label in left if label not in wanted]
    return _Part(sums, tuple([left.index(label) for label in (*gone, *wanted)]), shape)


# --- einsum


def einsum(*args: Any) -> Tensor:
    """The sum of products of the operands' elements in Einstein's notation: einsum(equation, *operands). The
    equation has a letter for each dimension of each operand; a letter that the output lacks is summed over. Without
    "->" the output has the letters that appear once, in alphabetical order. A letter repeated within an operand
    is a diagonal, "..." stands for the dimensions that are left, which broadcast, and so do sizes of 1. Letters may
    be lists of numbers: einsum(a, [0, 1], b, [1, 2], [0, 2]).

    More than two operands are contracted in the order that opt_einsum finds where it is installed (see
    torch.backends.opt_einsum), otherwise from left to right. Raises RuntimeError where equation and operands do
    not fit.

    >>> torch.einsum("ij,jk->ik", torch.tensor([[1, 2]]), torch.tensor([[3], [4]]))
    tensor([[11]])
    >>> torch.einsum("ii", torch.eye(3))
    tensor(3.)
    """
    equation, operands = _arguments(args)
    shapes = tuple([operand.array.shape for operand in operands])
    plan = _plan(equation, shapes)
    steps = opt_einsum.path(equation, shapes) or [(0, 1)] + [(-1, 0)] * (len(operands) - 2)
    work = [_diagonals(operand, labels) for operand, labels in zip(operands, plan.operands)]
    for step in steps if len(work) > 1 else ():
        taken = [place % len(work) for place in step]
        rest = [item for place, item in enumerate(work) if place not in taken]
        item, *others = [work[place] for place in taken]
        while others:
            item = _contracted(item, others.pop(0), (*rest, *others), plan.output)
        work = [*rest, item]
    ((result, labels),) = work
    gone = tuple([d for d, label in enumerate(labels) if label not in plan.output])
    if gone:
        result, labels = sum_(result, gone), tuple([c for d, c in enumerate(labels) if d not in gone])
    return permute(result, tuple([labels.index(label) for label in plan.output]))


def _arguments(args: tuple) -> tuple[str, tuple[Tensor, ...]]:
    """Equation and operands of any form of the call."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and "
            "its subscripts list"
        )
    if isinstance(args[0], TensorBase):
        equation = ",".join(["".join(map(_subscript, sublist)) for sublist in args[1::2]])
        if len(args) % 2:
            equation += "->" + "".join(map(_subscript, args[-1]))
        return equation, args[: len(args) // 2 * 2 : 2]
    operands = args[1:]
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        return args[0], tuple(operands[0])
    return args[0], operands


def _subscript(number: Any) -> str:
    """The letter for a number of the sublist format."""
    if number is Ellipsis:
        return "..."
    if 0 <= number < 26:
        return chr(ord("A") + number)
    if 26 <= number < 52:
        return chr(ord("a") + number - 26)
    raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")


@lru_cache(maxsize=1024)
def _plan(equation: str, shapes: tuple[Shape, ...]) -> _Equation:
    """The equation's labels, checked against the shapes."""
    parsed = _parsed(equation, tuple(map(len, shapes)))
    seen: dict[str, int] = {}
    for number, (labels, shape) in enumerate(zip(parsed.operands, shapes)):
        own: dict[str, int] = {}
        for label, size in zip(labels, shape):
            if own.setdefault(label, size) != size:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {number} but the sizes don't match, "
                    f"{size} != {own[label]}"
                )
        for label, size in own.items():
            before = seen.get(label, 1)
            if size != before and 1 not in (size, before):
                if label.startswith("..."):
                    raise RuntimeError(
                        f"einsum(): dimension {list(own).index(label)} covered by ellipsis in operand {number}has "
                        f"size {size} which does not broadcast with previously seen ellipsis with size {before} for "
                        "the respective dimension"
                    )
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {number} which does not broadcast "
                    f"with previously seen size {before}"
                )
            seen[label] = max(before, size) if before != 1 else size
    return parsed


def _diagonals(operand: Tensor, labels: Labels) -> _Labelled:
    """The operand with each label once."""
    while len(set(labels)) < len(labels):
        label = next(label for label in labels if labels.count(label) > 1)
        first = labels.index(label)
        second = labels.index(label, first + 1)
        operand = diagonal(operand, 0, first, second)
        labels = (*labels[:first], *labels[first + 1 : second], *labels[second + 1 :], label)
    return operand, labels


def _contracted(one: _Labelled, other: _Labelled, later: Sequence[_Labelled], output: Labels) -> _Labelled:
    """The product of two operands, summed over what neither the `later` ones nor the output have."""
    (a, x), (b, y) = one, other
    kept = output
    if later:
        needed = {*output}.union(*[labels for _, labels in later])
        kept = tuple([label for label in dict.fromkeys(x + y) if label in needed])
    pair = _pair(x, y, a.array.shape, b.array.shape, kept, not later)
    return pair.of(a, b), pair.labels


# --- other products of any number of dimensions


def tensordot(
    a: Tensor,
    b: Tensor,
    dims: int | Sequence[int] | Sequence[Sequence[int]] | Tensor = 2,
    out: Tensor | None = None,
) -> Tensor:
    """The sum of products over `dims`: the last of `a` with the first of `b` if that is a number, or two lists of
    dimensions. The result has the other dimensions of `a`, and then those of `b`. Raises RuntimeError where sizes
    or dtypes differ.

    >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 4), dims=1).shape
    torch.Size([2, 4])
    """
    x, y = tensor_array(a).shape, tensor_array(b).shape
    left, right = _dims(dims, len(x), len(y))
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    if unlike(a, b):
        whole = len(left) == len(x) == len(y)
        check("mm", a, b, "both inputs should have same dtype", "dot" if whole else "addmm_impl_cpu_")
    for d, e in zip(left, right):
        m, n = x[sized_dim(d, len(x))], y[sized_dim(e, len(y))]
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {m} in dim {d} and second has size {n} "
                f"in dim {e}"
            )
    one, other = [f"a{d}" for d in range(len(x))], [f"b{d}" for d in range(len(y))]
    for d, e in zip(normalize_dims(left, len(x)), normalize_dims(right, len(y))):
        other[e] = one[d]
    labels = (*[c for c in one if c not in other], *[c for c in other if c not in one])
    result = _pair(tuple(one), tuple(other), x, y, labels, False).of(a, b)
    if not result.kind.inexact:  # where one dimension had the size 1, integers were added up as int64
        result = cast(result, a.kind.dtype)
    return result if out is None else into(out, result, "tensordot")


def _dims(dims: Any, x: int, y: int) -> tuple[Sequence[int], Sequence[int]]:
    """The dimensions of either operand that `tensordot` sums over."""
    if isinstance(dims, TensorBase):
        tensor: Any = dims
        dims = numbers(tensor).tolist()
    elif isinstance(dims, int) and dims > min(x, y):
        raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        return range(-dims, 0), range(dims)
    if not isinstance(dims, tuple | list):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two "
            f"lists, but got dims={dims}"
        )
    left, right = dims
    return listed(left), listed(right)


def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sums of products over the last dimension of both: (..., k) and (***, k) give (..., ***). A number is
    multiplied by everything.

    >>> torch.inner(torch.tensor([1, 2, 3]), torch.tensor([0, 2, 1]))
    tensor(7)
    """
    x, y = tensor_array(input).shape, tensor_array(other).shape
    if not x or not y:
        return mul(input, other, out=out)
    if x[-1] != y[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(x)} and {list(y)}"
        )
    return tensordot(input, other, ([-1], [-1]), out)


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Kronecker's product: every element of `input` times all of `other`, side by side. Along each dimension the
    sizes multiply; the tensor with fewer dimensions gets new ones in front.

    >>> torch.kron(torch.tensor([1, 10]), torch.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    ndim = max(tensor_array(input).ndim, tensor_array(other).ndim)
    x = (1,) * (ndim - input.array.ndim) + input.array.shape
    y = (1,) * (ndim - other.array.ndim) + other.array.shape
    spread = reshape(input, [size for n in x for size in (n, 1)])
    result = mul(spread, reshape(other, [size for n in y for size in (1, n)]))
    return into_wider(out, reshape(result, [m * n for m, n in zip(x, y)]), "kron")


def _bilinear_forward(x, y, weight):
    """Of a few rows at a time: of each, the products of its elements or, where those are fewer, of x with all matrices
    are in memory."""
    outputs, m, n = weight.array.shape
    rows = x.array.shape[0]
    result, most = empty((rows, outputs), x.kind), PORTION // 4 if x.kind.cpu else PORTION
    with no_grad():
        if m <= outputs:
            columns = transpose(reshape(weight, outputs, m * n), 0, 1)
            for some in portions(rows, m * n, most=most):
                pairs = mul(unsqueeze(x[some], 2), unsqueeze(y[some], 1))
                copy_(result[some], matmul(reshape(pairs, pairs.array.shape[0], m * n), columns))
                del pairs
            return result
        matrices = reshape(permute(weight, 1, 0, 2), m, outputs * n)  # side by side
        for some in portions(rows, outputs * n, most=most):
            part = x[some]
            products = reshape(matmul(part, matrices), part.array.shape[0], outputs, n)
            copy_(result[some], squeeze(matmul(products, unsqueeze(y[some], 2)), 2))
            del products
    return result


def _bilinear_vjp(node, grad):
    x, y, weight = node.unpack()
    needs = node.needs
    return (
        _bilinear(grad, conj(y), conj(permute(weight, 1, 0, 2))) if needs[0] else None,
        _bilinear(conj(x), grad, conj(permute(weight, 2, 1, 0))) if needs[1] else None,
        _gradient_of_matrices(grad, conj(x), conj(y)) if needs[2] else None,
    )


def _gradient_of_matrices(grad: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Σ_b grad_bo x_bi y_bj, of a few rows at a time unless it will be differentiated again."""
    (rows, outputs), m = grad.array.shape, x.array.shape[1]
    parts = portions(rows, outputs * m, at_once=state.enabled)
    total = einsum("bo,bi,bj->oij", *[t[parts[0]] for t in (grad, x, y)])
    for some in parts[1:]:
        total.add_(einsum("bo,bi,bj->oij", *[t[some] for t in (grad, x, y)]))
    return total


_SERVED = {0: (1, 2), 1: (0, 2), 2: (0, 1)}  # each factor serves the gradients for the others
_bilinear = Op("Bilinear", _bilinear_forward, _bilinear_vjp, saves=_SERVED, tensors=3)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input1ᵀ A_o input2 + bias_o for every matrix A_o of `weight`: input1 (..., m), input2 (..., n), weight
    (out, m, n), bias (out). Raises RuntimeError for other shapes.

    >>> torch.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(4, 2, 3))
    tensor([[6., 6., 6., 6.]])
    """
    x, y, w = tensor_array(input1).shape, tensor_array(input2).shape, tensor_array(weight).shape
    given = {"input1": input1, "input2": input2, "weight": weight}
    if bias is not None:
        given["bias"] = bias
    if len({tensor_kind(t).dtype for t in given.values()}) > 1:
        types = ", ".join(f"{name}: {c_name(t.kind.dtype)}" for name, t in given.items())
        raise RuntimeError(f"All tensors must have the same dtype, got {types}")
    if len(x) != len(y):
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {len(x)} and {len(y)}")
    for d, (m, n) in enumerate(zip(x[:-1], y[:-1])):
        if m != n:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {d}: got {m} and {n}")
    for number, shape in ((1, x), (2, y)):
        size, expected = shape[sized_dim(-1, len(shape))], w[sized_dim(number, len(w))]
        if size != expected:
            raise RuntimeError(
                f"bilinear(): input{number} size does not match weight size: got {size} but expected {expected}"
            )
    if bias is not None and tensor_array(bias).shape[sized_dim(0, bias.array.ndim)] != w[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.array.shape[0]} but expected {w[0]}"
        )
    for other in (input2, weight):
        if unlike(input1, other):
            check("bmm", input1, other, "", "bmm")
    rows = prod(x[:-1])
    result = _bilinear(reshape(input1, rows, x[-1]), reshape(input2, rows, y[-1]), weight)
    result = reshape(result, *x[:-1], w[0])
    return result if bias is None else add(result, bias)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """`linalg.multi_dot` of the matrices, or of one itself. PyTorch has given it up, and so warns."""
    warnings.warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use "
        "torch.linalg.multi_dot instead, which accepts a list of two or more tensors rather than multiple "
        "parameters.",
        stacklevel=2,
    )
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for matrix in matrices:
        if tensor_array(matrix).ndim != 2:
            raise RuntimeError(f"Tensor dimension is {matrix.array.ndim}, expected 2 instead.")
    result = multi_dot(matrices) if len(matrices) > 1 else matrices[0]
    return result if out is None else into(out, result, "chain_matmul")
