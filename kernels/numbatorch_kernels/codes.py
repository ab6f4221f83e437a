"""Numbers by which an op tells a kernel what to do. They are apart from the kernels, whose modules load Numba."""

# How `scan.scan` and `index.reduce` combine elements.
SUM, PRODUCT, LOGSUMEXP, MAXIMUM, MINIMUM = range(5)

# Which element of a line `select.select` takes.
RANK, MEDIAN, NANMEDIAN = range(3)
