"""The kernels of ../search.py on CUDA: a thread for each value, and for each pair of runs of rows."""

from numbatorch_kernels import search as cpu
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.division import split
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.keys import WORD, order
from numbatorch_kernels.progression import progression

bound = device_function(cpu.bound)
merge = device_function(cpu.merge)


def search_grid(out, rows, values, length, each, right, n):
    for k in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, _ = split(k, each)
        out[k] = bound(rows, row * length, length, values[k], right)


def merge_grid(out, source, words, n, length, width, form, bits, infinity, pairs):
    for pair in range(cuda.grid(1), pairs, cuda.gridsize(1)):
        merge(out, source, words, n, length, width, pair, form, bits, infinity)


def search(out, rows, values, right) -> None:
    each = values.size if len(rows.shape) == 1 else values.shape[-1]
    launch = launcher(search_grid, "i8", rows.dtype, values.dtype, int, int, int, int)
    launch(out, rows, values, rows.shape[-1], each, int(right), values.size)


def arrange(out, rows) -> None:
    (n, length), rule, word = rows.shape, order(rows.dtype, False)[:3], WORD[rows.itemsize]
    launch = launcher(merge_grid, "i8", "i8", word, *[int] * 7)
    source, spare = out, DeviceArray.empty(out.shape, out.dtype, out.device)
    width, levels = 1, max(n - 1, 0).bit_length()
    if levels % 2:
        source, spare = spare, source  # so that the last level writes to `out`
    progression("cuda", source, 0, 1)
    while width < n:
        launch(spare, source, rows.view(word), n, length, width, *rule, -(-n // (2 * width)))
        source, spare, width = spare, source, 2 * width
