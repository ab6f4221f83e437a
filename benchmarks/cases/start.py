"""From nothing: imports, first training steps, and what an installation takes on disk."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from benchmarks import processes
from benchmarks.case import Case, Group

FIRST = "CNN, 28 x 28, batch 64, Adam"
ROOT = Path(__file__).parents[2]


def first_step(library: str, empty_cache: bool) -> float:
    """Seconds until a process has done its first step of training; PyTorch has no kernels to compile."""
    code = processes.training(library, FIRST, steps=1)
    return processes.seconds(code, empty_cache=empty_cache and library == "numbatorch")


def warmed_up(library: str) -> float:
    """Seconds for `python -m numbatorch warmup` with an empty cache, and for PyTorch a first step."""
    if library == "torch":
        return first_step(library, empty_cache=False)
    return processes.seconds("from numbatorch.__main__ import main; main(['warmup'])", empty_cache=True)


def installed(library: str) -> float:
    """Bytes of a library and all that it depends on."""
    if library == "torch":
        return _with_dependencies("torch", set())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    folders = ROOT / "numbatorch", ROOT / "kernels"
    own = sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
    seen: set[str] = set()
    return own + sum(_with_dependencies(_name(line), seen) for line in project["dependencies"])


def _name(requirement: str) -> str:
    """The package that a line of requirements is about."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _with_dependencies(name: str, seen: set[str]) -> float:
    if name in seen:
        return 0
    seen.add(name)
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:  # for another platform
        return 0
    paths = [Path(str(file.locate())) for file in package.files or ()]
    own = sum(path.stat().st_size for path in paths if path.is_file())
    needed = [line for line in package.requires or () if "extra ==" not in line]
    return own + sum(_with_dependencies(_name(line), seen) for line in needed)


TIME = [
    Case("import", lambda library: processes.seconds(f"import {library}")),
    Case("import, first step of the CNN", lambda library: first_step(library, False)),
    Case("the same, empty kernel cache", lambda library: first_step(library, True)),
    Case("warmup, empty kernel cache", warmed_up),
]


def figure(library: str, case: Case) -> float:
    return case.program(library)


START = Group("start", "whole processes", TIME, alone=figure)
INSTALLED = Group(
    "installed", "installed, with dependencies", [Case("on disk", installed)], alone=figure, unit="B"
)
