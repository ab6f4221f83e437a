"""Compile a CUDA kernel for real on a machine without a GPU: to PTX, and on to machine code for the register
and spill counts.

The simulator runs kernels as plain Python, so it accepts what no GPU would: NumPy calls, lists, float64
arithmetic by accident. The compiler does not. This module must run in a process without NUMBA_ENABLE_CUDASIM.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace

ARCHITECTURES = ((8, 0), (9, 0))  # A100, H100 and H200
MAX_REGISTERS = 128  # more than that and a block of 512 threads no longer fits on a multiprocessor


@dataclass
class Report:
    """What came out of one kernel on one architecture; `faults` is empty if all is well."""

    name: str
    architecture: str
    registers: int | None = None
    spilled: int | None = None
    doubles: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        registers = "?" if self.registers is None else self.registers
        spilled = "?" if self.spilled is None else self.spilled
        verdict = "; ".join(self.faults) or "ok"
        return f"{self.name:<56} {self.architecture}  {registers:>4} regs {spilled:>4} spilled  {verdict}"


def pretend_device(architecture: tuple[int, int]) -> None:
    """Let Numba believe in a GPU of this architecture.

    A kernel that calls device functions asks the driver for the current device while it compiles; there is no
    driver.
    """
    from numba.cuda import api, dispatcher

    stand_in = SimpleNamespace(compute_capability=architecture, id=0)
    for module in (dispatcher, api):
        module.get_current_device = lambda: stand_in


def check(
    function: Callable,
    signature,
    name: str,
    *,
    allow_f64: bool = False,
    architectures: Iterable[tuple[int, int]] = ARCHITECTURES,
    max_registers: int = MAX_REGISTERS,
) -> list[Report]:
    """Compile the kernel `function` for `signature` (a Numba signature or tuple of types) on every
    architecture.

    A fault is: the compiler refuses it, arithmetic in float64 (unless `allow_f64`), spilled registers, too
    many registers. The last two need nvJitLink and are left out where it is not installed.
    """
    from numba import cuda

    reports = []
    for architecture in architectures:
        report = Report(name, "sm_{}{}".format(*architecture))
        reports.append(report)
        pretend_device(architecture)
        try:
            ptx, _ = cuda.compile(
                getattr(function, "py_func", function),
                signature,
                cc=architecture,
                device=False,
                abi="numba",
                output="ptx",
            )
        except Exception as error:  # whatever the compiler raises is the finding
            report.faults.append(f"does not compile: {_first_line(error)}")
            continue
        report.doubles = _float64_arithmetic(ptx)
        if report.doubles and not allow_f64:
            report.faults.append(f"{report.doubles} float64 instructions")
        _link(ptx, report, max_registers)
    return reports


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    interesting = [line for line in lines if not line.startswith("Failed in")]
    return f"{type(error).__name__}: {' | '.join(interesting[:3])}"


def _float64_arithmetic(ptx: str) -> int:
    """How many instructions compute in float64. Moving eight bytes (mov.f64, ld.f64, st.f64) is no
    arithmetic.
    """
    return len(
        re.findall(r"^\s*(?:@%p\d+\s+)?(?!mov|ld|st)[a-z][\w.]*\.f64\b", ptx.replace("{", "\n"), re.MULTILINE)
    )


def _link(ptx: str, report: Report, max_registers: int) -> None:
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
        report.faults.append(f"does not link: {_first_line(error)}")
        return
    finally:
        nvjitlink.destroy(linker)
    text = log.decode(errors="replace")
    report.registers = max(map(int, re.findall(r"Used (\d+) registers", text)), default=None)
    report.spilled = sum(map(int, re.findall(r"(\d+) bytes spill", text)))
    if report.spilled:
        report.faults.append(f"{report.spilled} bytes of registers spilled")
    if report.registers is not None and report.registers > max_registers:
        report.faults.append(f"{report.registers} registers (at most {max_registers})")
