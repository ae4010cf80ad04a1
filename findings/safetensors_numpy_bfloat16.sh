#!/usr/bin/env bash
# safetensors 0.8.0, its NumPy reader: a valid file with a bfloat16 tensor ends in a bare
# KeyError('BF16'), not in the package's own SafetensorError, and neither the file nor the tensor is
# named. The package's reader without NumPy, `deserialize`, takes the same file.
# Exits 1 if that changes.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.2.6
"$directory/venv/bin/python" - <<'PYTHON'
import json
import struct

import safetensors
import safetensors.numpy

weight = {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}
header = json.dumps({"weight": weight}).encode()
file = struct.pack("<Q", len(header)) + header + bytes([0x80, 0x3F]) * 2  # 1.0 twice
names = [name for name, _ in safetensors.deserialize(file)]
print("safetensors", safetensors.__version__, "deserialize reads", names)
try:
    found = f"values {safetensors.numpy.load(file)}"
except Exception as error:
    found = f"{type(error).__name__}: {error}"
print("safetensors.numpy.load:", found)
raise SystemExit(found != "KeyError: 'BF16'")
PYTHON
