"""Functions, methods and classes take the arguments that PyTorch's do: every name, those by place in the same order, with the same defaults. What PyTorch
has in Python says so itself; of what is built in, the stubs that come with it (torch/_C/*.pyi) list every form."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")

import numbatorch

WRITTEN = """
torch torch.Tensor torch.nn torch.nn.functional torch.nn.init torch.nn.utils torch.nn.utils.rnn torch.nn.utils.parametrize torch.nn.attention
torch.optim torch.optim.lr_scheduler torch.distributions torch.utils.data torch.utils.checkpoint torch.autograd torch.autograd.functional
torch.func torch.linalg torch.fft torch.special torch.random torch.amp
""".split()
BUILT_IN = {
    "torch": ("_VariableFunctions.pyi", None),
    "torch.Tensor": ("__init__.pyi", "TensorBase"),
    "torch.nn.functional": ("_nn.pyi", None),
}
# Arguments that are not taken, by their names alone or after that of the function, and why.
NOT_TAKEN = {
    "out_dtype": "for CUDA alone",
    "names": "named dimensions",
    "cls": "not of objects, but of the class",
    "torch.compile.name": "for the compiler of PyTorch",
    "torch.compile.recompile_limit": "for the compiler of PyTorch",
    "torch.compile.isolate_recompiles": "for the compiler of PyTorch",
    "torch.compile.shapes_spec": "for the compiler of PyTorch",
    "torch.nn.Hardtanh.min_value": "an old name, of which PyTorch warns",
    "torch.nn.Hardtanh.max_value": "an old name, of which PyTorch warns",
    "torch.autograd.backward.grad_variables": "an old name, of which PyTorch warns",
    "torch.TypedStorage": "made by tensors alone",
    "torch.Size.iterable": "PyTorch takes it by place alone",
    "torch.from_dlpack.device": "of the memory, as NumPy has it",
    "torch.from_dlpack.copy": "of the memory, as NumPy has it",
    "orig_func": "by place",
    "torch.Tensor.norm": "dtype by name, as in torch.norm",
    **dict.fromkeys(("torch.Tensor.lstsq", "torch.Tensor.solve"), "PyTorch's raise an error, too"),
    # Of the stubs.
    **dict.fromkeys(("element", "test_element"), "isin of numbers: elements and test_elements here"),
    **dict.fromkeys(("scalar", "scalar1", "scalar2"), "result_type of numbers: tensor1 and tensor2 here"),
    **dict.fromkeys(("input2", "input3"), "the documentation has other names"),
    "torch.result_type": "the names depend on what is a number",
    "torch.Tensor.new": "by place",
    "torch.Tensor.__getitem__": "by place",
    "torch.Tensor.__setitem__": "by place",
    "torch.Tensor.__contains__": "by place",
    "torch.Tensor.__pow__": "by place",
    "torch.Tensor.apply_": "by place",
    "torch.Tensor.record_stream": "by place",
    "torch.set_num_threads": "by place",
    "torch.set_num_interop_threads": "by place",
    "torch.Tensor.cpu.memory_format": "to() takes it",
    "torch.Tensor.cuda.memory_format": "to() takes it",
    "torch.Tensor.requires_grad_": "documented as requires_grad",
    "torch.nn.functional.elu": "scales of selu",
    "torch.argsort.out": "PyTorch refuses it",
    "torch.rrelu_.generator": "rrelu takes it",
    "torch.view_copy.dtype": "view(dtype).clone() does it",
    **{f"torch.{name}_indices.requires_grad": "indices have no gradient" for name in ("tril", "triu")},
    **{
        f"torch.nn.functional.{name}.out": "not documented"
        for name in ("hardsigmoid", "hardtanh", "leaky_relu")
    },
    **{
        f"torch.{name}.input": "documented as A, L, B, b or tensor"
        for name in (
            *("cholesky_inverse", "cholesky_solve", "det", "lu_solve", "matrix_exp", "matrix_power"),
            "unsafe_split",
        )
    },
}


# Defaults that are others here, by the names of the arguments alone or after those of functions, and why.
OTHER_DEFAULT = {
    "torch.compile.backend": "inductor: the one that writes kernels here, too",
    "torch.save.pickle_module": "Python's: None is the one that writes here",
    "torch.utils.data.random_split.generator": "the default generator: None stands for it",
    "torch.random.fork_rng.device_type": "None: cuda is the only accelerator here",
    "memory_format": "the contiguous one: None stands for it",
    "unbiased": "True: None asks whether `correction` was given",
    "dx": "1: None asks whether `x` was given",
    "stride": "the empty one: None stands for the size of the window",
    "reduction": "the stubs say 1, but PyTorch takes 0",
    "torch.asarray.requires_grad": "None: as False",
}


class Form(NamedTuple):
    """The arguments of a call."""

    places: list[str]  # what may be given by place, in order
    names: list[str]  # all but the tensor itself
    defaults: dict[str, str]  # in words; of those that have one
    starred: bool = False  # *args: in what order is not known
    open: bool = False  # **kwargs


def _form(
    places: list[str], more: list[str], defaults: dict[str, str], starred: bool = False, open: bool = False
) -> Form:
    places, more = ([name for name in names if name[0] != "_"] for names in (places, more))
    return Form(places, [n for n in (*places, *more) if n not in ("self", "input")], defaults, starred, open)


def _words(value: Any) -> str:
    """A default in words that are the same for both libraries."""
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_words, value))})"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return getattr(value, "__name__", None) or repr(value).replace("numbatorch.", "torch.")


def written(function: Any) -> Form | None:
    """The form of what is written in Python."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = [p.kind for p in parameters]
    places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    more = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    defaults = {p.name: _words(p.default) for p in parameters if p.default is not p.empty}
    return _form(
        places,
        more,
        defaults,
        inspect.Parameter.VAR_POSITIONAL in kinds,
        inspect.Parameter.VAR_KEYWORD in kinds,
    )


def built_in(file: str, owner: str | None) -> dict[str, list[Form]]:
    """The forms of what is built in, from the stubs."""
    tree = ast.parse((Path(torch.__file__).parent / "_C" / file).read_text(encoding="utf-8"))
    body: Any = (
        tree.body if owner is None else next(n for n in tree.body if getattr(n, "name", "") == owner).body
    )
    found = defaultdict(list)
    for node in body:
        if isinstance(node, ast.FunctionDef):
            a = node.args
            places, more = [x.arg for x in (*a.posonlyargs, *a.args)], [x.arg for x in a.kwonlyargs]
            values = [*[None] * (len(places) - len(a.defaults)), *a.defaults, *a.kw_defaults]
            told = zip([*places, *more], values, strict=True)
            defaults = {n: _said(v) for n, v in told if v is not None and ast.unparse(v) != "..."}
            found[node.name].append(_form(places, more, defaults, a.vararg is not None))
    return found


def _said(default: ast.expr) -> str:
    """A default of a stub: a literal, or a name of PyTorch's."""
    try:
        return _words(ast.literal_eval(default))
    except ValueError:
        return ast.unparse(default)


def _space(library: Any, name: str) -> Any:
    if name == "torch.Tensor":
        return library.Tensor
    return importlib.import_module(name.replace("torch", library.__name__, 1))


def _in_order(form: Form, own: Form) -> bool:
    """Whether what the form has by place stands in the same places here."""
    named = form.places[:1] in (["self"], ["input"])  # which may have another name here
    theirs, ours = form.places[named:], own.places[named:]
    return form.starred or own.starred or theirs == ours[: len(theirs)] or not {*theirs} <= {*ours}


def _other_defaults(name: str, forms: list[Form], own: Form) -> list[str]:
    """Where all forms that know an argument have a default for it, and none has ours."""
    found = []
    for argument, default in own.defaults.items():
        takes = [form for form in forms if argument in form.names]
        theirs = {form.defaults.get(argument, default) for form in takes}
        known = argument in OTHER_DEFAULT or f"{name}.{argument}" in OTHER_DEFAULT
        if takes and default not in theirs and not known:
            found.append(f"{name}: {argument} = {', '.join(sorted(theirs))}")
    return found


def lacking(space: str, name: str, forms: list[Form], function: Any) -> list[str]:
    """What our function does not take of the forms; "order" where they differ in nothing but that, all of them; defaults that
    are others."""
    name, own = f"{space}.{name}", written(function)
    if own is None or not forms or name in NOT_TAKEN:
        return []
    wanted = dict.fromkeys(n for form in forms for n in form.names)
    missing = [
        n for n in wanted if not (own.open or n in own.names or n in NOT_TAKEN or f"{name}.{n}" in NOT_TAKEN)
    ]
    ordered = any(_in_order(form, own) for form in forms)
    return [
        *[f"{name}: {n}" for n in missing],
        *[f"{name}: order"] * (not ordered),
        *_other_defaults(name, forms, own),
    ]


@pytest.mark.parametrize("space", WRITTEN)
def test_arguments_of_what_is_written_in_python(space):
    theirs, ours = _space(torch, space), _space(numbatorch, space)
    found = []
    for name in dir(theirs):
        value = getattr(theirs, name, None)
        if callable(value) and name[0] != "_" and hasattr(ours, name):
            form = written(value)
            found += lacking(space, name, [form] if form else [], getattr(ours, name))
    assert not found


@pytest.mark.parametrize("space", BUILT_IN)
def test_arguments_of_what_is_built_in(space):
    theirs, ours = _space(torch, space), _space(numbatorch, space)
    found = []
    for name, forms in built_in(*BUILT_IN[space]).items():
        own = hasattr(ours, name) and (name[0] != "_" or name[-1] == "_")
        if own and not inspect.isfunction(getattr(theirs, name, None)):
            found += lacking(space, name, forms, getattr(ours, name))
    assert not found
