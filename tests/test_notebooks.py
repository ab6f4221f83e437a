"""The notebooks run from top to bottom, each in a fresh kernel, as a reader would run them."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a notebook in a fresh kernel."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))  # no settings of the user's own
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)  # a notebook sees to that by itself
    resources = {"metadata": {"path": str(tmp_path)}}
    return lambda notebook: nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=resources
    ).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, run):
    run(nbformat.read(path, as_version=4))


def test_a_notebook_that_says_import_torch(run):
    cells = [
        "%load_ext numbatorch.torch",
        "import torch\nfrom torch import nn\nfrom torchvision import transforms",
        "layer = nn.Linear(2, 1)\nlayer(torch.ones(3, 2)).sum().backward()\nprint(torch.__name__, layer.weight.grad)",
    ]
    notebook = run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells]))
    (printed,) = notebook.cells[-1].outputs
    assert printed.text == "numbatorch tensor([[3., 3.]])\n"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
