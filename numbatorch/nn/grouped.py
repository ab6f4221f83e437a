"""Products of groups of rows by a matrix each, as in a mixture of experts."""

from __future__ import annotations

from itertools import pairwise

from numbatorch import ops
from numbatorch.arguments import tensor_array, tensor_kind
from numbatorch.dtype import DType, bfloat16, float16, float32, int32, type_word
from numbatorch.tensor import Tensor


def grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    *,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: DType | None = None,
) -> Tensor:
    """One matrix product for each of G groups. Operands are float32, bfloat16 or float16, with any strides.

    mat_a, mat_b  (M, K) by (G, K, N): the rows of mat_a are cut into groups, (M, N) comes out;
                  (G, M, K) by (K, N): the columns of mat_b are, (M, N);
                  (M, K) by (K, N): both are cut along K, (G, M, N);
                  (G, M, K) by (G, K, N): nothing is cut, as in `bmm`
    offs          int32, (G): where each group ends, if something is cut; what lies behind the last end gives zeros
    bias          None: as PyTorch says, not supported yet
    out_dtype     None, or mat_a's own

    Differentiable to any order. Raises RuntimeError for other dtypes and shapes, and for ends in disorder.

    >>> rows, experts = torch.ones(4, 2), torch.tensor([[[1.0], [1.0]], [[5.0], [5.0]]])
    >>> torch.nn.functional.grouped_mm(rows, experts, offs=torch.tensor([1, 4], dtype=torch.int32)).flatten()
    tensor([ 2., 10., 10., 10.])
    """
    _check(mat_a, mat_b, offs, bias, out_dtype)
    if offs is None:
        return ops.bmm(mat_a, mat_b)
    cut_a, cut_b = mat_a.ndim == 2, mat_b.ndim == 2
    along = 1 if cut_a and cut_b else 0  # the dimension of mat_a that is cut, if it is
    total = mat_a.shape[along] if cut_a else mat_b.shape[1]
    sizes = _sizes(offs, total)
    lefts = ops.split(mat_a, sizes, along)[:-1] if cut_a else ops.unbind(mat_a)
    rights = ops.split(mat_b, sizes, 0 if cut_a else 1)[:-1] if cut_b else ops.unbind(mat_b)
    products = [ops.mm(left, right) for left, right in zip(lefts, rights, strict=True)]
    if cut_a and cut_b:
        return ops.stack(products)
    rest = (sizes[-1], mat_b.shape[2]) if cut_a else (mat_a.shape[1], sizes[-1])
    return ops.cat([*products, mat_a.new_zeros(rest)], 0 if cut_a else 1)


def _sizes(offs: Tensor, total: int) -> list[int]:
    """The sizes of the groups, and of what is behind the last."""
    ends = [0, *offs.tolist(), total]
    sizes = [end - start for start, end in pairwise(ends)]
    if min(sizes) < 0:
        raise RuntimeError(f"offs must increase, up to {total} at most, but got {ends[1:-1]}")
    return sizes


def _check(
    mat_a: Tensor, mat_b: Tensor, offs: Tensor | None, bias: Tensor | None, out_dtype: DType | None
) -> None:
    matrices = {"mat_a": mat_a, "mat_b": mat_b}
    for name, matrix in matrices.items():
        if tensor_kind(matrix).dtype not in (float32, bfloat16, float16):
            word = type_word(matrix.dtype)
            raise RuntimeError(f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {word}")
    for name, matrix in matrices.items():
        if matrix.ndim not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    if mat_a.shape[-1] != mat_b.shape[-2]:
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    groups = {matrix.shape[0] for matrix in matrices.values() if matrix.ndim == 3}
    if (offs is None) != (mat_a.ndim == mat_b.ndim == 3):
        raise RuntimeError(
            "Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d"
        )
    if offs is None and len(groups) > 1:
        raise RuntimeError("batched dimension has to match")
    if offs is not None:
        if tensor_array(offs).ndim != 1:
            raise RuntimeError("offs has to be 1D")
        if offs.dtype is not int32:
            raise RuntimeError("Offsets have to be int32")
        if groups and groups != {offs.shape[0]}:
            raise RuntimeError("matrix batch sizes have to match")
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype not in (None, mat_a.dtype):
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")
