"""Image files of any kind to plain 8-bit RGB, through Pillow, or, plain JPEG, in a graph."""

import io

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps

JPEG = b"\xff\xd8\xff"  # what such files begin with


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
    if is_plain_jpeg(encoded):
        return np.asarray(decode_jpeg(encoded))
    with Image.open(io.BytesIO(encoded)) as file:
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


def is_plain_jpeg(encoded: bytes) -> bool:
    """Whether a file is JPEG, grey or RGB, and, if whole, is to be shown as it is stored."""
    if not encoded.startswith(JPEG):
        return False
    try:
        with Image.open(io.BytesIO(encoded)) as file:  # reads the header alone
            turned = file.getexif().get(ExifTags.Base.Orientation, 1) != 1
            return file.mode in ("RGB", "L") and not turned
    except Exception:  # Pillow raises of every kind on mutilated files
        return False


def decode_jpeg(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes plain JPEG in a graph.

    Args:
        encoded: string scalar, the file's content.

    Returns:
        uint8 [h, w, 3].

    Raises:
        tf.errors.InvalidArgumentError: the file is damaged, or has 179 million pixels or more.
    """
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
