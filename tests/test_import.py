"""What `import numbatorch` loads, and what it leaves for the first kernel."""

import subprocess
import sys


def test_import_loads_neither_numba_nor_kernels():
    script = (
        "import sys, numbatorch\n"
        "heavy = {'numba', 'llvmlite', 'tqdm', 'safetensors', 'matplotlib', 'scipy', 'PIL', 'asyncio', 'torch'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
        "assert (numbatorch.ones(2) + 1).tolist() == [2, 2] and 'numba' in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "", f"import numbatorch has loaded {run.stdout}"
