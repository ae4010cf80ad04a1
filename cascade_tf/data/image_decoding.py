"""Decoding of image files to 8-bit RGB: with Pillow, or plain JPEG and PNG in a graph.

Every source of images, and every folder that a command reads, is decoded by these functions, so
the same file has the same pixels everywhere. JPEG is decoded with the accurate integer DCT
(`INTEGER_ACCURATE` in TensorFlow), as Pillow does; TensorFlow's default is a faster one.
"""

import contextlib
import io
import warnings

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image, ImageFile

from cascade_tf.data.colour_profiles import srgb_transform, to_srgb
from cascade_tf.data.deep_pixels import with_8_bits
from cascade_tf.data.png_chunks import PNG, depth, has_pixels_only, without_metadata

JPEG = b"\xff\xd8\xff"  # first bytes of such files
# Version of the rules in this file. A cache of images that others decoded is not used.
RULES = 3

# Pillow's warnings of metadata that it cannot read.
warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_rgb(encoded: bytes) -> np.ndarray:
    """Decodes an image file of any kind that Pillow opens, as a viewer would show it.

    The steps are, in this order: more than 8 bits become 8 (`deep_pixels.py`), colours become sRGB
    by the ICC profile, transparent parts become white, and the EXIF orientation is applied. Of
    several frames or pages, the first is decoded. Metadata that cannot be read is ignored.

    Args:
        encoded: the file's content.

    Returns:
        uint8 [h, w, 3].

    Raises:
        Exception: of any type that Pillow or TensorFlow raises for a damaged file; a ValueError if
            there is no rule for the values of its pixels.

    >>> file = io.BytesIO()
    >>> Image.new("L", (4, 2)).save(file, "PNG")
    >>> decode_rgb(file.getvalue()).shape
    (2, 4, 3)
    """
    if encoded.startswith(JPEG) and is_plain(encoded):
        return np.asarray(decode_plain(encoded))
    if not encoded.startswith(PNG):
        return _decoded_by_pillow(encoded)
    # Pillow refuses a PNG file for its metadata: large texts, damaged chunks.
    for content in (encoded, without_metadata(encoded)):
        with contextlib.suppress(Exception):
            return _decoded_by_pillow(content)
    return _decoded_by_pillow(without_metadata(encoded, kept=()))


def _decoded_by_pillow(encoded: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(encoded)) as file:
        if file.mode == "L" and encoded.startswith(PNG):
            _scale_transparent_grey(file, depth(encoded))
        image = with_8_bits(file, encoded)
        colours, alpha = _colours_and_alpha(image)
        image = to_srgb(colours, file.info.get("icc_profile"))
        if alpha is not None:
            image.putalpha(alpha)
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image).convert("RGB")
        turn = _turn(file)
        return np.asarray(image if turn is None else image.transpose(turn))


def _scale_transparent_grey(file: ImageFile.ImageFile, bits: int) -> None:
    """Scales a PNG file's transparent grey of 2 or 4 bits to 8; Pillow 13 scales only pixels."""
    grey = file.info.get("transparency")
    if isinstance(grey, int):
        white = 2**bits - 1
        file.info["transparency"] = (grey & white) * 255 // white


def _colours_and_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """An image of mode L, RGB, CMYK or LAB, and its transparency, of mode L."""
    if image.mode in ("CMYK", "LAB"):
        return image, None
    mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
    if not image.has_transparency_data:
        return image.convert(mode), None
    image = image.convert("RGBA")
    return image.convert(mode), image.getchannel("A")


def _turn(file: ImageFile.ImageFile) -> Image.Transpose | None:
    """What the orientation in EXIF or XMP asks for; None if it is upright or cannot be read."""
    try:
        return _TURNS.get(int(file.getexif().get(ExifTags.Base.Orientation, 1)))
    except Exception:  # of any type
        return None


def is_plain(encoded: bytes) -> bool:
    """Whether a file begins as JPEG or PNG that a graph decodes like `decode_rgb`.

    It is grey or RGB with 8 bits at most, needs no turn and no other colours, and is opaque.

    >>> is_plain(b"GIF89a")
    False
    """
    if not encoded.startswith((JPEG, PNG)):
        return False
    try:
        with Image.open(io.BytesIO(encoded)) as file:  # reads only the header
            if file.mode not in ("RGB", "L"):
                return False
            if file.format == "PNG":
                return depth(encoded) <= 8 and has_pixels_only(encoded)
            profile = file.info.get("icc_profile")
            return _turn(file) is None and srgb_transform(profile, file.mode) is None
    except Exception:  # damaged files raise errors of any type
        return False


def decode_plain(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes plain JPEG or PNG in a graph.

    Args:
        encoded: string scalar, the file's content; see `is_plain`.

    Returns:
        uint8 [h, w, 3].

    Raises:
        tf.errors.InvalidArgumentError: the file is damaged, or has 179 million pixels or more.

    >>> file = io.BytesIO()
    >>> Image.new("RGB", (4, 2)).save(file, "JPEG")
    >>> decode_plain(file.getvalue()).shape
    TensorShape([2, 4, 3])
    """
    # This operation takes PNG, too; tf.io.decode_image has no choice of the DCT.
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def decode_plain_or_nothing(encoded: tf.Tensor) -> tf.Tensor:
    """Like `decode_plain`, but [0, 0, 3] for an empty string and for damaged files.

    A graph cannot catch an error, but a dataset can, so the file gets one of its own.

    >>> decode_plain_or_nothing(tf.constant(b"damaged")).shape
    TensorShape([0, 0, 3])
    """
    nothing = tf.zeros([0, 0, 3], tf.uint8)

    def in_dataset() -> tf.Tensor:
        decoded = tf.data.Dataset.from_tensors(encoded).map(decode_plain).ignore_errors()
        otherwise = tf.data.Dataset.from_tensors(nothing)
        return decoded.concatenate(otherwise).take(1).get_single_element()

    return tf.cond(encoded != b"", in_dataset, lambda: nothing)
