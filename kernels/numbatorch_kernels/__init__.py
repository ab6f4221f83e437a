"""The kernels of numbatorch: arrays and numbers in, arrays out. Nothing here has ever heard of a Tensor.

Read `scalar.py` for what happens to one element, `lift.py` for how that becomes a kernel, `parallel.py` for
how a kernel is shared between threads, and the files named after an operation (`loss.py`, `reduce/`,
`gemm/` ...) for the kernels written by hand.

A module of this package is executed when one of its attributes is first asked for. `import numbatorch` so costs
neither the loading of Numba nor that of the kernels: whoever only needs a kernel when it is called imports its
module, `from numbatorch_kernels import sort`, and says `sort.sort(...)`.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from numbatorch_kernels.lazy import LazyLoader


class _LazyModules(MetaPathFinder):
    """Finds the modules of this package, as the usual finder does; their loading is put off."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(__name__ + "."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


sys.meta_path.insert(0, _LazyModules())
