"""Activations."""

from samples.sample import FLOATS, Sample

ALL = (*FLOATS, "uint8", "int64", "bool")  # PyTorch takes no integers but in a few

ACTIVATIONS = [
    Sample("relu"),
    Sample("nn.functional.leaky_relu", dtypes=ALL),
    Sample("nn.functional.gelu", dtypes=ALL),
    Sample("nn.functional.gelu", kwargs={"approximate": "tanh"}, dtypes=ALL),
    Sample("nn.functional.silu", dtypes=ALL),
    Sample("nn.functional.mish", dtypes=ALL),
    Sample("nn.functional.elu", dtypes=ALL),
    Sample("nn.functional.selu", dtypes=ALL),
    Sample("nn.functional.celu", args=(1.5,), dtypes=ALL),
    Sample("nn.functional.softplus", dtypes=ALL),
    Sample("nn.functional.softsign", dtypes=ALL),
    Sample("nn.functional.hardtanh", dtypes=ALL, order=1),
    Sample("nn.functional.relu6", dtypes=ALL, order=1),
    Sample("nn.functional.hardsigmoid", dtypes=ALL, order=1),
    Sample("nn.functional.hardswish", dtypes=ALL),
    Sample("nn.functional.logsigmoid", dtypes=ALL),
    Sample("nn.functional.hardshrink", dtypes=ALL, order=1),
    Sample("nn.functional.softshrink", dtypes=ALL, order=1),
    Sample("nn.functional.tanhshrink", dtypes=ALL),
    Sample("nn.functional.glu", (((3, 4),), ((2, 6, 3),)), args=(1,), dtypes=ALL),
    Sample(
        "nn.functional.prelu",
        (((3, 4), (4,)), ((2, 3, 4), (3,)), ((2, 3), (1,))),
        dtypes=("float32", "bfloat16", "int64"),
    ),
    Sample("nn.functional.rrelu", dtypes=ALL),
    Sample("nn.functional.softmin", args=(-1,), dtypes=FLOATS),
    Sample("nn.functional.threshold", args=(0.1, 20.0), dtypes=ALL, order=1),
]
