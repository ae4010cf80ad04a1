#!/usr/bin/env bash
# Pillow 13.0.0: colour JPEG 2000 images of 10, 12 and 16 bits lose their white. The brightest half
# level becomes 0, as values are divided by 2^(bits - 8) with rounding and then wrap at 256. Grey
# images of these depths, and colour of 8 bits, are right.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check Pillow==13.0.0 \
  imagecodecs==2026.3.6 numpy==2.2.6
cat >"$folder/white.py" <<'PY'
import io

import imagecodecs
import numpy as np
import PIL
from PIL import Image

print("Pillow", PIL.__version__)
lost = {}
for bits in (8, 10, 12, 16):
    levels = np.linspace(0, 2**bits - 1, 5).round().astype(np.uint8 if bits == 8 else np.uint16)
    for channels in (1, 3):
        image = np.repeat(np.repeat(levels[None, :, None], 8, 0), channels, 2).squeeze()
        data = imagecodecs.jpeg2k_encode(image, reversible=True, bitspersample=bits)
        assert np.array_equal(imagecodecs.jpeg2k_decode(data), image)
        seen = np.asarray(Image.open(io.BytesIO(data))).reshape(8, 5, channels)[0, :, 0]
        print(f"{bits} bits, {channels} channels: {levels.tolist()} are read as {seen.tolist()}")
        lost[bits, channels] = bool(seen[-1] == 0)
raise SystemExit(lost != {key: key[0] > 8 and key[1] == 3 for key in lost})
PY
"$folder/env/bin/python" "$folder/white.py"
