"""The product for dtypes without a tile of their own: integers, which wrap round, and complex numbers."""

from __future__ import annotations

from numbatorch_kernels.gemm.matrix import element, nth, size, stride
from numbatorch_kernels.pointer import offset


def plain_product(out, a, b, bias, alpha, beta, start, stop):
    """out = alpha * a @ b + beta * bias, rows start:stop of the batch; where beta is 0 bias is not read.

    The columns of out and bias are neighbours.
    """
    alpha, beta, zero = element(out.data, alpha), element(out.data, beta), element(out.data, 0)
    rows, columns, k, b_column = size(out, 2), size(out, 1), size(a, 1), stride(b, 1)
    for index in range(start, stop):
        batch, i = index // rows, index % rows
        to = offset(nth(out, batch, out), i * stride(out, 2))
        old = offset(nth(bias, batch, out), i * stride(bias, 2))
        band, right = offset(nth(a, batch, out), i * stride(a, 2)), nth(b, batch, out)
        for j in range(columns):
            to[j] = beta * old[j] if beta != zero else zero
        for depth in range(k):
            x = alpha * band[depth * stride(a, 1)]
            row = offset(right, depth * stride(b, 2))
            for j in range(columns):
                to[j] += x * row[j * b_column]
