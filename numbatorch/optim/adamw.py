"""The place that PyTorch has for AdamW, which is a kind of Adam."""

from numbatorch.optim.adam import AdamW as AdamW
