"""Elements and slices that an index names."""

import numpy as np

from samples.sample import COMPLEX, FLOATS, REAL, Sample

_ALL = (*REAL, *COMPLEX)
_PLACES = np.array([[0, 2, 1], [2, 2, 0]])
_ROWS = np.array([2, 0, 2, 1])
_MASK = np.array([[True, False, True, True], [False, False, True, False], [True, False, False, False]])
_BAGS = np.array([0, 3, 3])
_FLAT = np.array([[0, -1], [3, 3]])

CHOSEN = [
    Sample("gather", (((3, 4),), ((5, 3),)), args=(0, _PLACES), dtypes=_ALL),
    Sample("gather", (((2, 4),),), args=(1, _PLACES)),
    Sample("index_select", (((3, 4),), ((3, 2, 2),)), args=(0, _ROWS), dtypes=_ALL),
    Sample("index_select", (((2, 5),),), args=(1, _ROWS)),
    Sample("embedding_bag", (((3, 4),),), args=(_ROWS, _BAGS, False, 1), dtypes=(*FLOATS, "int64")),
    Sample("embedding_bag", (((3, 4),),), args=(_ROWS, _BAGS, False, 2), dtypes=FLOATS[:2]),
    Sample("take", (((3, 4),), ((2, 2, 2),)), args=(_FLAT,), dtypes=_ALL),
    Sample("take_along_dim", (((3, 4),),), args=(np.array([[0], [2], [1]]), 1)),
    Sample("masked_select", (((3, 4),), ((4,),), ((3, 1),)), args=(_MASK,), dtypes=_ALL),
    Sample("Tensor.masked_fill", (((3, 4),), ((4,),)), args=(_MASK, 1)),
    Sample("scatter", (((3, 4),),), args=(0, _PLACES, 1), dtypes=_ALL),
    Sample("index_fill", (((3, 4),),), args=(1, _ROWS, 1), dtypes=_ALL),
    Sample("nonzero", dtypes=_ALL, order=0),
    Sample("nonzero", (((5,),), ((),), ((2, 3),)), kwargs={"as_tuple": True}, order=0),
    Sample("argwhere", (((5,),), ((3, 4),)), order=0),
    Sample("nonzero_static", (((3, 4),),), kwargs={"size": 5, "fill_value": -2}, order=0),
]
