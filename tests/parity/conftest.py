"""PyTorch says most of its warnings once a process; the tests want to see them whenever they are due."""

import pytest
import torch

torch.set_num_threads(1)  # of tensors as small as these, threads would only wait for each other


@pytest.fixture
def every_warning():
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)
