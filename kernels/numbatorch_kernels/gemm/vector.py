"""The product of a matrix and a vector: every element of the matrix is used once, so memory sets the pace.

Either operand can be the vector. Each element of the result comes from one line of the matrix: a row of a,
or a column of b. If the elements of a line are neighbours it is a dot product, four lines at a time;
otherwise neighbouring lines are added up together, four k at a time. Either way the matrix is read in the
order in which it lies in memory.
"""

from __future__ import annotations

from numbatorch_kernels.gemm.matrix import element, matrices, nth, size, stride
from numbatorch_kernels.pointer import offset

TOGETHER = 2048  # lines whose sums stay in the L1 cache
PIECE = 1 << 12  # elements of two long vectors that are multiplied and added up by themselves


def vector_product(out, a, b, bias, alpha, beta, floor, start, stop):
    """out = max(alpha * a @ b + beta * bias, floor) where out is one row or one column: fours start:stop of its elements.

    Every matrix of a batch has its own fours. Where beta is 0 bias is not read. To be compiled with
    `reassoc`: a sum is taken in the order that suits the vector registers, which is the same order in every
    share.
    """
    alpha, beta, zero = element(out.data, alpha), element(out.data, beta), element(out.data, 0)
    floor, k, lines = element(out.data, floor), size(a, 1), size(out, 1) * size(out, 2)
    of_rows = size(out, 1) == 1  # a is the matrix, b the vector
    line, step = (stride(a, 2), stride(a, 1)) if of_rows else (stride(b, 1), stride(b, 2))
    vector_step = stride(b, 2) if of_rows else stride(a, 1)
    to_step, old_step = (stride(out, 2), stride(bias, 2)) if of_rows else (1, 1)
    fours = (lines + 3) // 4
    stop = min(stop, fours * matrices(out))
    while start < stop:
        batch, first = start // fours, start % fours * 4
        last = min(lines, first + (stop - start) * 4)
        start = (batch + 1) * fours if last == lines else stop
        left, right = nth(a, batch, out), nth(b, batch, out)
        matrix, vector = (left, right) if of_rows else (right, left)
        to, old = nth(out, batch, out), nth(bias, batch, out)
        for i in range(first, last):
            to[i * to_step] = beta * old[i * old_step] if beta != zero else zero
        if step == 1:
            for i in range(first, last - 3, 4):
                t0 = t1 = t2 = t3 = zero
                row = offset(matrix, i * line)
                for j in range(k):
                    x = vector[j * vector_step]
                    t0 += x * row[j]
                    t1 += x * row[j + line]
                    t2 += x * row[j + 2 * line]
                    t3 += x * row[j + 3 * line]
                to[i * to_step] += alpha * t0
                to[(i + 1) * to_step] += alpha * t1
                to[(i + 2) * to_step] += alpha * t2
                to[(i + 3) * to_step] += alpha * t3
            for i in range(first + (last - first) // 4 * 4, last):
                total = zero
                for j in range(k):
                    total += vector[j * vector_step] * matrix[j + i * line]
                to[i * to_step] += alpha * total
        else:
            for begin in range(first, last, TOGETHER):
                end = min(begin + TOGETHER, last)
                for j in range(0, k - 3, 4):
                    x0, x1 = alpha * vector[j * vector_step], alpha * vector[(j + 1) * vector_step]
                    x2, x3 = alpha * vector[(j + 2) * vector_step], alpha * vector[(j + 3) * vector_step]
                    row = offset(matrix, j * step)
                    for i in range(begin, end):
                        near = x0 * row[i * line] + x1 * row[i * line + step]
                        far = x2 * row[i * line + 2 * step] + x3 * row[i * line + 3 * step]
                        to[i * to_step] += near + far
                for j in range(k // 4 * 4, k):
                    x = alpha * vector[j * vector_step]
                    for i in range(begin, end):
                        to[i * to_step] += x * matrix[i * line + j * step]
        for i in range(first, last):
            if to[i * to_step] <= floor:
                to[i * to_step] = floor


def inner_product(parts, a, b, start, stop):
    """The sums of the products of two vectors' elements, piece by piece: parts start:stop. To be compiled with
    `reassoc`, as above."""
    k, a_step, b_step = size(a, 1), stride(a, 1), stride(b, 1)
    for piece in range(start, stop):
        total = element(parts, 0)
        if a_step == 1 and b_step == 1:
            for j in range(piece * PIECE, min((piece + 1) * PIECE, k)):
                total += a.data[j] * b.data[j]
        else:
            for j in range(piece * PIECE, min((piece + 1) * PIECE, k)):
                total += a.data[j * a_step] * b.data[j * b_step]
        parts[piece] = total
