"""Bits/dim of lossless image codecs, to set beside a model's on the same images."""

import io

import numpy as np

from cascade_tf.pictures import pillow_image, sheet

LARGEST_SIDE = 16383  # of a WebP image


def codec_bits_per_dim(images: np.ndarray) -> dict[str, float]:
    """Bits per dimension of PNG and lossless WebP, both at their strongest setting.

    The images are tiled on sheets, as large as the formats allow, so that file headers do not
    count against the codecs.

    Args:
        images: uint8 [N, H, W, C].
    """
    count, height, width, _ = images.shape
    columns = min(LARGEST_SIDE // width, int(np.ceil(np.sqrt(count))))
    # Whole rows where possible: white filling would be charged to the codec.
    columns = next((c for c in range(columns, columns // 2, -1) if count % c == 0), columns)
    per_sheet = columns * (LARGEST_SIDE // height)
    options = {
        "png": {"format": "PNG", "optimize": True},
        "webp": {"format": "WEBP", "lossless": True, "quality": 100, "method": 6},
    }
    sizes = dict.fromkeys(options, 0)
    for start in range(0, count, per_sheet):
        page = pillow_image(sheet(images[start : start + per_sheet], columns))
        for name, option in options.items():
            file = io.BytesIO()
            page.save(file, **option)
            sizes[name] += file.tell()
    return {name: 8 * size / images.size for name, size in sizes.items()}
