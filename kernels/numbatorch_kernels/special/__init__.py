"""Functions that take branches and loops: plain Python functions of one element, in float64 or int64.

    @callee
    def digamma(x): ...

A kernel calls them for every element, on CUDA too: the same text is compiled for both. In float32, float16
and bfloat16 they are computed in float64 and rounded once. `scalars` has them with their derivatives.
"""
