"""The product of a matrix and a vector: every element of the matrix is used once, so memory sets the pace.

Whichever operand is the vector, a share makes some elements of the result, each from one line of the matrix. If the elements of a line are
neighbours it is a dot product a line; otherwise neighbouring lines are added up together, a few k at a time, so that the matrix is read
in the order in which it lies in memory.
"""

from __future__ import annotations

from numbatorch_kernels.gemm.matrix import element, size, stride
from numbatorch_kernels.pointer import offset

TOGETHER = 2048  # lines whose sums stay in the L1 cache


def vector_product(out, a, b, bias, alpha, beta, start, stop):
    """out = alpha * a @ b + beta * bias where out has one row or one column; elements start:stop of the batch.

    Where beta is 0 bias is not read. Compiled with `reassoc`: a sum may be taken in the order that suits the vector registers.
    """
    alpha, beta, zero = element(out.data, alpha), element(out.data, beta), element(out.data, 0)
    k, lines = size(a, 1), size(out, 1) * size(out, 2)
    by_rows = size(out, 1) == 1  # the lines are rows of a, and b is the vector; or columns of b, and a is
    line, step = (stride(a, 2), stride(a, 1)) if by_rows else (stride(b, 1), stride(b, 2))
    vector_step, to_step = (stride(b, 2), stride(out, 2)) if by_rows else (stride(a, 1), 1)
    old_step = stride(bias, 2) if by_rows else 1
    while start < stop:
        batch, first = start // lines, start % lines
        last = min(lines, first + stop - start)
        start += last - first
        left, right = offset(a.data, batch * stride(a, 3)), offset(b.data, batch * stride(b, 3))
        matrix, vector = (left, right) if by_rows else (right, left)
        to, old = offset(out.data, batch * stride(out, 3)), offset(bias.data, batch * stride(bias, 3))
        for i in range(first, last):
            to[i * to_step] = beta * old[i * old_step] if beta != zero else zero
        if step == 1 or line != 1:
            for i in range(first, last):
                total = zero
                for j in range(k):
                    total += matrix[i * line + j * step] * vector[j * vector_step]
                to[i * to_step] += alpha * total
        else:
            for begin in range(first, last, TOGETHER):
                end = min(begin + TOGETHER, last)
                for j in range(0, k - 3, 4):
                    x0, x1 = alpha * vector[j * vector_step], alpha * vector[(j + 1) * vector_step]
                    x2, x3 = alpha * vector[(j + 2) * vector_step], alpha * vector[(j + 3) * vector_step]
                    row = offset(matrix, j * step)
                    for i in range(begin, end):
                        near = x0 * row[i] + x1 * row[i + step]
                        to[i * to_step] += near + (x2 * row[i + 2 * step] + x3 * row[i + 3 * step])
                for j in range(k // 4 * 4, k):
                    x = alpha * vector[j * vector_step]
                    for i in range(begin, end):
                        to[i * to_step] += x * matrix[i + j * step]
