"""What an error report should say of a machine: `python -m numbatorch -m torch.utils.collect_env` prints it."""

from __future__ import annotations

from numbatorch import __config__, cuda


def get_pretty_env_info() -> str:
    """Versions, the machine, threads, and its GPUs."""
    gpus = [f"  - {cuda.get_device_name(index)}" for index in range(cuda.device_count())] or ["  - none"]
    return "\n".join([__config__.show() + __config__.parallel_info() + "GPUs:", *gpus])


def main() -> None:
    """Print it."""
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()
