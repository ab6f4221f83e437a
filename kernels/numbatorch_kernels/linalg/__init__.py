"""Linear algebra on the CPU. (Its CUDA side is in ../cuda/: linalg.py, indefinite.py, decompositions.py.)

lapack.py           LU, Cholesky and what they solve, as ops call it, on stacks of matrices
halves.py           large matrices, cut down to kernels and matrix products
elimination.py      LU, Cholesky and substitution as kernels
reflections.py      Q R of small matrices
exponential.py      the exponential of many small matrices
indefinite.py       symmetric matrices that are not definite
tridiagonal.py      eigenvalues of small symmetric matrices; rotations.py: and what they share with
bidiagonal.py       singular values of small matrices
decompositions.py   orthogonal factors, singular values, eigenvalues, least squares: for the rest by LAPACK
fortran.py          LAPACK's routines: where they are, how they are called
"""
