"""What numbatorch makes use of where it is installed."""

from numbatorch.backends import opt_einsum as opt_einsum
