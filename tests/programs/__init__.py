"""Programs in PyTorch's ordinary style: they say `import torch`, make their own data, and print their losses.

`all.py` runs them one after another in one process, with whatever `import torch` gives it:

    python tests/programs/all.py                    on PyTorch
    python -m numbatorch tests/programs/all.py      on numbatorch

`losses.json` is what PyTorch printed (`python tests/programs/all.py tests/programs/losses.json`).
"""
