"""Shapes and views."""

from samples.sample import Sample

_SQUARE = (((3, 3),), ((2, 4, 4),))
VIEWS = [
    Sample("reshape", (((3, 4),), ((2, 6),)), args=((4, -1),)),
    Sample("Tensor.view", (((3, 4),),), args=(2, 6)),
    Sample("flatten"),
    Sample("ravel"),
    Sample("transpose", (((3, 4),), ((2, 3, 5),)), args=(0, 1)),
    Sample("permute", (((2, 3, 5),),), args=((2, 0, 1),)),
    Sample("t", (((3, 4),), ((5,),), ((),))),
    Sample("movedim", (((2, 3, 5),),), args=(0, 2)),
    Sample("unsqueeze", args=(0,)),
    Sample("unsqueeze", args=(-1,)),
    Sample("squeeze", (((1, 3, 1),), ((),), ((2,),))),
    Sample("squeeze", (((1, 3, 1),),), args=(0,)),
    Sample("Tensor.expand", (((3, 1),),), args=(2, 3, 4)),
    Sample("broadcast_to", (((3, 1),),), args=((2, 3, 4),)),
    Sample("narrow", (((5, 3),),), args=(0, 1, 3)),
    Sample("select", (((5, 3),),), args=(1, 2)),
    Sample("split", (((7, 3),),), args=(3,)),
    Sample("split", (((7, 3),),), args=([2, 5],)),
    Sample("chunk", (((7, 3),),), args=(3,)),
    Sample("tensor_split", (((7, 3),),), args=(3,)),
    Sample("unbind", (((3, 2),),)),
    Sample("diagonal", _SQUARE, order=2),
    Sample("diagonal", (((3, 5),),), args=(1,)),
    Sample("as_strided", (((4, 3),),), args=((2, 2), (3, 1), 1)),
    Sample("unflatten", (((6, 2),),), args=(0, (2, 3))),
]
