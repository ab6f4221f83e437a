"""How much memory of a device is in use, and giving back what is not."""

from __future__ import annotations

from typing import Any

from numbatorch.cuda.devices import driver_for, index_of, is_available
from numbatorch_kernels.cuda import memory as kernels
from numbatorch_kernels.cuda import pinned


def _tallies(device: Any) -> Any:
    """What is counted of a device, by name; nothing where there is none."""
    return kernels.cache(index_of(device)).settle().tallies if is_available() else None


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors on the device take."""
    tallies = _tallies(device)
    return tallies["allocated_bytes"].current if tallies else 0


def max_memory_allocated(device: Any = None) -> int:
    """The largest that `memory_allocated` has been."""
    tallies = _tallies(device)
    return tallies["allocated_bytes"].peak if tallies else 0


def memory_reserved(device: Any = None) -> int:
    """Bytes taken from the driver: by tensors, and kept for the next ones."""
    tallies = _tallies(device)
    return tallies["reserved_bytes"].current if tallies else 0


def max_memory_reserved(device: Any = None) -> int:
    """The largest that `memory_reserved` has been."""
    tallies = _tallies(device)
    return tallies["reserved_bytes"].peak if tallies else 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start the largest values again from what there is now."""
    for tally in (_tallies(device) or {}).values():
        tally.reset_peak()


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Start the sums of `memory_stats`, all that was ever allocated and freed, again."""
    for tally in (_tallies(device) or {}).values():
        tally.reset_total()


reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats
memory_cached, max_memory_cached = memory_reserved, max_memory_reserved


def memory_stats(device: Any = None) -> dict[str, int]:
    """All that is counted, by PyTorch's names, such as "allocated_bytes.all.peak". The cache here neither splits blocks nor
    keeps small and large ones apart, so names that speak of that are missing."""
    tallies = _tallies(device)
    if tallies is None:
        return {}
    cache = kernels.cache(index_of(device))
    stats = {
        f"{name}.all.{part}": count
        for key, tally in tallies.items()
        for name in (key, *_ALSO.get(key, ()))
        for part, count in tally.counters().items()
    }
    segments = tallies["segment"]
    return dict(sorted(stats.items())) | {
        "num_alloc_retries": cache.retries,
        "num_ooms": cache.failures,
        "num_device_alloc": segments.total,
        "num_device_free": segments.total - segments.current,
    }


_ALSO = {"allocated_bytes": ("active_bytes",), "allocation": ("active",)}  # what is allocated is active


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """The same as a dict of dicts."""
    nested: dict[str, Any] = {}
    for name, value in memory_stats(device).items():
        *path, last = name.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return nested


_ROWS = (
    ("allocated_bytes", "Allocated memory"),
    ("requested_bytes", "Requested memory"),
    ("reserved_bytes", "GPU reserved memory"),
    ("allocation", "Allocations"),
    ("segment", "GPU reserved segments"),
)


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """The counters as a table."""
    index, stats, rule = index_of(device), memory_stats(device), "-" * 75
    if not stats:
        return "There is no CUDA device.\n"
    ooms, retries = stats["num_ooms"], stats["num_alloc_retries"]
    lines = [
        "=" * 75,
        f"{'':17}numbatorch CUDA memory summary, device ID {index}",
        rule,
        f"{'':11}CUDA OOMs: {ooms:<18d}cudaMalloc retries: {retries}",
        "=" * 75,
        "        Metric         | Cur Usage  | Peak Usage | Tot Alloc  | Tot Freed",
    ]
    for name, title in _ROWS:
        write = kernels.in_words if name.endswith("bytes") else str
        cells = [write(stats[f"{name}.all.{part}"]) for part in ("current", "peak", "allocated", "freed")]
        lines += [rule, f" {title:<21} | " + " | ".join(f"{cell:>10}" for cell in cells)]
    return "".join(f"|{line:<75}|\n" for line in [*lines, "=" * 75])


def empty_cache() -> None:
    """Give memory that no tensor uses back to the driver."""
    if is_available():
        kernels.empty_cache()
        pinned.empty_cache()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Bytes that are free on the device, whoever uses the rest, and that it has."""
    index = index_of(device)
    return driver_for(index).memory_info(index)


def device_memory_used(device: Any = None) -> int:
    """Bytes of the device that are in use, by whomever."""
    free, total = mem_get_info(device)
    return total - free


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Let this process take at most this part of the device's memory."""
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    index = index_of(device)
    kernels.cache(index).limit = (
        None if fraction == 1 else int(fraction * driver_for(index).memory_info(index)[1])
    )


def get_per_process_memory_fraction(device: Any = None) -> float:
    """The part of the device's memory that this process may take."""
    index = index_of(device)
    limit = kernels.cache(index).limit
    return 1.0 if limit is None else limit / driver_for(index).memory_info(index)[1]


def get_allocator_backend() -> str:
    """The name of PyTorch's allocator that this one is like."""
    return "native"
