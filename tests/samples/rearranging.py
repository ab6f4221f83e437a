"""Copies of parts, parts replaced, padding, sliding blocks, elements in another arrangement."""

import numpy as np

from samples.sample import COMPLEX, FLOATS, REAL, Sample

_PICTURE = (((2, 4, 4, 6),),)
_ALL = (*REAL, *COMPLEX)
_PLANE = (((2, 3, 5),), ((1, 4, 6),))

REARRANGING = [
    Sample("hsplit", (((3, 4),), ((6,),)), args=(2,)),
    Sample("vsplit", (((4, 3),),), args=([1, 3],)),
    Sample("dsplit", (((2, 1, 4),),), args=(2,)),
    Sample("unsafe_split", (((5, 2),),), args=(2,)),
    Sample("unsafe_chunk", (((5, 2),),), args=(2,)),
    Sample("unsafe_split_with_sizes", (((5, 2),),), args=([2, 3],)),
    Sample("narrow_copy", (((5, 3),),), args=(0, 1, 3)),
    Sample("as_strided_copy", (((4, 3),),), args=((2, 2), (3, 1), 1)),
    Sample("as_strided", (((3, 3),),), args=((2, 2, 2), (1, 3, 0), 1)),
    Sample("diagonal_copy", (((3, 4),),), args=(1,)),
    Sample("expand_copy", (((3, 1),),), args=((2, 3, 4),)),
    Sample("permute_copy", (((2, 3, 5),),), args=((2, 0, 1),)),
    Sample("slice_copy", (((5, 3),),), args=(0, 1, 5, 2)),
    Sample("unfold_copy", (((6, 2),),), args=(0, 3, 2)),
    Sample("view_copy", (((3, 4),),), args=((2, 6),)),
    Sample("split_copy", (((5, 2),),), args=(2,)),
    Sample("unbind_copy", (((2, 3),),)),
    Sample("select_scatter", (((3, 4), (4,)), ((2, 5), (5,))), args=(0, 1)),
    Sample("slice_scatter", (((5, 3), (2, 3)),), args=(0, 0, 4, 2)),
    Sample("diagonal_scatter", (((3, 4), (3,)),), args=(1,)),
    Sample("as_strided_scatter", (((3, 3), (2, 2)),), args=((2, 2), (3, 1), 1), order=0),
    Sample("constant_pad_nd", (((3, 4),), ((5,),)), args=((1, 2), 7)),
    Sample("nn.functional.pad", (((3, 4),),), args=((1, -1, 0, 2),)),
    Sample("nn.functional.pad", _PLANE, args=((2, 1), "reflect")),
    Sample("nn.functional.pad", _PICTURE, args=((1, 2, 3, 0), "reflect"), dtypes=FLOATS),
    Sample("nn.functional.pad", _PICTURE, args=((-1, 7, 2, 0), "replicate"), dtypes=FLOATS),
    Sample("nn.functional.pad", (((1, 2, 2, 3, 2),),), args=((1, 1, 0, 2, 1, 1), "circular")),
    Sample("nn.functional.unfold", _PICTURE, args=(2,), dtypes=_ALL),
    Sample("nn.functional.unfold", _PICTURE, args=((3, 2), (1, 2), (1, 0), (2, 1)), dtypes=FLOATS),
    Sample("nn.functional.fold", (((2, 8, 6),), ((4, 6),)), args=((3, 4), 2), dtypes=(*FLOATS, *COMPLEX)),
    Sample("nn.functional.fold", (((1, 6, 8),),), args=((4, 6), (3, 2), (1, 2), (1, 0), (2, 1))),
    Sample("pixel_shuffle", (((2, 8, 2, 3),),), args=(2,)),
    Sample("pixel_unshuffle", (((2, 2, 4, 6),),), args=(2,)),
    Sample("channel_shuffle", (((2, 6, 2, 2),),), args=(3,)),
    Sample("flip", (((3, 4),), ((2, 3, 5),)), args=((0, 1),)),
    Sample("roll", (((3, 4),), ((2, 3, 5),)), args=((1, -2), (0, 1)), dtypes=_ALL),
    Sample("roll", args=(2,)),
    Sample("rot90", (((3, 4),), ((2, 3, 5),)), args=(1, (0, 1))),
    Sample("repeat_interleave", args=(3,)),
    Sample("repeat_interleave", (((3, 4),), ((0, 2),)), args=(2, 1), dtypes=_ALL),
    Sample("repeat_interleave", (((3, 4),),), args=(np.array([2, 0, 1]), 0)),
    Sample("Tensor.repeat", (((3, 4),), ((2,),)), args=(2, 1, 3)),
    Sample("tile", args=((2, 2),)),
    Sample("tril", (((3, 4),), ((2, 3, 3),)), args=(1,)),
    Sample("triu", (((3, 4),), ((2, 3, 3),)), args=(-1,)),
    Sample("diag", (((3,),), ((3, 4),)), args=(1,)),
    Sample("diag_embed", (((2, 3),),), args=(-1, 0, 2)),
    Sample("diagflat", (((2, 2),),), args=(1,)),
    Sample("vander", (((4,),),), args=(3,), order=0),
]
