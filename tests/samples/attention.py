"""Attention."""

import numpy as np

from samples.sample import FLOATS, Sample

NAME = "nn.functional.scaled_dot_product_attention"
DTYPES = (*FLOATS, "int64", "complex64")
ATTENTION = [
    Sample(NAME, (((2, 2, 3, 4),) * 3, ((3, 4), (5, 4), (5, 2)), ((2, 3, 4), (5, 4), (1, 5, 4))), dtypes=DTYPES, tol=8),
    Sample(NAME, (((2, 3, 4), (2, 5, 4), (2, 5, 3)), ((0, 3, 4), (0, 5, 4), (0, 5, 4))), kwargs={"is_causal": True}, dtypes=FLOATS, tol=8),
    Sample(NAME, (((1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 3)),), kwargs={"attn_mask": np.arange(15).reshape(3, 5) % 4 > 0, "scale": 0.3}, dtypes=FLOATS, tol=8),
    Sample(NAME, (((1, 4, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4)),), kwargs={"enable_gqa": True}, dtypes=FLOATS, tol=8),
]  # fmt: skip
