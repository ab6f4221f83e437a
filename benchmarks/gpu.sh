#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: what is needed, then the check and the figures. Options are those of benchmarks/gpu.py.
#
#     bash benchmarks/gpu.sh                an environment of its own, from a package index; WITH_TORCH=1 for comparison
#     bash benchmarks/gpu.sh collect 3.12   where there is no index: fill .wheels (41 MB, which git ignores) for its Python,
#     bash benchmarks/gpu.sh                then there, with .wheels in place, on top of what its python3 has: Numba with
#                                           llvmlite, the libraries of CUDA 13 and the compiler of /usr/local/cuda, and
#                                           PyTorch for comparison. It takes less than ten minutes, whatever happens
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
if [ "${1:-}" = collect ]; then
  platforms=$(printf -- '--platform manylinux%s_x86_64 ' _2_28 _2_27 _2_24 _2_17 2014 _2_12 2010)
  # shellcheck disable=SC2086
  "$python" -m pip download -q --no-deps --only-binary=:all: --python-version "${2:?the version of Python there}" \
    --implementation cp $platforms -d .wheels 'numpy<2.5' 'numba-cuda>=0.30.4,<0.31' 'cuda-core<2' \
    'cuda-bindings==13.*' cuda-pathfinder 'nvmath-python>=1.0,<2' safetensors tqdm
  du -sh .wheels
  exit
fi
if [ -d .wheels ]; then
  site=$(mktemp -d)
  "$python" -m pip install -q --no-index --no-deps --no-compile --target "$site" .wheels/*.whl
  export PYTHONPATH=$site:$PWD:$PWD/kernels CUDA_HOME=${CUDA_HOME:-/usr/local/cuda}
else
  environment=${GPU_ENV:-.gpu-env}
  [ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
  driver=$(nvidia-smi 2>/dev/null | sed -n 's/.*CUDA[A-Za-z ]*Version: *\([0-9]*\).*/\1/p' | head -1)
  toolkit=cu13,cublas
  if [ -n "$driver" ] && [ "$driver" -lt 13 ]; then toolkit=cu12; fi
  python=$environment/bin/python
  "$python" -m pip install -q -e ".[$toolkit]" pytest
  if [ "${WITH_TORCH:-0}" = 1 ]; then "$python" -m pip install -q torch; fi
fi
"$python" -m numbatorch doctor
"$python" -m benchmarks.gpu "$@"
