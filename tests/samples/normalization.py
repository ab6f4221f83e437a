"""Normalisation by batch, layer, group, instance and root mean square."""

from samples.sample import FLOATS, Sample

NORMALIZATION = [
    Sample(
        "nn.functional.layer_norm",
        (((3, 4),), ((2, 3, 4),), ((0, 4),)),
        args=((4,),),
        dtypes=(*FLOATS, "int64"),
        tol=8,
    ),
    Sample("nn.functional.rms_norm", (((3, 4),), ((2, 3, 4),)), args=((4,),), dtypes=FLOATS, tol=8),
    Sample(
        "nn.functional.group_norm", (((2, 4, 3),), ((4, 8),)), args=(2,), dtypes=(*FLOATS, "int64"), tol=8
    ),
    Sample("nn.functional.instance_norm", (((2, 3, 4),), ((2, 3, 2, 2),)), dtypes=FLOATS, tol=8),
    Sample(
        "nn.functional.batch_norm",
        (((4, 3),), ((2, 3, 2, 2),)),
        args=(None, None),
        kwargs={"training": True},
        dtypes=FLOATS,
        tol=8,
    ),
]
