"""Numba's cache of machine code, in our folder and under our rules: see `cache.py`."""

from __future__ import annotations

import os

from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.runtime import rtsys

from numbatorch_kernels.cache import fingerprint, folder


class Locator(_CacheLocator):
    """Tells Numba to keep the machine code of one function in `folder()`, valid as long as `fingerprint()`
    holds."""

    def __init__(self, py_func, py_file):
        self._line = py_func.__code__.co_firstlineno

    def get_cache_path(self):
        return str(folder())

    def get_source_stamp(self):
        return fingerprint()

    def get_disambiguator(self):
        return str(self._line)

    @classmethod
    def from_function(cls, py_func, py_file):
        return cls(py_func, py_file)

    def ensure_cache_path(self):
        os.makedirs(self.get_cache_path(), exist_ok=True)


class _Implementation(CompileResultCacheImpl):
    _locator_classes = [Locator]


class KernelCache(FunctionCache):
    """What Numba calls to load and save the overloads of one function."""

    _impl_class = _Implementation

    def load_overload(self, sig, target_context):
        """Without Numba's first step, which prepares its compiler for what need not be compiled: half the time of
        a first kernel."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
