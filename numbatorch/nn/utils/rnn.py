"""Sequences of different lengths in one tensor: padded, or packed without the padding.

A packed sequence holds, step after step, the elements of those sequences that have the step; the longest sequence
comes first, so that these are always the first ones:

    a a a a                         a b c | a b c | a b | a
    b b b .     padded              data, with batch_sizes 3, 3, 2, 1
    c c . .
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from numbatorch.ops import arange, as_tensor, cat, from_numpy, full, sort, stack
from numbatorch.ops import pad as _pad
from numbatorch.tensor import Tensor


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences without padding. `pack_padded_sequence` and `pack_sequence` make them; recurrent layers take them.

    data                (elements of all sequences, ...)
    batch_sizes         int64, on the CPU: how many sequences have each step
    sorted_indices      where the sequences were before they were sorted by length; None if they were sorted
    unsorted_indices    the inverse of that
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. They "
                "should be instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn. "
                "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(
        self, change: Callable[[Tensor], Tensor], of_indices: Callable[[Tensor], Tensor]
    ) -> PackedSequence:
        data = change(self.data)
        if data is self.data:
            return self
        indices = [None if t is None else of_indices(t) for t in self[2:]]
        return type(self)(data, self.batch_sizes, *indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequences in another dtype, or on another device; the same object if they are there."""
        data = self.data.to(*args, **kwargs)
        return self._with(lambda t: data, lambda t: t.to(data.device))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequences on a CUDA device."""
        return self.to(*args, **({"device": "cuda"} if not args else {}), **kwargs)

    def cpu(self) -> PackedSequence:
        """The sequences in host memory."""
        return self.to("cpu")

    def double(self) -> PackedSequence:
        """The sequences in float64."""
        return self._with(Tensor.double, _itself)

    def float(self) -> PackedSequence:
        """The sequences in float32."""
        return self._with(Tensor.float, _itself)

    def half(self) -> PackedSequence:
        """The sequences in float16."""
        return self._with(Tensor.half, _itself)

    def long(self) -> PackedSequence:
        """The sequences in int64."""
        return self._with(Tensor.long, _itself)

    def int(self) -> PackedSequence:
        """The sequences in int32."""
        return self._with(Tensor.int, _itself)

    def short(self) -> PackedSequence:
        """The sequences in int16."""
        return self._with(Tensor.short, _itself)

    def char(self) -> PackedSequence:
        """The sequences in int8."""
        return self._with(Tensor.char, _itself)

    def byte(self) -> PackedSequence:
        """The sequences in uint8."""
        return self._with(Tensor.byte, _itself)

    def pin_memory(self) -> PackedSequence:
        """The sequences in memory that devices copy from."""
        return self._with(Tensor.pin_memory, Tensor.pin_memory)

    def is_pinned(self) -> bool:
        """Whether the data are in such memory."""
        return self.data.is_pinned()

    @property
    def is_cuda(self) -> bool:
        """Whether the data are on a CUDA device."""
        return self.data.is_cuda


def _itself(tensor: Tensor) -> Tensor:
    return tensor


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes `permutation`; None of None."""
    if permutation is None:
        return None
    inverse = permutation.new_empty(permutation.shape)
    return inverse.scatter_(0, permutation, arange(permutation.numel(), device=permutation.device))


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave out the padding of `input`, (steps, batch, ...), or (batch, steps, ...) with `batch_first`.

    Lengths fall, where `enforce_sorted`; otherwise the sequences are sorted here, and recurrent layers put their results
    back in order. Raises RuntimeError for lengths that do not fit.

    >>> packed = nn.utils.rnn.pack_padded_sequence(torch.tensor([[1, 2, 3], [4, 5, 0]]), [3, 2], batch_first=True)
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))
    """
    lengths = as_tensor(lengths, device="cpu").long()
    sorted_indices = None
    if not enforce_sorted:
        lengths, order = sort(lengths, descending=True)
        sorted_indices = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    data, batch_sizes = _packed(input.transpose(0, 1) if batch_first else input, lengths)
    return PackedSequence(data, batch_sizes, sorted_indices)


def _packed(input: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    if lengths.dim() != 1:
        raise RuntimeError(f"expected `lengths` to end up as a 1-D tensor, but got {lengths.dim()}-D instead")
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    steps, batch = input.shape[:2]
    counts = lengths.numpy()
    if len(counts) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={batch})"
        )
    if counts[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if (np.diff(counts) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not "
            "need ONNX exportability."
        )
    if counts[0] > steps:
        raise RuntimeError(
            f"Expected all lengths to be at most {steps}, the steps of the padded sequences, but got {counts[0]}"
        )
    present = counts[None, :] > np.arange(counts[0])[:, None]  # (steps, batch)
    places = from_numpy(np.flatnonzero(present))
    flat = input[: int(counts[0])].flatten(0, 1)
    return flat.index_select(0, places.to(input.device)), from_numpy(present.sum(1))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The inverse of `pack_padded_sequence`: the padded sequences, and their lengths.

    The result has `total_length` steps, or those of the longest sequence. Raises ValueError where the former are less.
    """
    sizes = sequence.batch_sizes.numpy()
    steps = len(sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    data, batch = sequence.data, int(sizes[0])
    # Of an element, in the data; behind them there is one of padding.
    places = np.full((steps, batch), len(data))
    present = np.arange(batch)[None, :] < sizes[:, None]
    places[: len(sizes)][present] = np.arange(len(data))
    padding = full((1, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    flat = cat([data, padding]).index_select(0, from_numpy(places.ravel()).to(data.device))
    padded, lengths = flat.unflatten(0, (steps, batch)), from_numpy(present.sum(0))
    if batch_first:
        padded = padded.transpose(0, 1)
    if sequence.unsorted_indices is None:
        return padded, lengths
    order = sequence.unsorted_indices
    return padded.index_select(0 if batch_first else 1, order), lengths[order.cpu()]


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (length, ...) side by side, with padding behind them, or before them ("left"): (steps, batch, ...), or
    (batch, steps, ...) with `batch_first`.

    >>> nn.utils.rnn.pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = tuple(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    steps = max(s.size(0) for s in sequences)
    padded = []
    for s in sequences:
        missing = steps - s.size(0)
        around = (0, missing) if padding_side == "right" else (missing, 0)
        padded.append(_pad(s, (0, 0) * (s.dim() - 1) + around, value=padding_value))
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The inverse of `pad_sequence`: the sequences without their padding."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (length, ...), packed. See `pack_padded_sequence`."""
    lengths = as_tensor([s.size(0) for s in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The inverse of `pack_sequence`: the sequences."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
