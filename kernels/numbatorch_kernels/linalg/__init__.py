"""Linear algebra on the host: NumPy's LAPACK, and what it lacks.

lapack.py        the functions that ops call, on stacks of matrices
elimination.py   LU, Cholesky and substitution as kernels
"""
