"""Time and memory here and in PyTorch: `python -m benchmarks`."""
