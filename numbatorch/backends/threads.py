"""Threads that run several operations at once: PyTorch has some for `torch.jit.fork`, numbatorch runs one operation after another."""

from __future__ import annotations

_count = 1


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` has said; 1 before."""
    return _count


def set_num_interop_threads(count: int) -> None:
    """Makes no difference, but for `get_num_interop_threads`. `set_num_threads` says how many threads share an operation."""
    global _count
    if not isinstance(count, int):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(count).__name__}")
    if count <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _count = count


def set_flush_denormal(mode: bool) -> bool:
    """Whether tiny numbers can be taken for zero: no, they never are."""
    return False
