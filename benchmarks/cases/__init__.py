"""The table of all that is measured, a module a group."""

from benchmarks.case import Group
from benchmarks.cases.convolution import CONVOLUTION
from benchmarks.cases.indexing import INDEXING
from benchmarks.cases.overhead import OVERHEAD
from benchmarks.cases.pointwise import POINTWISE
from benchmarks.cases.products import GEMM, PRODUCTS
from benchmarks.cases.random import RANDOM
from benchmarks.cases.reductions import REDUCTIONS
from benchmarks.cases.training import TRAINING
from benchmarks.cases.whole import WHOLE

GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
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
        Group("memory", "peak memory of training", TRAINING.cases, 1.1, 1.1, of=TRAINING.name),
    )
}
