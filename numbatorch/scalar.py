"""The functions of scalars that a `pointwise` body may call: exp, log, sin, where, maximum ..."""

from numbatorch_kernels.primitives import *  # noqa: F403
