"""Image files of any kind to plain 8-bit RGB, through Pillow, and TensorFlow for plain JPEG."""

import io

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps


def decode_rgb(encoded: bytes) -> np.ndarray:
    """Decodes a PNG, JPEG or WebP file as a viewer would show it.

    The EXIF orientation is applied, transparency is laid over white, 16 bits become 8, and an
    animation gives its first frame.

    Args:
        encoded: the file's content.

    Returns:
        uint8 [h, w, 3].

    Raises:
        Exception: whatever Pillow or TensorFlow raises for a file that is not, or not entirely, an
            image.
    """
    with Image.open(io.BytesIO(encoded)) as file:
        if file.format == "JPEG" and file.mode in ("RGB", "L") and not _is_turned(file):
            # The same pixels in less time.
            return np.asarray(tf.io.decode_jpeg(encoded, 3, dct_method="INTEGER_ACCURATE"))
        ImageOps.exif_transpose(file, in_place=True)
        image: Image.Image = file
        if image.mode.startswith("I"):  # 16-bit grey, which Pillow's convert() would clip
            grey = np.rint(np.asarray(image, np.float32) / 257).astype(np.uint8)
            return np.stack([grey] * 3, axis=-1)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _is_turned(file: Image.Image) -> bool:
    return file.getexif().get(ExifTags.Base.Orientation, 1) != 1
