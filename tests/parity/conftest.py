"""PyTorch says most of its warnings once a process; the tests want to see them whenever they are due."""

import pytest
import torch


@pytest.fixture
def every_warning():
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)
