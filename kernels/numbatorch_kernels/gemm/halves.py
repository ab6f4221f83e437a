"""From float32 back to float16 or bfloat16: the last step of a product that was computed in float32."""

from __future__ import annotations

from numbatorch_kernels.gemm.matrix import element, nth, size, stride
from numbatorch_kernels.half import from_bfloat16, from_float16, to_bfloat16, to_float16
from numbatorch_kernels.pointer import offset


def narrow(out, product, bias, beta, floor, bfloat, start, stop):
    """out = max(product + beta * bias, floor), rows start:stop of the batch; `bfloat` is 1 for bfloat16.

    `product` is contiguous. Where beta is 0 bias is not read.
    """
    beta, zero = element(product.data, beta), element(product.data, 0)
    floor = element(product.data, floor)
    for index in range(start, stop):
        batch, i = index // size(out, 2), index % size(out, 2)
        to = offset(nth(out, batch, out), i * stride(out, 2))
        old = offset(nth(bias, batch, out), i * stride(bias, 2))
        sums = offset(product.data, index * size(out, 1))
        for j in range(size(out, 1)):
            value = sums[j]
            if beta != zero:
                value += beta * (from_bfloat16(old[j]) if bfloat else from_float16(old[j]))
            if value <= floor:
                value = floor
            to[j] = to_bfloat16(value) if bfloat else to_float16(value)
