"""How the loader makes batches; PyTorch's programs know it under this name."""

from numbatorch.utils.data._utils import collate as collate
