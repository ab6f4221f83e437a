"""`python -m numbatorch script.py`: programs that say `import torch` run here as they would under python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import numbatorch
from numbatorch.version import TorchVersion

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")]),
    "PYTHONWARNINGS": "error",
}

PROGRAM = """
import sys
import torch, torchvision
import torch.nn as nn, torch.nn.functional as F
import torch.utils.data.dataset
from torch import optim, Tensor
from torch.nn.modules.loss import MSELoss
from torch.nn.modules import Module
from torch.nn.parameter import Parameter
from torch.utils.data import DataLoader, Dataset
from helper import VALUE

class Numbers(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        return torch.tensor(float(i))

class Net(Module):
    pass

if __name__ == "__main__":
    import __main__
    assert __main__.Net is Net and Net.__module__ == "__main__" and issubclass(Net, nn.Module)
    assert torch.nn is nn and torch.nn.functional is F and sys.modules["torch.nn"] is nn
    assert MSELoss is nn.MSELoss and Parameter is nn.Parameter
    print(sys.argv, VALUE, torch.__name__, torch.__version__ >= (2, 0), torch.__version__ > "1.13.1", nn.__spec__.name)
    print([b.tolist() for b in DataLoader(Numbers(), 2, num_workers=1, multiprocessing_context="spawn")])
    for statement in ("torch.absent", "import torch.absent", "from torch import absent", "import torchvision.absent"):
        try:
            exec(statement)
        except (AttributeError, ImportError) as error:
            print(type(error).__name__, "numbatorch" in str(error))
    def fails():
        raise ValueError("mine")
    fails()
"""


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )


def test_a_script(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "helper.py").write_text("VALUE = 3")
    (tmp_path / "sub" / "program.py").write_text(PROGRAM)
    done = python("-m", "numbatorch", "sub/program.py", "a", "--b=c", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[0] == "['sub/program.py', 'a', '--b=c'] 3 numbatorch True True numbatorch.nn", done.stderr
    assert lines[1] == "[[0.0, 1.0], [2.0, 3.0]]"
    assert lines[2:] == [
        "AttributeError True", "ModuleNotFoundError True", "ImportError True", "ModuleNotFoundError True"
    ]  # fmt: skip
    assert done.returncode == 1
    trace = [line for line in done.stderr.splitlines() if not line.startswith("compiled the kernel")]
    number = len(PROGRAM.splitlines())
    assert trace[0] == "Traceback (most recent call last):" and trace[-1] == "ValueError: mine"
    assert [line for line in trace if "File" in line] == [
        f'  File "sub/program.py", line {number}, in <module>',
        f'  File "sub/program.py", line {number - 1}, in fails',
    ]


def test_modules_exits_and_errors(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__main__.py").write_text(
        "import sys, torch\nfrom . import other\nprint(sys.argv[1:], __name__, __package__)\nsys.exit(3)"
    )
    (tmp_path / "pack" / "other.py").write_text("")
    done = python("-m", "numbatorch", "-m", "pack", "x", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("['x'] __main__ pack\n", "", 3)
    done = python("-m", "numbatorch", "-m", "torch.utils.collect_env", cwd=tmp_path)
    assert f"numbatorch {numbatorch.__version__}, on Python" in done.stdout, done.stderr
    for arguments, text in (
        (["nothing.py"], "can't open file"),
        (["-m", "nothing"], "No module named nothing"),
        (["--what"], "run a program that says"),
    ):
        done = python("-m", "numbatorch", *arguments, cwd=tmp_path)
        assert done.returncode in (1, 2) and text in done.stderr


def test_notebooks(tmp_path):
    done = python(
        "-c",
        "import sys, numbatorch.torch as n; n.load_ipython_extension(None); import torch, numbatorch; assert torch is numbatorch;"
        "del sys.modules['torch']; sys.modules['torch'] = type(sys)('torch')\n"
        "try: n.install()\nexcept ImportError as error: print(error)",
        cwd=tmp_path,
    )
    assert "torch is imported already, and cannot become numbatorch now" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("a", "b"), [("1.9.0", "1.10.0"), ("2.0.0+cpu", "2.0.1"), ("1.13.1", (2,)), ("0.1", "0.1.1")]
)
def test_versions_compare_as_versions(a, b):
    assert TorchVersion(a) < b and TorchVersion(a) <= b and not TorchVersion(a) > b and TorchVersion(a) != b
    assert (
        not TorchVersion(a) >= b
        and TorchVersion(a) == a
        and TorchVersion(a) >= a
        and hash(TorchVersion(a)) == hash(a)
    )
    assert TorchVersion("2.1") == (2, 1, 0)


def test_the_version_module():
    assert numbatorch.version.__version__ == numbatorch.__version__ and numbatorch.version.cuda is None
