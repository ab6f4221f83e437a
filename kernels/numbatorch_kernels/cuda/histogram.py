"""The kernels of ../histogram.py on CUDA: a thread for each share."""

from numbatorch_kernels import histogram as cpu
from numbatorch_kernels.cuda.array import DeviceArray
from numbatorch_kernels.cuda.compat import cuda, device_function
from numbatorch_kernels.cuda.launch import launcher

tally_share = device_function(cpu.tally_share)
bin_share = device_function(cpu.bin_share)


def tally_grid(totals, numbers, weights, weighted, bins, each, n, shares):
    for share in range(cuda.grid(1), shares, cuda.gridsize(1)):
        tally_share(totals, share, numbers, weights, weighted, bins, each, n)


def bin_grid(totals, samples, weights, weighted, edges, counts, cells, dims, how, bins, each, n, shares):
    for share in range(cuda.grid(1), shares, cuda.gridsize(1)):
        bin_share(totals, share, samples, weights, weighted, edges, counts, cells, dims, how, bins, each, n)


def occurrences(totals, numbers, weights) -> None:
    launch = launcher(tally_grid, *cpu.tally_kinds(totals, numbers, weights), int)
    launch(*cpu.tally_args(totals, numbers, weights), totals.shape[0])


def histogram(totals, samples, weights, edges, counts, how) -> None:
    cells = DeviceArray.from_host((counts - 1).astype(samples.dtype), samples.device)
    counts = DeviceArray.from_host(counts, samples.device)
    launch = launcher(bin_grid, *cpu.bin_kinds(totals, samples, weights), int)
    launch(*cpu.bin_args(totals, samples, weights, edges, counts, cells, how), totals.shape[0])
