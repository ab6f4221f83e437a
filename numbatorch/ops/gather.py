"""Selecting and writing elements by index tensors and masks."""

from __future__ import annotations


def select(input, parts):
    raise IndexError("advanced indexing")


def assign(input, parts, value):
    raise IndexError("advanced indexing")
