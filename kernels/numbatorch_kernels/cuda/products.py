"""What programs ask of matrix products on a GPU, see `torch.backends.cuda.matmul`. Importing it loads no CUDA compiler."""

from __future__ import annotations

allow_tf32 = False  # float32 may be rounded to 10 bits behind the point before it is multiplied
allow_fp16_reduced_precision_reduction = True  # parts of a sum may be added up in float16
allow_bf16_reduced_precision_reduction = True
allow_fp16_accumulation = False  # all of it may
prefer_cublas = True  # where it is installed
