"""What a model is made of, as a table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from numbatorch.autograd import no_grad
from numbatorch.nn.module import Module
from numbatorch.ops import zeros
from numbatorch.tensor import Tensor


@dataclass
class Row:
    """One module, in the order of the calls.

    path, kind      its dotted name, and its class
    shape           of what it gives (of the first call)
    parameters      how many numbers it has by itself, without the modules inside
    bytes           what its results take, in all calls; 0 where modules inside have made them
    seconds         of all calls, with the modules inside
    """

    path: str
    kind: str
    depth: int
    parameters: int
    shape: str = ""
    bytes: int = 0
    seconds: float = 0.0


@dataclass
class Summary:
    """What `summary` gives: printed, a table; in a notebook, one of HTML."""

    rows: list[Row]
    total_parameters: int
    trainable_parameters: int
    parameter_bytes: int
    buffer_bytes: int
    output_bytes: int
    seconds: float | None
    titles: tuple[str, ...] = field(default=("Module", "Output", "Parameters", "Memory", "Time"), repr=False)

    def _cells(self) -> Iterator[tuple[str, ...]]:
        for row in self.rows:
            name = row.path.rpartition(".")[2] or "model"
            yield (
                f"{'  ' * row.depth}{name}: {row.kind}",
                row.shape,
                f"{row.parameters:,}" if row.parameters else "",
                _size(row.bytes) if row.bytes else "",
                f"{row.seconds * 1e3:.2f} ms" if self.seconds is not None and row.shape else "",
            )

    def _totals(self) -> list[str]:
        frozen = self.total_parameters - self.trainable_parameters
        lines = [
            f"Parameters: {self.total_parameters:,}" + (f", of which {frozen:,} frozen" if frozen else ""),
            f"Memory: parameters {_size(self.parameter_bytes)}"
            + (f", buffers {_size(self.buffer_bytes)}" if self.buffer_bytes else "")
            + (f", outputs {_size(self.output_bytes)}" if self.seconds is not None else ""),
        ]
        return lines + ([f"Time: {self.seconds * 1e3:.2f} ms forward"] if self.seconds is not None else [])

    def __str__(self) -> str:
        table = [self.titles, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*table)]
        used = [k for k, column in enumerate(zip(*table[1:])) if k == 0 or any(column)]
        rule = "-" * (sum(widths[k] for k in used) + 2 * (len(used) - 1))
        lines = [
            "  ".join(
                cells[k].ljust(widths[k]) if k < 2 else cells[k].rjust(widths[k]) for k in used
            ).rstrip()
            for cells in table
        ]
        return "\n".join([lines[0], rule, *lines[1:], rule, *self._totals()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(title)}</th>" for title in self.titles)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(c).replace('  ', '&emsp;')}</td>" for c in cells) + "</tr>"
            for cells in self._cells()
        )
        totals = "<br>".join(map(escape, self._totals()))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{totals}</p>"


def summary(model: Module, input: Any = None) -> Summary:
    """The modules of a model with the shapes of their outputs, their parameters, memory and time.

    `input` is what the model is called with: a tensor, a tuple of arguments, a dict of named ones, or a shape
    (of which zeros are made). The model runs twice, without gradients and in evaluation mode: once to compile
    what is new, once to measure. Without an input there are parameters only.

    >>> print(nn.summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))))
    Module             Parameters
    -----------------------------
    model: Sequential
      0: Linear                40
      1: ReLU
      2: Linear                18
    -----------------------------
    Parameters: 58
    Memory: parameters 232 B
    """
    rows = {
        module: Row(
            path,
            type(module).__name__,
            path.count(".") + 1 if path else 0,
            sum(p.numel() for p in module._parameters.values() if p is not None),
        )
        for path, module in model.named_modules()
    }
    seconds = None
    if input is not None:
        args, kwargs = _arguments(model, input)
        seconds = _measure(model, rows, args, kwargs)
    parameters, buffers = list(model.parameters()), list(model.buffers())
    return Summary(
        list(rows.values()),
        sum(p.numel() for p in parameters),
        sum(p.numel() for p in parameters if p.requires_grad),
        sum(p.nbytes for p in parameters),
        sum(b.nbytes for b in buffers),
        sum(row.bytes for row in rows.values()),
        seconds,
    )


def _arguments(model: Module, input: Any) -> tuple[tuple, dict]:
    if isinstance(input, Tensor):
        return (input,), {}
    if isinstance(input, Mapping):
        return (), dict(input)
    if all(isinstance(n, int) for n in input):
        like = next(iter(model.parameters()), None)
        made = zeros(tuple(input))
        return (made if like is None else made.to(like),), {}
    return tuple(input), {}


def _measure(model: Module, rows: dict[Module, Row], args: tuple, kwargs: dict) -> float:
    """Fill in shapes, memory and time; the time of the whole."""
    modes = [(module, module.training) for module in rows]
    began: list[float] = []
    handles = []

    def before(module: Module, args: tuple) -> None:
        began.append(time.perf_counter())

    def after(module: Module, args: tuple, result: Any) -> None:
        row = rows[module]
        row.seconds += time.perf_counter() - began.pop()
        row.shape = row.shape or _shape(result)
        if not module._modules:
            row.bytes += sum(t.nbytes for t in _tensors(result))

    try:
        model.eval()
        with no_grad():
            model(*args, **kwargs)
            for module in rows:
                handles.append(module.register_forward_pre_hook(before))
                handles.append(module.register_forward_hook(after))
            start = time.perf_counter()
            model(*args, **kwargs)
            return time.perf_counter() - start
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training


def _tensors(result: Any) -> Iterator[Tensor]:
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, (tuple, list)):
        for item in result:
            yield from _tensors(item)
    elif isinstance(result, Mapping):
        yield from _tensors(list(result.values()))


def _shape(result: Any) -> str:
    return ", ".join(str(tuple(t.shape)) for t in _tensors(result)) or type(result).__name__


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("no unit is large enough")
