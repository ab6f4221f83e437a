"""Linear algebra on the host.

lapack.py        the functions that ops call, on stacks of matrices
halves.py        large matrices, cut down to kernels and matrix products
elimination.py   LU, Cholesky and substitution as kernels
indefinite.py    symmetric matrices that are not definite
"""
