"""`torch.linalg`: linear algebra of stacks of matrices, (..., m, n).

On the CPU, LU and Cholesky factors, what they solve, and most decompositions of small matrices are computed by kernels of our own,
the others by LAPACK, as NumPy has it. On `cuda` all are kernels of our own.
float32, float64, complex64 and complex128; all are differentiable to any order, where a derivative exists.
"""

from numbatorch.ops.linalg.common import LinAlgError as LinAlgError
from numbatorch.ops.linalg.determinant import det as det
from numbatorch.ops.linalg.determinant import slogdet as slogdet
from numbatorch.ops.linalg.functions import cross as cross
from numbatorch.ops.linalg.functions import diagonal as diagonal
from numbatorch.ops.linalg.functions import matrix_exp as matrix_exp
from numbatorch.ops.linalg.functions import matrix_power as matrix_power
from numbatorch.ops.linalg.functions import multi_dot as multi_dot
from numbatorch.ops.linalg.functions import vander as vander
from numbatorch.ops.linalg.functions import vecdot as vecdot
from numbatorch.ops.linalg.indefinite import ldl_factor as ldl_factor
from numbatorch.ops.linalg.indefinite import ldl_factor_ex as ldl_factor_ex
from numbatorch.ops.linalg.indefinite import ldl_solve as ldl_solve
from numbatorch.ops.linalg.lu import lu as lu
from numbatorch.ops.linalg.lu import lu_factor as lu_factor
from numbatorch.ops.linalg.lu import lu_factor_ex as lu_factor_ex
from numbatorch.ops.linalg.lu import lu_solve as lu_solve
from numbatorch.ops.linalg.norms import cond as cond
from numbatorch.ops.linalg.norms import matrix_norm as matrix_norm
from numbatorch.ops.linalg.norms import norm as norm
from numbatorch.ops.linalg.orthogonal import householder_product as householder_product
from numbatorch.ops.linalg.orthogonal import qr as qr
from numbatorch.ops.linalg.pseudo import lstsq as lstsq
from numbatorch.ops.linalg.pseudo import matrix_rank as matrix_rank
from numbatorch.ops.linalg.pseudo import pinv as pinv
from numbatorch.ops.linalg.solve import inv as inv
from numbatorch.ops.linalg.solve import inv_ex as inv_ex
from numbatorch.ops.linalg.solve import solve as solve
from numbatorch.ops.linalg.solve import solve_ex as solve_ex
from numbatorch.ops.linalg.solve import tensorinv as tensorinv
from numbatorch.ops.linalg.solve import tensorsolve as tensorsolve
from numbatorch.ops.linalg.spectral import eig as eig
from numbatorch.ops.linalg.spectral import eigh as eigh
from numbatorch.ops.linalg.spectral import eigvals as eigvals
from numbatorch.ops.linalg.spectral import eigvalsh as eigvalsh
from numbatorch.ops.linalg.spectral import svd as svd
from numbatorch.ops.linalg.spectral import svdvals as svdvals
from numbatorch.ops.linalg.triangular import cholesky as cholesky
from numbatorch.ops.linalg.triangular import cholesky_ex as cholesky_ex
from numbatorch.ops.linalg.triangular import solve_triangular as solve_triangular
from numbatorch.ops.matmul import matmul as matmul
from numbatorch.ops.reduce import vector_norm as vector_norm
