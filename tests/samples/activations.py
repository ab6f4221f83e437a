"""Activations."""

from samples.sample import FLOATS, Sample

ACTIVATIONS = [
    Sample("relu"),
    Sample("nn.functional.leaky_relu", dtypes=FLOATS),
    Sample("nn.functional.gelu", dtypes=FLOATS),
    Sample("nn.functional.gelu", kwargs={"approximate": "tanh"}, dtypes=FLOATS),
    Sample("nn.functional.silu", dtypes=FLOATS),
    Sample("nn.functional.mish", dtypes=FLOATS),
    Sample("nn.functional.elu", dtypes=FLOATS),
    Sample("nn.functional.selu", dtypes=FLOATS),
    Sample("nn.functional.celu", args=(1.5,), dtypes=FLOATS),
    Sample("nn.functional.softplus", dtypes=FLOATS),
    Sample("nn.functional.softsign", dtypes=FLOATS),
    Sample("nn.functional.hardtanh", dtypes=FLOATS, order=1),
    Sample("nn.functional.relu6", dtypes=FLOATS, order=1),
    Sample("nn.functional.hardsigmoid", dtypes=FLOATS, order=1),
    Sample("nn.functional.hardswish", dtypes=FLOATS),
    Sample("nn.functional.logsigmoid", dtypes=FLOATS),
    Sample("nn.functional.hardshrink", dtypes=FLOATS, order=1),
    Sample("nn.functional.softshrink", dtypes=FLOATS, order=1),
    Sample("nn.functional.tanhshrink", dtypes=FLOATS),
    Sample("nn.functional.threshold", args=(0.1, 20.0), dtypes=FLOATS, order=1),
]
