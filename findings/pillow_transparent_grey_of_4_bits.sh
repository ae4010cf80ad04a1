#!/usr/bin/env bash
# Pillow 13.0.0: a grey PNG of 2 or 4 bits names a transparent level in its tRNS chunk. Pillow scales
# the pixels to 8 bits and not that level, so convert("RGBA") leaves the level opaque. pypng, which
# wrote the file, makes it transparent. Of 8 bits, both agree.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check Pillow==13.0.0 \
  pypng==0.20220715.0
cat >"$folder/grey.py" <<'PY'
import io

import PIL
import png
from PIL import Image

print("Pillow", PIL.__version__, "pypng", png.__version__)
agree = {}
for bits in (2, 4, 8):
    levels = list(range(min(2**bits, 16)))
    file = io.BytesIO()
    png.Writer(len(levels), 1, greyscale=True, bitdepth=bits, transparent=1).write(file, [levels])
    _, _, rows, _ = png.Reader(bytes=file.getvalue()).asRGBA8()
    expected = list(list(rows)[0])[3::4]
    seen = list(Image.open(file).convert("RGBA").getdata(3))
    print(f"{bits} bits, level 1 is transparent: alpha {seen[:4]}, pypng {expected[:4]}")
    agree[bits] = seen == expected
raise SystemExit(agree != {2: False, 4: False, 8: True})
PY
"$folder/env/bin/python" -W ignore "$folder/grey.py"
