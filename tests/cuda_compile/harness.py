"""Compile a CUDA kernel for real on a machine without a GPU: to PTX, and on to machine code for the register
and spill counts.

The simulator runs kernels as plain Python, so it accepts what no GPU would: NumPy calls, lists, float64
arithmetic by accident. The compiler does not. This module must run in a process without NUMBA_ENABLE_CUDASIM.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from numbatorch_kernels.cuda.offline import compile_ptx

ARCHITECTURES = ((8, 0), (9, 0))  # A100, H100 and H200
MAX_REGISTERS = 128  # with more, no two blocks of 256 threads fit on a multiprocessor
MAX_COMPLEX = 168  # of complex128, each of which takes four


@dataclass
class Report:
    """What came out of one kernel on one architecture; `faults` is empty if all is well."""

    name: str
    architecture: str
    registers: int | None = None
    spilled: int | None = None
    shared: int = 0  # bytes
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        registers = "?" if self.registers is None else self.registers
        spilled = "?" if self.spilled is None else self.spilled
        verdict = "; ".join(self.faults) or "ok"
        return (
            f"{self.name:<64} {self.architecture} {registers:>4} registers {self.shared:>6} B shared {spilled:>3} spilled  "
            f"{verdict}"
        )


def check(
    function: Callable,
    kinds: tuple,
    name: str,
    *,
    allow_f64: bool = False,
) -> list[Report]:
    """Compile the kernel `function` for arguments of these kinds (see `pointer.argument`) as it is compiled where there
    is a GPU: one PTX, and machine code of it for each architecture.

    A fault is: the compiler refuses it, arithmetic in float64 (unless `allow_f64`), spilled registers, too
    many registers. The last two need nvJitLink and are left out where it is not installed.
    """
    reports = [Report(name, "sm_{}{}".format(*architecture)) for architecture in ARCHITECTURES]
    faults = []
    try:
        ptx = compile_ptx(function, *kinds)
    except Exception as error:  # whatever the compiler raises is the finding
        faults.append(f"does not compile: {_summary(error)}")
    else:
        if not allow_f64 and (doubles := float64_arithmetic(ptx)):
            faults.append(f"{doubles} float64 instructions")
        for report in reports:
            _link(ptx, report, MAX_COMPLEX if "c16" in kinds else MAX_REGISTERS)
    for report in reports:
        report.faults += faults
    return reports


def _summary(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    interesting = [line for line in lines if not line.startswith("Failed in")]
    return f"{type(error).__name__}: {' | '.join(interesting[:4])}"


def float64_arithmetic(ptx: str) -> int:
    """How many instructions compute in float64. Moving eight bytes is no arithmetic, nor is converting: a
    number arrives as float64, and a float32 kernel converts it once."""
    instruction = r"^\s*(?:@!?%p\d+\s+)?(?!mov|ld|st|cvt)[a-z][\w.]*\.f64\b"
    return len(re.findall(instruction, ptx, re.MULTILINE))


def _link(ptx: str, report: Report, most: int) -> None:
    try:
        from cuda.bindings import nvjitlink
    except ImportError:
        return
    options = [f"-arch={report.architecture}", "-verbose"]
    linker = nvjitlink.create(len(options), options)
    try:
        code = ptx.encode() + b"\0"
        nvjitlink.add_data(linker, nvjitlink.InputType.PTX, code, len(code), report.name)
        nvjitlink.complete(linker)
        log = bytearray(nvjitlink.get_info_log_size(linker))
        nvjitlink.get_info_log(linker, log)
    except nvjitlink.nvJitLinkError as error:
        report.faults.append(f"does not link: {_summary(error)}")
        return
    finally:
        nvjitlink.destroy(linker)
    text = log.decode(errors="replace")
    report.registers = max(map(int, re.findall(r"Used (\d+) registers", text)), default=None)
    report.spilled = sum(map(int, re.findall(r"(\d+) bytes spill", text)))
    report.shared = max(map(int, re.findall(r"(\d+) bytes smem", text)), default=0)
    if report.spilled:
        report.faults.append(f"{report.spilled} bytes of registers spilled")
    if report.registers is not None and report.registers > most:
        report.faults.append(f"{report.registers} registers (at most {most})")
