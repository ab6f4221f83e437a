"""A bar that shows how far a loop is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class progress(Iterable[T]):
    """Goes through `loader` (or anything else) and shows a bar: how many batches of how many, how fast, how
    long still. `show` puts numbers behind it.

        for batch, target in (bar := torch.utils.progress(loader, "epoch 1")):
            ...
            bar.show(loss=loss.item())

    Other arguments are those of tqdm, which draws it.
    """

    def __init__(self, loader: Iterable[T], desc: str | None = None, **options: Any) -> None:
        from tqdm.auto import tqdm

        self.bar = tqdm(loader, desc=desc, **options)

    def __iter__(self) -> Iterator[T]:
        return iter(self.bar)

    def __len__(self) -> int:
        return len(self.bar)

    def show(self, **values: Any) -> None:
        """Write numbers behind the bar."""
        self.bar.set_postfix(
            {name: f"{v:.4g}" if isinstance(v, float) else str(v) for name, v in values.items()}
        )
