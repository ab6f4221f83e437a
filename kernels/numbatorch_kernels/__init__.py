"""The kernels of numbatorch: arrays and numbers in, arrays out. Nothing here has ever heard of a Tensor.

Read `scalar.py` for what happens to one element, `lift.py` for how that becomes a kernel, `parallel.py` for
how a kernel is shared between threads, and the files named after an operation (`reduce.py`, `softmax.py`,
`gemm/` ...) for the kernels written by hand.
"""
