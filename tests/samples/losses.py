"""Losses."""

from samples.sample import FLOATS, Sample

LOSSES = [
    Sample("nn.functional.mse_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample("nn.functional.l1_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample("nn.functional.smooth_l1_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample("nn.functional.huber_loss", (((3, 4), (3, 4)),), dtypes=FLOATS),
    Sample(
        "nn.functional.binary_cross_entropy_with_logits", (((3, 4), (3, 4)),), dtypes=("float32", "float64")
    ),
    Sample(
        "nn.functional.mse_loss",
        (((3, 4), (3, 4)),),
        kwargs={"reduction": "sum"},
        dtypes=("float32", "float64"),
    ),
    Sample(
        "nn.functional.mse_loss",
        (((3, 4), (3, 4)),),
        kwargs={"reduction": "none"},
        dtypes=("float32", "float64"),
    ),
]
