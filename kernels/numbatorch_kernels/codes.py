"""Numbers by which an op tells a kernel what to do. They are apart from the kernels, whose modules load Numba."""

# How `scan.scan`, `index.reduce` and `bag.bag` combine elements.
SUM, PRODUCT, LOGSUMEXP, MAXIMUM, MINIMUM, MEAN = range(6)

# Which element of a line `select.select` takes.
RANK, MEDIAN, NANMEDIAN = range(3)
