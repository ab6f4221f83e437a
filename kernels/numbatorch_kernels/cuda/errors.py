"""What the device raises, for modules that must not load it."""


class AcceleratorError(RuntimeError):
    """The device has failed, or a kernel on it has found something wrong."""


class OutOfMemoryError(RuntimeError):
    """The device has no more memory to give."""


WITHOUT_GPU = (
    "Without a GPU, set NUMBA_ENABLE_CUDASIM=1 in the environment before Python starts:"
    " CUDA kernels then run in a simulator"
)
CAPTURING = (
    "CUDA error: operation not permitted when stream is capturing. A graph holds what the device does: a program that "
    "waits for the device, or brings data from the host, belongs before the capture or after it"
)
