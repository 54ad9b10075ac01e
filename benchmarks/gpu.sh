#!/bin/sh
# On a machine with an NVIDIA GPU and PyTorch for it: the CUDA tests, then the benchmark (without ResNet164).
#
#   benchmarks/gpu.sh [OUT]                    results in OUT (default: docs/results)
#   DATA_DIR=data benchmarks/gpu.sh            with CIFAR-10, for test errors; else random pixels, seconds only
#   WHEELS=folder benchmarks/gpu.sh            installs missing packages from a folder of wheels, without a network
#   PYTHON=python3.12 benchmarks/gpu.sh        another Python; its PyTorch is used as it is
#
# ResNet164 takes longest, and runs on its own; stopped, the same command goes on from its checkpoint:
#   python benchmarks/bench_cuda.py --part resnet164 --data-dir data --checkpoint runs/resnet164
# The core-set run of the paper, stopped and resumed alike:
#   sksvp coreset --dataset cifar10 --data-dir data --seeds 3 --out runs/cifar10 --resume
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
OUT=${1:-docs/results}

if [ -n "${WHEELS:-}" ]; then
    # PyTorch itself stays: no wheel may pull another one in.
    "$PYTHON" -m pip install --quiet --no-index --no-deps "$WHEELS"/*.whl
fi
"$PYTHON" -c 'import torch; assert torch.cuda.is_available(), "torch sees no GPU"; print(torch.__version__, torch.cuda.get_device_name())'
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
# Only the files with such tests: others may import what this machine lacks.
"$PYTHON" -m pytest -q -m gpu -p no:cacheprovider $(grep -l "mark\.gpu" tests/test_*.py) && failed=0 || failed=$?
[ "$failed" = 0 ] || echo "CUDA tests FAILED" >&2
"$PYTHON" benchmarks/bench_cuda.py --threads "$(nproc)" --out "$OUT" ${DATA_DIR:+--data-dir "$DATA_DIR"}
# The benchmark is run in any case.
exit "$failed"
