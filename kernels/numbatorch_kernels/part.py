"""How Numba compiles a function that only kernels call: to code that is linked into theirs.

Left to itself Numba would make machine code of such a function, too, which nobody calls.
"""

from __future__ import annotations

from numba import types
from numba.core import typed_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.extending import models, register_model


class Part(types.Dispatcher):
    """The type of such a function. It is compiled for an integer, not anew for each number that a call names."""

    def get_call_type(self, context, args, kws):
        plain = {name: types.unliteral(kind) for name, kind in kws.items()}
        return super().get_call_type(context, [types.unliteral(kind) for kind in args], plain)


register_model(Part)(models.OpaqueModel)


class _Nobody:
    """What Numba tells where a function's environment is: there is no machine code that looks for it."""

    @staticmethod
    def set_env(name, environment) -> None:
        pass


class _Part(JITCodeLibrary):
    """A function's code, and that of those it calls, as kernels link it."""

    @property
    def codegen(self):
        return _Nobody

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name):
        self._ensure_finalized()
        return 0


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(typed_passes.NativeLowering):
    _name = "part_lowering"

    def run_pass(self, state):
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().run_pass(state)


class PartCompiler(CompilerBase):
    """Numba's pipeline without machine code."""

    def define_pipelines(self):
        return [pipeline(self.state, _PartLowering)]


def pipeline(state, lowering):
    """Numba's passes but for what is rewritten of whole arrays, which kernels have none of; `lowering` in place of its own."""
    manager = DefaultPassBuilder.define_nopython_pipeline(state, lowering._name)
    manager.passes[:] = [
        (lowering if step is typed_passes.NativeLowering else step, text)
        for step, text in manager.passes
        if step is not typed_passes.NopythonRewrites
    ]
    manager._finalized = False
    manager.finalize()
    return manager
