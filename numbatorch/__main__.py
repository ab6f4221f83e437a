"""python -m numbatorch script.py arguments      run a program that says `import torch` on numbatorch
python -m numbatorch -m module arguments      the same for a module
python -m numbatorch warmup [programs]        compile the kernels that training uses (-h: which programs)
python -m numbatorch doctor                   what is installed, what it can do, what to install for the rest
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    match arguments:
        case ["warmup", *rest]:
            from numbatorch import warmup

            warmup.main(rest)
        case ["doctor"]:
            from numbatorch import doctor

            doctor.main()
        case ["-m", module, *rest]:
            from numbatorch import script

            script.run("module", module, rest)
        case [path, *rest] if not path.startswith("-"):
            from numbatorch import script

            script.run("path", path, rest)
        case [] | ["-h" | "--help"]:
            print(__doc__, end="")
        case _:
            print(__doc__, end="", file=sys.stderr)
            raise SystemExit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
