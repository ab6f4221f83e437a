"""The table of all that is measured, a module a group."""

from benchmarks.case import Group
from benchmarks.cases.indexing import INDEXING
from benchmarks.cases.overhead import OVERHEAD
from benchmarks.cases.pointwise import POINTWISE
from benchmarks.cases.products import GEMM, PRODUCTS
from benchmarks.cases.random import RANDOM
from benchmarks.cases.reductions import REDUCTIONS

GROUPS: dict[str, Group] = {
    group.name: group for group in (OVERHEAD, POINTWISE, REDUCTIONS, GEMM, PRODUCTS, INDEXING, RANDOM)
}
