"""Fourier transforms. The last of the lengths are, on the simulated device, one of a table and one of a convolution."""

from samples.sample import COMPLEX, Sample

_LINES, _PLANE = (((5,),), ((2, 6),), ((2, 20),), ((7,),)), (((3, 4),),)
_WIDE = ("float32", "float64")

SPECTRA = [
    *[Sample(f"fft.{name}", _LINES, dtypes=COMPLEX, tol=8) for name in ("fft", "ifft", "irfft", "hfft")],
    *[Sample(f"fft.{name}", _LINES, dtypes=_WIDE, tol=8) for name in ("fft", "rfft", "ihfft")],
    Sample("fft.fft2", _PLANE, dtypes=COMPLEX, tol=8),
    Sample("fft.rfft2", _PLANE, dtypes=_WIDE, tol=8),
    Sample("fft.fftshift", _LINES, dtypes=_WIDE),
]
