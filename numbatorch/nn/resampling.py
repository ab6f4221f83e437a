"""The functions that resize, of which `nn.functional` is the public name."""

from __future__ import annotations

import warnings
from typing import Any

from numbatorch.nn.pools import several
from numbatorch.ops import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, upsample_to
from numbatorch.tensor import Tensor

_DIRECTIONS = {"linear": 1, "bilinear": 2, "bicubic": 2, "lanczos": 2, "trilinear": 3}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Lines (N, C, L), pictures (N, C, H, W) or volumes (N, C, D, H, W) in another size.

    size, scale_factor      one of them: the new size, or how many times the old one; a number for all directions
    mode                    "nearest", which keeps the rounding of other libraries' old versions, or "nearest-exact";
                            "linear" for lines, "bilinear", "bicubic" or "lanczos" for pictures, "trilinear" for volumes;
                            "area": means of windows that share the input out
    align_corners           the outermost elements stay where they are; else the outer borders do
    recompute_scale_factor  places are computed from the new size, not from the factor
    antialias               pictures that become smaller are smoothed, as Pillow does

    Raises ValueError, NotImplementedError and RuntimeError for what does not fit together.

    >>> F.interpolate(torch.tensor([[[1.0, 3.0]]]), scale_factor=2, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
                "trilinear"
            )
    elif align_corners is None:
        align_corners = False
    n = input.dim() - 2
    sizes, factors = _asked(input, n, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if factors is not None and (recompute_scale_factor or mode == "area"):
        sizes, factors = [int(input.size(d + 2) * factors[d]) for d in range(n)], None
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.dim() == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "area" and n in (1, 2, 3):
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[n - 1](input, sizes)
    if n in (1, 2, 3) and (mode in ("nearest", "nearest-exact") or _DIRECTIONS.get(mode) == n):
        if mode == "lanczos" and align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if mode == "lanczos" and not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
        return upsample_to(input, mode + "-aa" * antialias, sizes, factors, bool(align_corners))
    if n in (1, 2, 3) and mode in ("linear", "bilinear", "trilinear"):
        raise NotImplementedError(f"Got {n + 2}D input, but {mode} mode needs {_DIRECTIONS[mode] + 2}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) for the modes: nearest | linear | "
        f"bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
    )


def _asked(input: Tensor, n: int, size: Any, scale_factor: Any) -> tuple[Any, Any]:
    """What `size` and `scale_factor` ask for, for each direction; one of the two is None."""
    own = list(input.shape[2:])
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if isinstance(size, list | tuple):
            if len(size) != n:
                raise ValueError(
                    "Input and output must have the same number of spatial dimensions, but got input with spatial "
                    f"dimensions of {own} and output size of {size}. Please provide input tensor in (N, C, d1, d2, "
                    "...,dK) format and output size in (o1, o2, ...,oK) format."
                )
            if not all(hasattr(d, "__index__") for d in size):
                raise TypeError(
                    "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got "
                    f"size with types {[type(d) for d in size]}"
                )
        return [int(d) for d in several(n, size)], None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if isinstance(scale_factor, list | tuple) and len(scale_factor) != n:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {own} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, d1, "
            "d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    return None, several(n, scale_factor)


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3
    )


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The old name of `interpolate`."""
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` in mode "nearest"."""
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` in mode "bilinear" that keeps the outermost elements."""
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
