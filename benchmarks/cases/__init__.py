"""The table of all that is measured, a module a group or two."""

from benchmarks.case import Group
from benchmarks.cases.attention import ATTENTION
from benchmarks.cases.convolution import CONVOLUTION
from benchmarks.cases.growth import GROWTH
from benchmarks.cases.indexing import INDEXING
from benchmarks.cases.linalg import LINALG
from benchmarks.cases.norms import NORMS
from benchmarks.cases.optimizers import OPTIMIZERS
from benchmarks.cases.overhead import OVERHEAD
from benchmarks.cases.pointwise import POINTWISE
from benchmarks.cases.products import GEMM, PRODUCTS
from benchmarks.cases.random import RANDOM
from benchmarks.cases.recurrence import RECURRENCE
from benchmarks.cases.reductions import REDUCTIONS
from benchmarks.cases.resampling import RESAMPLING
from benchmarks.cases.start import INSTALLED, START
from benchmarks.cases.training import TRAINING
from benchmarks.cases.whole import WHOLE
from benchmarks.processes import peak_memory

MEMORY = Group("memory", "peak memory of training", TRAINING.cases, 1.1, 1.1, alone=peak_memory, unit="B")
MAIN = (
    OVERHEAD,
    POINTWISE,
    REDUCTIONS,
    GEMM,
    PRODUCTS,
    CONVOLUTION,
    INDEXING,
    RANDOM,
    TRAINING,
    WHOLE,
    MEMORY,
    START,
    INSTALLED,
    *GROWTH,
)
MORE = (NORMS, RESAMPLING, ATTENTION, RECURRENCE, OPTIMIZERS, LINALG)

GROUPS: dict[str, Group] = {group.name: group for group in (*MAIN, *MORE)}
