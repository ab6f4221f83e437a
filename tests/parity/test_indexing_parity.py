"""Indexing, gathering, scattering, joining and sorting give what PyTorch gives: values, dtypes, shapes, warnings, and errors by class and
first line."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import numbatorch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("every_warning")

# Expressions of x = [[0., 1., 2.], [3., 4., 5.]], xi (the same as int64), xb (x > 2), i (the function tensor), L (the library), F and np.
READ = """
x[i([0, 1], dtype=L.int16)]
x[i([0, 1], dtype=L.int32)]
x[i([0, 1], dtype=L.int8)]
x[i([0., 1])]
x[i([1, 0], dtype=L.uint8)]
x[[0, 1]]
x[[0, 1], [1, 2]]
x[[0, slice(None)]]
x[[[0, 1], [1, 2]]]
x[([0, 1], [1, 2])]
x[range(2)]
x[np.array([0, 1])]
x[np.array(1)]
x[np.array([True, False])]
x[[True, False]]
x[[i(0), i(1)]]
x[[i([0]), i([1])]]
x[[0, None]]
x[[None, 0]]
x[True]
x[False]
x[None, True]
x[i(True)]
x[i(1, dtype=L.uint8)]
x[True, True]
x[0, True]
x[i([0, 5])]
x[:, i([0, -4])]
x[i([0, 1]), i([0, 7])]
x[i([True, False, True])]
x[:, i([True, False])]
x[i([[True, False]])]
x[i([[True, False, True], [False, False, True]])]
x[i([0, 1]), i([0, 1, 2])]
x[0, 0, 0]
x[0, 0, i([0])]
x[i([0]), i([0]), i([0])]
x[1.0]
x[..., i([0])]
x[[]]
x[i([])]
x[i([], dtype=L.long)]
x[[[]]]
x[[0, 1], :, None]
x[{}]
x[[0.5]]
x[["a"]]
x[[[0, 1], [1]]]
x[(0, 1), ]
x[i([[True, True, True]]).expand(2, 3)]
L.zeros(0, 3)[i([0])]
L.zeros(3, 0)[i([0, 1])]
L.zeros(3, 0)[i([7])]
L.zeros(0, 3)[i([], dtype=L.long)]
L.tensor(3.)[i([0])]
L.tensor(3.)[True]
L.tensor(3.)[i(True)]
L.tensor(3.)[i([True])]
L.tensor(3.)[...]
L.zeros(2, 3, 4, 5)[0, :, i([0, 1])].shape
L.zeros(2, 3, 4, 5)[i([0, 1]), :, 0].shape
L.zeros(2, 3, 4, 5)[i([0, 1]), :, i([0, 1])].shape
L.zeros(2, 3, 4, 5)[:, i([0, 1]), 0].shape
L.zeros(2, 3, 4, 5)[:, i([0, 1]), None, i([0, 1])].shape
L.zeros(2, 3, 4, 5)[:, i([[0], [1]]), i([0, 1])].shape
L.zeros(2, 3, 4, 5)[:, i([[0], [1]]).expand(2, 2), i([True, False, True, False])].shape
x.T[i([0, 1])].stride()
x.clone().requires_grad_()[i([0, 1])].grad_fn
x[np.int64(1)]
x[np.bool_(True)]
x[:, np.array([0, 2])]
""".strip().split("\n")

WRITE = """
x[i([0, 1])] = 5
x[i([0, 1])] = i([1, 2, 3])
x[i([0, 1])] = i([1., 2, 3], dtype=L.float64)
x[i([0, 1])] = i([1., 2, 3])
x[i([0, 1])] = i([1., 2])
x[i([0, 1])] = i([[[1., 2, 3]]])
x[i([0, 1])] = i([[[1., 2, 3], [3, 4, 5]], [[1., 2, 3], [3, 4, 5]]])
x[i([0, 1])] = i(7)
x[i([0, 1])] = i(7., dtype=L.float64)
x[i([0, 1])] = [1, 2, 3]
x[i([0, 1])] = [1., 2, 3]
x[i([0, 1])] = np.array([1., 2, 3])
x[i([0, 5])] = 1
x[x>2] = 0
x[x>2] = i([1., 2, 3])
x[x>2] = i([1., 2])
x[x>2] = i([1])
x[[0, 1], [0, 5]] = 1
x[True] = 3
x[False] = 3
x[[0, 0, 0]] = i([[1., 1, 1], [2, 2, 2], [3, 3, 3]])
x[i([0, 1]), i([0, 1, 2])]=1
x[i([[True, False]])]=2
x[:, i([0, 2])]=i([[9.], [8.]])
x[i([0, 1])] = "a"
x[i([0, 1])] = None
x[i([0, 1])] = 1j
x[0, i([0, 1])] = x[1, 1:]
x[:, 0] = i([1, 2])
x[:, 0] = i([1., 2, 3])
x[...] = i([1., 2, 3, 4])
x[5] = 1
x[True, i([0, 1])]=3
x[i([0, 1])] = True
xi[i([0, 1])] = 2.7
xi[i([0, 1])] = True
xi[i([0, 1])] = i(2.5)
xi[xi>2] = 1.5
xb[i([0, 1])] = 2
xi[0] = 2.7
xi[0] = i([2.7])
x[0] = [1, 2, 3]
x[0] = (1, 2, 3)
x[0:1] = [[1, 2, 3]]
x[0] = np.float64(3)
x[0] = range(3)
x[0] = "a"
x[0] = None
x.index_put_((i([0, 1]), ), i(5.))
x.index_put_([i([0, 1])], i(5.))
x.index_put_(i([0, 1]), i(5.))
x.index_put_((i([0, 1]), i([0, 7])), i(5.))
x.index_put_((None, i([0, 0])), i(5.), accumulate=True)
x.index_put_((i([0, 1]), ), i(5))
x.index_put_((i([True, False]), ), i(5.))
x.index_put_((i([0, 1]), ), i([5., 6]))
i(3.).index_put_((i(True), ), i(1.))
i(3.).index_put_((i(True), i(True)), i(1.))
x.index_put_((i(True), ), i([9.]))
x.index_put_((i(False), ), i(9.))
x.index_put_((i(True), ), i([9., 8]))
x.index_put_((i(1, dtype=L.uint8), ), i(9.))
x.index_put_((i(False), i([0, 1])), i(9.))
x.index_put_((i([0, 1]), i(True)), i(9.), accumulate=True)
L.zeros(0).index_put_((i(True), ), i(9.))
L.zeros(3, requires_grad=True).index_put_((i([0]), ), i(1.))
""".strip().split("\n")

WITHOUT_DIMENSIONS = """
x.index_put_((i(True), ), i(9.), accumulate=True)
x.index_put_((i(True), i(True)), i(9.))
x.index_put_((), i(9.))
i(3.).index_put_((), i(9.))
""".strip().split("\n")

ALONG = """
x.index_select(0, i([0, 5]))
x.index_select(0, i([-1]))
x.index_select(0, i([[0]]))
x.index_select(0, i(1))
x.index_select(0, i([1.]))
x.index_select(0, i([1], dtype=L.int32))
x.index_select(0, i([1], dtype=L.int16))
x.index_select(3, i([1]))
i(5.).index_select(0, i([0]))
L.zeros(0, 2).index_select(0, i([0]))
x.gather(0, i([[0, 5]]))
x.gather(0, i([[0, -1]]))
x.gather(0, i([0]))
x.gather(0, i([[0, 1, 1, 0]]))
x.gather(0, i([[0], [0], [1], [1]]))
x.gather(1, i([[0], [0], [1], [1]]))
x.gather(1, i([[0.]]))
x.gather(1, i([[0]], dtype=L.int32))
x.gather(5, i([[0]]))
i(5.).gather(0, i(0))
i(5.).gather(0, i([0, 0]))
x.gather(1, i([], dtype=L.long))
x.scatter(0, i([[0, 5]]), 1.)
x.scatter(0, i([[0, -1]]), 1.)
x.scatter(0, i([[0, 1, 1]]), i([[1., 2, 3]]))
x.scatter(0, i([[0, 1, 1]]), i([[1, 2, 3]]))
x.scatter(0, i([[0, 1, 1]]), i([[1., 2]]))
x.scatter(0, i([[0, 1, 1, 1]]), i([[1., 2, 4, 5]]))
x.scatter(0, i([0]), i([[1., 2]]))
x.scatter(0, i([[0, 1, 1]]), 2, reduce="add")
x.scatter(0, i([[0, 1, 1]]), i([[1., 2, 3]]), reduce="multiply")
x.scatter(0, i([[0.]]), i([[1.]]))
x.long().scatter(0, i([[0, 1]]), 2.7)
x.scatter_add(0, i([[0, 1, 1]]), i([[1, 2, 3]]))
x.scatter_add(0, i([[0, 5, 1]]), i([[1., 2, 3]]))
x.scatter_add(0, i([[0, 1, 1]]), i([[1., 2, 3]]))
x.scatter_reduce(0, i([[0, 1, 1]]), i([[1., 2, 3]]), "foo")
x.scatter_reduce(0, i([[0, 1, 1], [0, 0, 0]]), i([[1., 2, 3], [3, 4, 5]]), "mean")
x.scatter_reduce(0, i([[0, 1, 1], [0, 0, 0]]), i([[1., 2, 3], [3, 4, 5]]), "mean", include_self=False)
x.scatter_reduce(0, i([[0, 1, 1], [0, 0, 0]]), i([[1., 2, 3], [3, 4, 5]]), "prod", include_self=False)
x.scatter_reduce(0, i([[0, 1, 1], [0, 0, 0]]), i([[1., 2, 3], [3, 4, 5]]), "amax", include_self=False)
x.long().scatter_reduce(0, i([[0, 1, 1], [0, 0, 0]]), i([[1, 2, 3], [3, 4, 5]]), "mean")
(-x.long()).scatter_reduce(0, i([[0, 1, 1], [0, 0, 0]]), i([[1, 2, 3], [3, 4, 5]]), "mean")
x.index_add(0, i([0, 0]), i([[1., 2, 3], [1, 2, 3]]))
x.index_add(0, i([0, 0]), i([[1., 2, 3], [1, 2, 3]]), alpha=2)
x.index_add(0, i([0, 5]), i([[1., 2, 3], [1, 2, 3]]))
x.index_add(0, i([0, -1]), i([[1., 2, 3], [1, 2, 3]]))
x.index_add(0, i([0, 0, 1]), i([[1., 2, 3], [1, 2, 3]]))
x.index_add(0, i([0, 0]), i([[1, 2, 3], [1, 2, 3]]))
x.index_add(0, i([0, 0]), i([[1., 2], [1, 2]]))
x.index_add(0, i([0, 0]), i([1., 2]))
x.index_add(0, i([[0, 0]]), i([[1., 2, 3], [1, 2, 3]]))
x.index_add(0, i([0.]), i([[1., 2, 3]]))
x.index_copy(0, i([0, 5]), i([[1., 2, 3], [1, 2, 3]]))
x.index_copy(0, i([0]), i([[1, 2, 3]]))
x.index_copy(0, i([0]), i([[1., 2]]))
x.index_copy(0, i([0, 1]), i([[1., 2, 3]]))
x.index_copy(0, i([-1]), i([[1., 2, 3]]))
x.index_copy(0, i([0]), i([1., 2, 3]))
x.index_fill(0, i([0]), 7)
x.index_fill(0, i([-1]), 7)
x.index_fill(0, i([5]), 7)
x.index_fill(0, i([0]), i(7.))
x.index_fill(0, i([0]), i([7.]))
x.index_fill(0, i([0.]), 7)
x.long().index_fill(0, i([0]), 7.5)
x.take(i([0, 5]))
x.take(i([0, -1]))
x.take(i([0, 6]))
x.take(i([[0, 1]], dtype=L.int32))
x.take(i([[0.]]))
x.take_along_dim(i([[0], [1]]), 1)
x.take_along_dim(i([0, 1]))
x.take_along_dim(i([0, 1]), 1)
x.take_along_dim(i([[0]], dtype=L.int32), 1)
x.masked_select(x>2)
x.masked_select(i([True, False, True]))
x.masked_select(i([1, 0, 1]))
x.masked_select(i([True, False]))
x.masked_scatter(x>2, i([9., 8, 7, 6]))
x.masked_scatter(x>2, i([9., 8]))
x.masked_scatter(x>2, i([9, 8, 7]))
x.masked_scatter(i([1, 0, 1]), i([9., 8, 7]))
x.masked_scatter(i([True, False, True]), i([9., 8, 7, 5]))
x.nonzero()
x.nonzero(as_tuple=True)
i(3.).nonzero()
i(0.).nonzero()
i(3.).nonzero(as_tuple=True)
L.argwhere(x)
L.argwhere(i(3.))
L.zeros(0, 3).nonzero()
F.embedding(i([[0, 1]]), x)
F.embedding(i([[0, 5]]), x)
F.embedding(i([[0, -1]]), x)
F.embedding(i([0.]), x)
F.embedding(i([0]), x[0])
L.embedding(x, i([0]))
F.one_hot(i([0, 2]))
F.one_hot(i([0, 2]), 5)
F.one_hot(i([0, 2]), 2)
F.one_hot(i([0, -2]))
F.one_hot(i([0.]))
F.one_hot(i([], dtype=L.long))
F.one_hot(i([], dtype=L.long), 3)
F.one_hot(i(2), 3)
F.one_hot(i([1], dtype=L.int32), 3)
F.one_hot(i([1]), 0)
F.one_hot(i([1]), -2)
""".strip().split("\n")

JOIN_AND_ARRANGE = """
L.cat((x, x))
L.cat((x, x), 1)
L.cat((x, x), -1)
L.cat((x, x), 2)
L.cat((x, x), -3)
L.cat([])
L.cat((x, i([1., 2])))
L.cat((x, L.zeros(3, 3)), 1)
L.cat((x, L.zeros(2, 2), L.zeros(3, 3)), 1)
L.cat((x, i([])))
L.cat((i([]), x))
L.cat((i([]), i([])))
L.cat((x, L.zeros(0, 3)))
L.cat((x, L.zeros(0, 4)))
L.cat((i(1.), i(2.)))
L.cat((x, xi))
L.cat((xi, x>2))
L.cat((xi.int(), x.half()))
L.cat(x)
L.cat((x, 1))
L.cat((x, None))
L.cat(5)
L.concat((x, x), dim=1)
L.concatenate((x, x), dim=1)
L.concatenate((x, x), axis=1)
L.cat(tensors=(x, x), dim=0)
L.cat((x, x), out=L.empty(4, 3))
L.cat((x.T, x.T)).stride()
L.stack((x, x))
L.stack((x, x), 1)
L.stack((x, x), 2)
L.stack((x, x), -1)
L.stack((x, x), 3)
L.stack((x, x), -4)
L.stack([])
L.stack((x, L.zeros(2, 2)))
L.stack((x, xi))
L.stack((i(1.), i(2.)))
L.stack((i(1.), i(2.)), -1)
L.hstack((x, x))
L.hstack((i([1.]), i(2.)))
L.hstack((i(1.), i(2.)))
L.hstack([])
L.hstack((x, i([1.])))
L.vstack((x, x))
L.vstack((i([1., 2]), i([2., 3])))
L.vstack((i(1.), i(2.)))
L.row_stack((i(1.), i(2.)))
L.dstack((x, x))
L.dstack((i([1., 2]), i([2., 3])))
L.dstack((i(1.), i(2.)))
L.column_stack((i([1., 2]), i([2., 3])))
L.column_stack((x, i([2., 3])))
L.column_stack((i(1.), i(3.)))
L.atleast_1d(i(1.))
L.atleast_2d(i(1.))
L.atleast_3d(i(1.))
L.atleast_3d(i([1., 2]))
L.atleast_3d(x)
L.atleast_1d(i(1.), x)
L.atleast_1d((i(1.), x))
L.block_diag(x, x)
L.block_diag(x, i(3.), i([1., 2]))
L.block_diag(x, xi)
L.block_diag()
L.block_diag(L.zeros(2, 2, 2))
L.broadcast_tensors(x, i([1., 2, 3]))
L.broadcast_tensors(x, i([1., 2]))
L.broadcast_tensors(i(1.), i([[1.], [2.]]))
L.cartesian_prod(i([1, 2]), i([3, 4, 5]))
L.cartesian_prod(i([1, 2]))
L.cartesian_prod(x, i([1.]))
L.combinations(i([1, 2, 3]))
L.combinations(i([1, 2, 3]), r=3)
L.combinations(i([1, 2, 3]), with_replacement=True)
L.meshgrid(i([1, 2]), i([3, 4, 5]), indexing="ij")
L.meshgrid(i([1, 2]), i([3, 4, 5]), indexing="xy")
L.meshgrid(i([1, 2]), i([3, 4, 5]))
L.meshgrid([i([1, 2]), i([3, 4, 5])], indexing="ij")
L.meshgrid(i(1), i([2, 3]), indexing="ij")
L.meshgrid(i([1]), i([2, 3.]), indexing="ij")
L.meshgrid(i([1]), i([2, 3]), indexing="foo")
x.flip(0)
x.flip(0, 1)
x.flip((0, 1))
x.flip([1])
x.flip(2)
x.flip()
L.flip(x, dims=(0,))
x.flip(dims=[0, 1])
L.tile(x, dims=(2,))
x.repeat(repeats=(2, 1))
x.flip(0, 0)
L.flip(x, (0, ))
L.fliplr(x)
L.flipud(x)
L.fliplr(i([1.]))
L.flipud(i(1.))
x.roll(1)
x.roll(1, 0)
x.roll(-4, 1)
x.roll((1, 1), (0, 1))
x.roll((1, 1), 0)
x.roll((1, 1))
x.roll(1, 3)
x.roll(())
i(1.).roll(1)
L.zeros(0, 3).roll(1, 0)
L.rot90(x)
L.rot90(x, 2)
L.rot90(x, -1, (0, 1))
L.rot90(x, 1, (1, 0))
L.rot90(x, 1, (0, 0))
x.repeat(2)
x.repeat(2, 1)
x.repeat((2, 1))
x.repeat(2, 1, 1)
x.repeat(0, 1)
x.repeat(-1, 1)
x.repeat(2, 2)
i(1.).repeat(3)
i(1.).repeat(())
x.repeat(())
x.tile(2)
x.tile(2, 2, 1)
x.tile((2, ))
L.tile(x, (2, ))
x.repeat_interleave(2)
x.repeat_interleave(2, 0)
x.repeat_interleave(i([1, 2]), 0)
x.repeat_interleave(i([1, 2, 0]), 1)
x.repeat_interleave(i([1, 2]), 1)
x.repeat_interleave(i([2]), 1)
x.repeat_interleave(i(2), 1)
x.repeat_interleave(-1, 1)
x.repeat_interleave(i([1., 2]), 0)
x.repeat_interleave(i([-1, 2]), 0)
L.repeat_interleave(i([1, 2, 0]))
L.repeat_interleave(x, 2, dim=1)
x.repeat_interleave(i([1, 2]), 0, output_size=3)
x.tril()
x.tril(1)
x.tril(-1)
x.triu()
x.triu(1)
x.triu(-1)
x.triu(-5)
x.tril(10)
xi.tril()
(x>2).tril()
i([1.]).tril()
i(1.).triu()
L.ones(2, 3, 3).tril()
L.zeros(0, 3).tril()
L.tril_indices(3, 3)
L.tril_indices(3, 4, -1)
L.tril_indices(2, 4, 1)
L.triu_indices(3, 3)
L.triu_indices(3, 4, -1)
L.triu_indices(2, 4, 1)
L.triu_indices(3, 3, dtype=L.int32)
L.tril_indices(-1, 3)
L.diag(i([1., 2]))
L.diag(i([1., 2]), 1)
L.diag(i([1., 2]), -1)
L.diag(x)
L.diag(x, 1)
L.diag(x, -1)
L.diag(x, 5)
L.diag(i(1.))
L.diag(L.zeros(2, 2, 2))
L.diag_embed(x)
L.diag_embed(x, 1)
L.diag_embed(x, -1, 0, 2)
L.diag_embed(x, 0, 1, 1)
L.diag_embed(x, 0, 5, 1)
L.diag_embed(i(1.))
L.diagflat(x)
L.diagflat(x, 1)
x.unfold(1, 2, 1)
x.unfold(1, 2, 2)
x.unfold(0, 2, 1)
x.unfold(1, 4, 1)
x.unfold(1, 2, 0)
x.unfold(2, 2, 1)
x.unfold(1, -1, 1)
i(1.).unfold(0, 1, 1)
x.unfold(1, 0, 1).shape
L.searchsorted(i([1, 3, 5, 7, 9]), i([3, 6, 9]))
L.searchsorted(i([1, 3, 5, 7, 9]), i([3, 6, 9]), right=True)
L.searchsorted(i([1, 3, 5, 7, 9]), i([3, 6, 9]), side="right")
L.searchsorted(i([1, 3, 5, 7, 9]), 3)
L.searchsorted(i([[1, 3, 5], [2, 4, 6]]), i([[3, 6], [3, 6]]))
L.searchsorted(i([[1, 3, 5], [2, 4, 6]]), i([3, 6]))
L.searchsorted(i([1, 3, 5, 7, 9]), i([[3, 6, 9]]), out_int32=True)
L.searchsorted(i([1., 3, 5]), i([3]))
L.searchsorted(i([1., float("nan")]), i([3., float("nan")]))
L.searchsorted(i([5, 1, 3]), i([3, 6]), sorter=i([1, 2, 0]))
L.bucketize(i([3, 6, 9]), i([1, 3, 5, 7, 9]))
L.bucketize(i([3, 6, 9]), i([1, 3, 5, 7, 9]), right=True)
L.bucketize(3.5, i([1, 3, 5, 7, 9]))
L.bucketize(i([3]), x)
""".strip().split("\n")

ORDER = """
x.sort()
x.sort(descending=True)
x.sort(0)
x.sort(dim=0, descending=True)
i([3., float("nan"), 1., -0., 0., float("inf"), -float("inf")]).sort()
i([3., float("nan"), 1., -0., 0., float("inf"), -float("inf")]).sort(descending=True)
i([3, 1, 2, 1]).sort()
i([3, 1, 2, 1]).sort(stable=True)
i([3, 1, 2, 1]).sort(descending=True, stable=True)
i([True, False, True]).sort(stable=True)
i([3, 255, 2, 1], dtype=L.uint8).sort()
i([3, -128, 2, 1], dtype=L.int8).sort()
i([3, -5, 2, 1], dtype=L.int16).sort()
i([3, -5, 2, 1], dtype=L.int32).sort()
i([3, -5, 2, 1.], dtype=L.float64).sort()
i([3, -5, 2, 1.], dtype=L.float16).sort()
i([3, -5, 2, 1.], dtype=L.bfloat16).sort()
i([1j]).sort()
i(3.).sort()
L.zeros(0).sort()
L.zeros(2, 0).sort()
L.zeros(0, 3).sort(0)
x.sort(5)
L.sort(x)
L.sort(x, 1, True)
L.sort(x, stable=True, dim=1)
type(L.sort(x)).__name__
L.sort(x).values
L.sort(x).indices
x.argsort()
x.argsort(0)
x.argsort(descending=True)
x.argsort(stable=True, dim=0)
L.argsort(x, dim=-1, descending=True, stable=True)
L.msort(x)
x.topk(2)
x.topk(2, 0)
x.topk(2, dim=0, largest=False)
x.topk(0)
x.topk(4)
x.topk(-1)
x.topk(1, 5)
i(3.).topk(1)
x.topk(2, sorted=False).values.sort()[0]
i([1., float("nan"), 2]).topk(2)
i([1., float("nan"), 2]).topk(2, largest=False)
i([3, 1, 2]).topk(2)
(x>2).topk(1)
i([1j]).topk(1)
type(x.topk(1)).__name__
x.cumsum(0)
x.cumsum(1)
x.cumsum(-1)
x.cumsum(2)
xi.cumsum(0)
(x>2).cumsum(0)
xi.int().cumsum(0)
xi.cumsum(0, dtype=L.float32)
x.half().cumsum(1)
i(3.).cumsum(0)
i(3).cumsum(0)
L.zeros(0).cumsum(0)
L.cumsum(x, dim=1)
x.cumprod(0)
x.cumprod(1)
xi.cumprod(1)
(x>2).cumprod(0)
i([1j, 2]).cumsum(0)
i([1j, 2]).cumprod(0)
i([1., float("nan"), 2]).cumsum(0)
x.clone().cumsum_(0)
x.clone().cumprod_(0)
xi.clone().cumsum_(0)
L.unique(i([3, 1, 2, 1]))
L.unique(i([3, 1, 2, 1]), return_inverse=True)
L.unique(i([3, 1, 2, 1]), return_inverse=True, return_counts=True)
L.unique(i([3, 1, 2, 1]), return_counts=True)
L.unique(x)
L.unique(i([]))
L.unique(i([[1, 1], [2, 1]]), return_inverse=True)
i([3, 1, 2, 1]).unique()
L.unique_consecutive(i([1, 1, 2, 2, 1]))
L.unique_consecutive(i([1, 1, 2, 2, 1]), return_inverse=True, return_counts=True)
L.unique(i([True, False, True]))
L.cummax(x, 1)
L.cummin(x, 0)
L.cummax(i([1., 3, 2, 3, float("nan"), 4]), 0)
L.cummin(i([1, 3, 2, 0, 0]), 0)
L.kthvalue(x, 2)
L.kthvalue(x, 1, 0)
L.kthvalue(x, 1, 0, True)
L.kthvalue(x, 5)
L.kthvalue(i([1., float("nan"), 0]), 3)
L.kthvalue(i(3.), 1)
""".strip().split("\n")


def _plain(value):
    """A result as something that can be compared."""
    if hasattr(value, "tolist"):
        return [str(value.tolist()), tuple(value.shape), str(value.dtype)]
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return re.sub(r" object at 0x[0-9a-f]+", "", repr(value))


def _outcome(library, case: str) -> tuple:
    """What an expression or a statement does with a library: its result or error, and its warnings."""
    x = library.arange(6.0).view(2, 3).clone()
    names = {
        "L": library,
        "F": library.nn.functional,
        "i": library.tensor,
        "np": np,
        "x": x,
        "xi": x.long(),
        "xb": x > 2,
    }
    assigns = re.match(r"x[ib]?\[.*\] ?= ?", case) is not None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if assigns:
                exec(case, names)
                result = _plain([names["x"], names["xi"], names["xb"]])
            else:
                result = _plain(eval(case, names))
        except Exception as error:
            result = [type(error).__name__, str(error).split("\n")[0]]
    return result, [str(w.message).split(" (Triggered")[0] for w in caught]


@pytest.mark.parametrize("case", READ + WRITE + ALONG + JOIN_AND_ARRANGE + ORDER)
def test_the_same_as_pytorch(case):
    assert _outcome(numbatorch, case) == _outcome(torch, case)


@pytest.mark.parametrize("case", WITHOUT_DIMENSIONS)
def test_masks_without_dimensions(case):
    """What PyTorch does not do in words of its insides."""
    assert [_outcome(library, case)[0][0] for library in (torch, numbatorch)] == ["RuntimeError"] * 2


# --- random indices


def _random_index(rng, shape: tuple[int, ...]) -> list:
    """Parts of an index for a tensor of this shape; arrays stand for index tensors and masks."""
    common = [(2,), (3, 1), (1, 4), (2, 3)][rng.integers(4)]
    parts: list = []
    d = 0
    while d < len(shape):
        n, choice = shape[d], rng.integers(8)
        if choice == 0:
            parts.append(None)
            d -= 1
        elif choice == 1:
            parts.append(int(rng.integers(-n, n)))
        elif choice == 2:
            parts.append(
                slice(
                    *[
                        [None, 1, -2][rng.integers(3)],
                        [None, 2, -1][rng.integers(3)],
                        [None, 2][rng.integers(2)],
                    ]
                )
            )
        elif choice == 3:
            count = int(rng.integers(1, min(2, len(shape) - d) + 1))
            parts.append(rng.random(shape[d : d + count]) < 0.6)
            d += count - 1
        elif choice == 4 and ... not in [p for p in parts if not isinstance(p, np.ndarray)]:
            parts.append(...)
            break
        elif choice == 5:
            parts.append(slice(None))
        else:
            parts.append(rng.integers(-n, n, common[rng.integers(len(common)) :]))
        d += 1
    return parts


def _index(library, parts: list) -> tuple:
    return tuple(library.from_numpy(p.copy()) if isinstance(p, np.ndarray) else p for p in parts)


def _read_and_written(library, data, permuted, parts, weights, value):
    """What an index reads, its gradients to second order, and what assigning makes of the tensor; or the error."""
    try:
        x, w, v = (library.from_numpy(a.copy()).requires_grad_() for a in (data, weights, value))
        y = (x * 1).permute(permuted)
        found = y[_index(library, parts)]
        (grad,) = library.autograd.grad((found * w).sum(), x, create_graph=True)
        (again,) = library.autograd.grad((grad * grad.detach()).sum(), w)
        z = (x * 2).permute(permuted)
        z[_index(library, parts)] = v
        made = [found, grad, again, z, *library.autograd.grad((z * z).sum(), (x, v))]
        return [m.detach().numpy() for m in made]
    except (IndexError, RuntimeError) as error:
        return type(error).__name__, str(error).split("\n")[0]


@pytest.mark.parametrize("seed", range(120))
def test_random_indices(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 5, rng.integers(1, 5)))
    permuted = tuple(rng.permutation(len(shape)).tolist())
    data = rng.standard_normal(shape)
    parts = _random_index(rng, tuple(shape[d] for d in permuted))
    try:
        selected = tuple(torch.from_numpy(data).permute(permuted)[_index(torch, parts)].shape)
    except IndexError:
        selected = ()
    weights = rng.standard_normal(selected)
    value = rng.standard_normal(tuple(n if rng.random() < 0.7 else 1 for n in selected))
    theirs, ours = (
        _read_and_written(library, data, permuted, parts, weights, value) for library in (torch, numbatorch)
    )
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_array_equal(a, b) if isinstance(a, str) else np.testing.assert_allclose(
            a, b, rtol=1e-12
        )
