"""Introductions to PyTorch, written by others: their code runs, and prints what they show."""

import doctest
from pathlib import Path

import pytest

DOCUMENTS = sorted((Path(__file__).parent / "documents").glob("*.txt"))


# The workshop does, and calls it.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.stem)
def test_document(path):
    result = doctest.testfile(
        str(path), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8"
    )
    assert result.attempted > 20
    assert result.failed == 0
