"""What `import numbatorch` loads, and what it leaves for the first kernel."""

import os
import subprocess
import sys

WITHOUT_SIMULATOR = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}


def printed(script: str, environment: dict[str, str] | None = None) -> str:
    """What a program prints in a process of its own, which must end well."""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_import_loads_neither_numba_nor_kernels():
    script = (
        "import sys, numbatorch\n"
        "heavy = {'numba', 'llvmlite', 'tqdm', 'safetensors', 'matplotlib', 'scipy', 'PIL', 'asyncio', 'torch'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
        "assert (numbatorch.ones(2) + 1).tolist() == [2, 2] and 'numba' in sys.modules\n"
    )
    assert (loaded := printed(script)) == "", f"import numbatorch has loaded {loaded}"


def test_a_module_of_a_package_that_has_not_run_is_loaded_once():
    script = (
        "import sys\n"
        "import numbatorch_kernels.gemm.matrix as direct\n"
        "from numbatorch_kernels.gemm import blocked\n"
        "assert direct is sys.modules['numbatorch_kernels.gemm.matrix'] and blocked.matrices is direct.matrices\n"
        "import numbatorch\n"
        "assert (numbatorch.ones(2, 3) @ numbatorch.ones(3, 2)).tolist() == [[3, 3], [3, 3]]\n"
    )
    printed(script)


def test_who_looks_through_all_modules_loads_none():
    script = (
        "import inspect, sys, numbatorch\n"
        "inspect.getmodule(print)\n"
        "assert 'numba' not in sys.modules\n"
        "sys.modules['numba.cuda'] = None  # as where no compiler is installed\n"
        "print(numbatorch.cuda.is_available(), numbatorch.cuda.device_count())\n"
        "inspect.getmodule(print)\n"
    )
    assert printed(script, WITHOUT_SIMULATOR).split() == ["False", "0"]


def test_a_program_on_the_cpu_needs_no_cuda_software():
    script = (
        "import sys, numbatorch as torch\n"
        "sys.modules['cuda'] = sys.modules['numba.cuda'] = None  # as where none is installed\n"
        "model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 3))\n"
        "loss = torch.nn.functional.cross_entropy(model(torch.rand(2, 1, 4, 4)), torch.tensor([0, 2]))\n"
        "loss.backward()\n"
        "torch.optim.SGD(model.parameters(), lr=0.1).step()\n"
        "x = torch.randn(3, 3).sort()[0].cumsum(0)\n"
        "print(torch.linalg.inv(x @ x.T + torch.eye(3)).shape, x[x > 0].unique().dim())\n"
    )
    assert printed(script, WITHOUT_SIMULATOR).split()[-1:] == ["1"]


def test_a_package_is_executed_before_its_modules():
    script = (
        "import numbatorch.nn.functional as F, numbatorch\n"
        "x = numbatorch.ones(1, 1, 2, 4)\n"
        "assert (F.scaled_dot_product_attention(x, x, x) == x).all()  # its modules come from another package\n"
    )
    printed(script)


def test_a_module_of_a_lazy_package_is_imported_first():
    script = (
        "from numbatorch.distributions.multivariate_normal import MultivariateNormal\n"
        "from numbatorch.optim.lr_scheduler import StepLR\n"
        "import numbatorch as torch\n"
        "assert torch.distributions.MultivariateNormal is MultivariateNormal and torch.optim.lr_scheduler.StepLR is StepLR\n"
    )
    printed(script)
