"""The product for dtypes without a tile of their own: integers, which wrap round, and complex numbers."""

from __future__ import annotations

from numbatorch_kernels.gemm.matrix import element, size, stride
from numbatorch_kernels.pointer import offset


def plain_product(out, a, b, bias, alpha, beta, start, stop):
    """out = alpha * a @ b + beta * bias, rows start:stop of the batch; where beta is 0 bias is not read.

    The columns of out and bias are neighbours.
    """
    alpha, beta, zero = element(out.data, alpha), element(out.data, beta), element(out.data, 0)
    rows, columns, k, b_column = size(out, 2), size(out, 1), size(a, 1), stride(b, 1)
    for index in range(start, stop):
        batch, i = index // rows, index % rows
        to = offset(out.data, batch * stride(out, 3) + i * stride(out, 2))
        old = offset(bias.data, batch * stride(bias, 3) + i * stride(bias, 2))
        band = offset(a.data, batch * stride(a, 3) + i * stride(a, 2))
        for j in range(columns):
            to[j] = beta * old[j] if beta != zero else zero
        for depth in range(k):
            x = alpha * band[depth * stride(a, 1)]
            row = offset(b.data, batch * stride(b, 3) + depth * stride(b, 2))
            for j in range(columns):
                to[j] += x * row[j * b_column]
