"""Flags of CUDA that programs set: who multiplies matrices on a GPU, and how exactly. Attention is computed by one way,
whatever they say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numbatorch.backends import precision
from numbatorch_kernels.cuda import products

_FLAGS = (
    "allow_fp16_reduced_precision_reduction", "allow_bf16_reduced_precision_reduction", "allow_fp16_accumulation"
)  # fmt: skip
_LIBRARIES = {"default": True, "cublas": True, "cublaslt": True, "numbatorch": False}  # is it cuBLAS?


class cuBLASModule:
    """`torch.backends.cuda.matmul`. It is cuBLAS that heeds these, where the extra `cublas` is installed: numbatorch's own
    kernels multiply float32 as float32, and add up halves in float32.

    allow_tf32                                  float32 may be rounded to TF32 before it is multiplied; the same as
                                                `torch.set_float32_matmul_precision("high")`
    allow_fp16_reduced_precision_reduction      parts of a sum may be added up in float16; _bf16_ in bfloat16
    allow_fp16_accumulation                     all of it
    """

    def __getattr__(self, name: str) -> bool:
        if name == "allow_tf32":
            return products.allow_tf32
        if name in _FLAGS:
            return getattr(products, name)
        raise AttributeError(f"Unknown attribute {name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "allow_tf32":
            if not isinstance(value, bool):
                raise RuntimeError(f"set_allow_tf32_cublas expects a bool, but got {type(value).__name__}")
            precision.set_float32_matmul_precision("high" if value else "highest")
        elif name in _FLAGS:
            setattr(products, name, bool(value))
        else:
            raise AttributeError(f"Unknown attribute {name}")


matmul = cuBLASModule()


def preferred_blas_library(backend: str | None = None) -> str:
    """Who multiplies matrices: "cublas" (also called "default"), where it is installed, or "numbatorch", its own kernels.
    Without an argument nothing is changed. RuntimeError for other names.

    >>> torch.backends.cuda.preferred_blas_library()
    'cublas'
    """
    if backend is not None:
        if backend not in _LIBRARIES:
            raise RuntimeError(f"Unknown input value. Choose from: {', '.join(_LIBRARIES)}.")
        products.prefer_cublas = _LIBRARIES[backend]
    return "cublas" if products.prefer_cublas else "numbatorch"


_attention = {"flash": True, "math": True, "mem_efficient": True, "cudnn": True}


def is_built() -> bool:
    """Whether CUDA was built in: kernels are compiled when they are needed, see `torch.cuda.is_available`."""
    return False


def flash_sdp_enabled() -> bool:
    """What `enable_flash_sdp` has said."""
    return _attention["flash"]


def mem_efficient_sdp_enabled() -> bool:
    """What `enable_mem_efficient_sdp` has said."""
    return _attention["mem_efficient"]


def math_sdp_enabled() -> bool:
    """What `enable_math_sdp` has said."""
    return _attention["math"]


def enable_flash_sdp(enabled: bool) -> None:
    """Is remembered."""
    _attention["flash"] = enabled


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Is remembered."""
    _attention["mem_efficient"] = enabled


def enable_math_sdp(enabled: bool) -> None:
    """Is remembered."""
    _attention["math"] = enabled


@contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """Within the block, these are remembered."""
    before = dict(_attention)
    _attention.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn
    )
    try:
        yield
    finally:
        _attention.update(before)
