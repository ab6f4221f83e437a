"""Linear algebra.

    triangular.py    triangular systems, Cholesky
    lu.py            the LU factorisation, and solutions by it
    indefinite.py    L D Lᴴ of matrices that need not be definite
    removed.py       old names that say what takes their place
    solve.py         inverses, linear systems
    orthogonal.py    QR, Householder's reflections
    spectral.py      singular values, eigenvalues
    determinant.py   det, slogdet, logdet
    pseudo.py        pseudo-inverses, least squares, rank
    norms.py         norms of matrices, the condition number
    functions.py     powers, the exponential, products of many matrices
    lowrank.py       approximations of low rank
    common.py        checks; the ways to kernels

Here are PyTorch's old names, those of `torch` itself; numbatorch/linalg.py has those of `torch.linalg`. Where one
name means two things, the old one is defined as `name_old`.
"""

from numbatorch.ops.linalg.determinant import det as det
from numbatorch.ops.linalg.determinant import logdet as logdet
from numbatorch.ops.linalg.determinant import slogdet_old as slogdet
from numbatorch.ops.linalg.functions import cross_old as cross
from numbatorch.ops.linalg.functions import matrix_exp as matrix_exp
from numbatorch.ops.linalg.functions import matrix_power as matrix_power
from numbatorch.ops.linalg.functions import trace as trace
from numbatorch.ops.linalg.lowrank import pca_lowrank as pca_lowrank
from numbatorch.ops.linalg.lowrank import svd_lowrank as svd_lowrank
from numbatorch.ops.linalg.lu import lu_old as lu
from numbatorch.ops.linalg.lu import lu_solve_old as lu_solve
from numbatorch.ops.linalg.lu import lu_unpack as lu_unpack
from numbatorch.ops.linalg.norms import norm_old as norm
from numbatorch.ops.linalg.orthogonal import geqrf as geqrf
from numbatorch.ops.linalg.orthogonal import orgqr as orgqr
from numbatorch.ops.linalg.orthogonal import ormqr as ormqr
from numbatorch.ops.linalg.orthogonal import qr_old as qr
from numbatorch.ops.linalg.pseudo import pinverse as pinverse
from numbatorch.ops.linalg.solve import inverse as inverse
from numbatorch.ops.linalg.spectral import svd_old as svd
from numbatorch.ops.linalg.triangular import cholesky_inverse as cholesky_inverse
from numbatorch.ops.linalg.triangular import cholesky_old as cholesky
from numbatorch.ops.linalg.triangular import cholesky_solve as cholesky_solve
from numbatorch.ops.linalg.triangular import triangular_solve as triangular_solve
