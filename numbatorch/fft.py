"""`torch.fft`: Fourier transforms. Computed by NumPy's FFT, on `cuda` by kernels of our own.
float32, float64, complex64 and complex128; differentiable to any order, by PyTorch's convention for complex
numbers.
"""

from numbatorch.ops.fourier import fft as fft
from numbatorch.ops.fourier import fft2 as fft2
from numbatorch.ops.fourier import fftfreq as fftfreq
from numbatorch.ops.fourier import fftn as fftn
from numbatorch.ops.fourier import fftshift as fftshift
from numbatorch.ops.fourier import hfft as hfft
from numbatorch.ops.fourier import hfft2 as hfft2
from numbatorch.ops.fourier import hfftn as hfftn
from numbatorch.ops.fourier import ifft as ifft
from numbatorch.ops.fourier import ifft2 as ifft2
from numbatorch.ops.fourier import ifftn as ifftn
from numbatorch.ops.fourier import ifftshift as ifftshift
from numbatorch.ops.fourier import ihfft as ihfft
from numbatorch.ops.fourier import ihfft2 as ihfft2
from numbatorch.ops.fourier import ihfftn as ihfftn
from numbatorch.ops.fourier import irfft as irfft
from numbatorch.ops.fourier import irfft2 as irfft2
from numbatorch.ops.fourier import irfftn as irfftn
from numbatorch.ops.fourier import rfft as rfft
from numbatorch.ops.fourier import rfft2 as rfft2
from numbatorch.ops.fourier import rfftfreq as rfftfreq
from numbatorch.ops.fourier import rfftn as rfftn
