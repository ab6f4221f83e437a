"""What the threads of a block find out together. (The simulator has shuffles too, in warps of four.)"""

from __future__ import annotations

from numbatorch_kernels.cuda.compat import WARP, cuda, device_function

ALL = 0xFFFFFFFF  # lanes of a warp


@device_function
def sum_of(x, count):
    """The sum of the x of `count` neighbours in a warp, a power of two, the same for each."""
    offset = count // 2
    while offset > 0:
        x += cuda.shfl_xor_sync(ALL, x, offset)
        offset //= 2
    return x


@device_function
def largest_of(x, count):
    """The largest of them, but for those that are NaN."""
    offset = count // 2
    while offset > 0:
        other = cuda.shfl_xor_sync(ALL, x, offset)
        if other > x:
            x = other
        offset //= 2
    return x


@device_function
def warp_sum(x):
    """The sum of the x of a warp, the same for each of its threads."""
    return sum_of(x, WARP)


@device_function
def block_sum(x, partial):
    """The sum of the x of all threads, the same for each. `partial` is shared memory for a number of every warp. All threads
    of the block come here; the order of the sum depends on their number alone."""
    x = warp_sum(x)
    if cuda.threadIdx.x % WARP == 0:
        partial[cuda.threadIdx.x // WARP] = x
    cuda.syncthreads()
    total = partial[0]
    for warp in range(1, cuda.blockDim.x // WARP):
        total += partial[warp]
    cuda.syncthreads()  # nobody writes the next sum's before everybody has read these
    return total


@device_function
def block_largest(x, partial):
    """The largest of the x of all threads, none of them NaN; otherwise as `block_sum`."""
    x = largest_of(x, WARP)
    if cuda.threadIdx.x % WARP == 0:
        partial[cuda.threadIdx.x // WARP] = x
    cuda.syncthreads()
    for warp in range(cuda.blockDim.x // WARP):
        if partial[warp] > x:
            x = partial[warp]
    cuda.syncthreads()
    return x
