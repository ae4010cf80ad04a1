"""Decoding of image files to 8-bit RGB, with Pillow, or for plain JPEG in a graph."""

import io

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps

JPEG = b"\xff\xd8\xff"  # first bytes of such files


def decode_rgb(encoded: bytes) -> np.ndarray:
    """Decodes a PNG, JPEG or WebP file as a viewer would show it.

    The EXIF orientation is applied, transparency is composited over white, and 16 bits are reduced
    to 8. Of an animation, the first frame is decoded.

    Args:
        encoded: the file's content.

    Returns:
        uint8 [h, w, 3].

    Raises:
        Exception: of any type that Pillow or TensorFlow raises for a damaged file.

    >>> file = io.BytesIO()
    >>> Image.new("L", (4, 2)).save(file, "PNG")
    >>> decode_rgb(file.getvalue()).shape
    (2, 4, 3)
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
    """Whether a file begins as a grey or RGB JPEG that needs no EXIF rotation.

    >>> is_plain_jpeg(b"GIF89a")
    False
    """
    if not encoded.startswith(JPEG):
        return False
    try:
        with Image.open(io.BytesIO(encoded)) as file:  # reads only the header
            rotated = file.getexif().get(ExifTags.Base.Orientation, 1) != 1
            return file.mode in ("RGB", "L") and not rotated
    except Exception:  # damaged files raise errors of any type
        return False


def decode_jpeg(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes plain JPEG in a graph.

    Args:
        encoded: string scalar, the file's content.

    Returns:
        uint8 [h, w, 3].

    Raises:
        tf.errors.InvalidArgumentError: the file is damaged, or has 179 million pixels or more.

    >>> file = io.BytesIO()
    >>> Image.new("RGB", (4, 2)).save(file, "JPEG")
    >>> decode_jpeg(file.getvalue()).shape
    TensorShape([2, 4, 3])
    """
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
