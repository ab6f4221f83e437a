"""The table of samples: a row for each op, read by every test of ops.

A row says how an op is called. From it come the tests of values, dtypes, shapes and errors against PyTorch
(tests/parity), of gradients to second order, and of CUDA against the CPU. To add an op to all of them, add a
row to the file of its family.
"""

from samples.activations import ACTIVATIONS
from samples.attention import ATTENTION
from samples.chosen import CHOSEN
from samples.complexes import COMPLEXES
from samples.conv import CONVOLUTIONS
from samples.linalg import LINALG
from samples.losses import LOSSES
from samples.normalization import NORMALIZATION
from samples.order import ORDER
from samples.pointwise import BINARY, UNARY
from samples.pooling import POOLING
from samples.products import PRODUCTS
from samples.rearranging import REARRANGING
from samples.reductions import REDUCTIONS
from samples.resampling import RESAMPLING
from samples.sample import FLOATS as FLOATS
from samples.sample import Sample as Sample
from samples.sample import results as results
from samples.sample import tensors as tensors
from samples.special import SPECIAL
from samples.spectra import SPECTRA
from samples.views import VIEWS

SAMPLES: list[Sample] = [
    *UNARY,
    *BINARY,
    *SPECIAL,
    *ACTIVATIONS,
    *COMPLEXES,
    *CONVOLUTIONS,
    *VIEWS,
    *REARRANGING,
    *CHOSEN,
    *PRODUCTS,
    *REDUCTIONS,
    *ORDER,
    *LOSSES,
    *NORMALIZATION,
    *POOLING,
    *RESAMPLING,
    *ATTENTION,
    *LINALG,
    *SPECTRA,
]
DIFFERENTIABLE = [s for s in SAMPLES if s.order]
