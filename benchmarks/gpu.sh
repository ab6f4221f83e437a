#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: an environment of its own with what is needed, then the check and the figures.
# With PyTorch for comparison: WITH_TORCH=1 bash benchmarks/gpu.sh. Options are those of benchmarks/gpu.py.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=${GPU_ENV:-.gpu-env}
if [ ! -x "$environment/bin/python" ]; then
  "${PYTHON:-python3}" -m venv "$environment"
fi
driver=$(nvidia-smi 2>/dev/null | sed -n 's/.*CUDA[A-Za-z ]*Version: *\([0-9]*\).*/\1/p' | head -1)
toolkit=cu13
if [ -n "$driver" ] && [ "$driver" -lt 13 ]; then toolkit=cu12; fi
"$environment/bin/pip" install -q -e ".[$toolkit]" pytest
if [ "${WITH_TORCH:-0}" = 1 ]; then "$environment/bin/pip" install -q torch; fi
"$environment/bin/python" -m numbatorch doctor
"$environment/bin/python" -m benchmarks.gpu "$@"
