"""The kernels of ../runs.py on CUDA: a thread for each block of elements."""

from numbatorch_kernels import runs as cpu
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import launcher
from numbatorch_kernels.keys import WORD, order

count_block = device_function(cpu.count_block)
collect_block = device_function(cpu.collect_block)


def count_grid(counts, words, n, size, form, bits, infinity, blocks):
    for block in range(cuda.grid(1), blocks, cuda.gridsize(1)):
        counts[block] = count_block(words, n, block, size, form, bits, infinity)


def collect_grid(
    found, first, number, words, places, before, n, placed, numbered, ordered, size, form, bits, infinity, blocks
):  # fmt: skip
    for block in range(cuda.grid(1), blocks, cuda.gridsize(1)):
        collect_block(
            found, first, number, words, places, before, n, placed, numbered, ordered, block, size, form, bits,
            infinity,
        )  # fmt: skip


def count(counts, values) -> None:
    word, rule = WORD[values.itemsize], order(values.dtype, False)[:3]
    launch = launcher(count_grid, "i8", word, *[int] * 6)
    launch(counts, values.view(word), values.size, cpu.BLOCK, *rule, counts.size)


def collect(found, first, number, values, places, before) -> None:
    word, rule = WORD[values.itemsize], order(values.dtype, False)[:3]
    launch = launcher(collect_grid, word, "i8", "i8", word, "i8", "i8", *[int] * 9)
    args = cpu.as_words(found, first, number, values, places, before)
    launch(*args, cpu.BLOCK, *rule, before.size)
