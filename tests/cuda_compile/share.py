"""What one of several processes compiles."""

from __future__ import annotations

import handwritten
import pointwise
from harness import Report, check


def reports(number: int, workers: int, launched: set[tuple], wanted: list[str]) -> list[Report]:
    """The reports of every `workers`-th kernel whose name contains any of `wanted` (if it is not empty)."""
    tasks = [*handwritten.tasks(launched), *pointwise.tasks(launched)]
    if wanted:
        tasks = [task for task in tasks if any(part in task.name for part in wanted)]
    return [
        report
        for task in tasks[number::workers]
        for report in check(task.function, task.kinds, task.name, allow_f64=task.allow_f64)
    ]
