#!/usr/bin/env bash
# Pillow 13.0.0 reads two kinds of TIFF wrongly, without an error:
# - 16-bit colour in separate planes: other values; interleaved, the same image is right;
# - compressed float32 in big-endian order: bytes are not swapped; uncompressed, they are.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check Pillow==13.0.0 \
  tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.2.6
cat >"$folder/tiff.py" <<'PY'
import io

import numpy as np
import PIL
import tifffile
from PIL import Image

print("Pillow", PIL.__version__, "tifffile", tifffile.__version__)
colour = np.arange(90, dtype=np.uint16).reshape(6, 5, 3) * 700
fractions = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


def read(image, **how):
    file = io.BytesIO()
    tifffile.imwrite(file, image, **how)
    file.seek(0)
    assert np.array_equal(tifffile.imread(file), image)
    file.seek(0)
    return np.asarray(Image.open(file), np.float64)


def error(seen, expected):
    worst = float(np.nanmax(np.abs(seen - expected)))
    print(f"  largest error {worst:.3g}")
    return worst


print("16-bit colour, interleaved and in planes, read as 8 bits:")
interleaved = error(read(colour, photometric="rgb", planarconfig="contig"), colour // 256)
planes = colour.transpose(2, 0, 1)
separate = error(read(planes, photometric="rgb", planarconfig="separate"), colour // 256)
print("float32, big-endian, uncompressed and compressed:")
plain = error(read(fractions, byteorder=">"), fractions)
compressed = error(read(fractions, byteorder=">", compression="zlib"), fractions)
as_before = interleaved == 0 and separate > 100 and plain == 0 and compressed > 1
raise SystemExit(not as_before)
PY
"$folder/env/bin/python" "$folder/tiff.py"
