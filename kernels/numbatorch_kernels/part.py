"""How Numba compiles a function that only kernels call: to code that is linked into theirs.

Left to itself Numba would make machine code of such a function, too, which nobody calls. And it would optimise the code
of each, with that of all that it calls, before that of the kernel, where the same is done once more. Loops that were made
vectors of too early can even be slower than those of which it is done when the kernel's numbers are known: max pooling of
3 x 3 took four times as long.
"""

from __future__ import annotations

import gc

from numba import types
from numba.core import typed_passes, untyped_passes
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

    def _optimize_final_module(self):
        pass

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


# Numba's passes for what kernels have none of: closures, `with`, functions inlined by Numba, whole arrays, annotations.
_UNUSED = frozenset(
    [
        untyped_passes.WithLifting,
        untyped_passes.InlineClosureLikes,
        untyped_passes.MakeFunctionToJitFunction,
        untyped_passes.InlineInlinables,
        untyped_passes.FindLiterallyCalls,
        untyped_passes.LiteralUnroll,
        untyped_passes.LiteralPropagationSubPipelinePass,
        typed_passes.InlineOverloads,
        typed_passes.NopythonRewrites,
        typed_passes.AnnotateTypes,
    ]
)


class Compiler(CompilerBase):
    """Numba's compiler with fewer passes, and with `lowering` in place of its own."""

    lowering: type[typed_passes.NativeLowering] = typed_passes.NativeLowering

    def define_pipelines(self):
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state, self.lowering._name)
        manager.passes[:] = [
            (self.lowering if step is typed_passes.NativeLowering else step, text)
            for step, text in manager.passes
            if step not in _UNUSED
        ]
        manager._finalized = False
        manager.finalize()
        return [manager]

    def compile_extra(self, func):
        """What Numba makes lives until it is done: the collector of garbage would look at all of it again and again, a
        tenth of the time."""
        collects = gc.isenabled()
        gc.disable()
        try:
            return super().compile_extra(func)
        finally:
            if collects:
                gc.enable()


class PartCompiler(Compiler):
    """Without machine code."""

    lowering = _PartLowering
