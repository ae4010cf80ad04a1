"""Conversion of colours to sRGB by their ICC profiles."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

_SRGB = ImageCms.createProfile("sRGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Converts an image to RGB.

    Args:
        image: of mode L, RGB, CMYK or LAB.
        profile: of its colours. Without one, grey and RGB are taken for sRGB, and CMYK is converted
            by Pillow's formula.

    Returns:
        An image of mode RGB.

    >>> to_srgb(Image.new("L", (4, 2), 77), None).getpixel((0, 0))
    (77, 77, 77)
    """
    transform = srgb_transform(profile, image.mode)
    if transform is None and image.mode == "LAB":
        transform = _transform_from_lab()
    if transform is None:
        return image.convert("RGB")
    return transform.apply(image)


@functools.lru_cache(maxsize=64)
def srgb_transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile's colours to sRGB, or None if there is none to apply.

    There is none if the profile cannot be read, is for other colours than `mode`, or is sRGB: a
    file that names sRGB keeps its values, which rounding could move by 1.

    >>> srgb_transform(b"damaged", "RGB") is None
    True
    """
    if not profile:
        return None
    try:
        transform = ImageCms.buildTransform(io.BytesIO(profile), _SRGB, mode, "RGB")
        return None if _keeps_colours(transform, mode) else transform
    except Exception:  # of any type; the pixels are whole
        return None


def _keeps_colours(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform moves no value by more than 1."""
    if mode not in ("L", "RGB"):
        return False
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(len(levels), -1, 3)
    before = Image.fromarray(grid if mode == "RGB" else grid[..., 0])
    after = transform.apply(before)
    moved = np.asarray(after, np.int16) - np.asarray(before.convert("RGB"), np.int16)
    return bool(np.abs(moved).max() <= 1)


@functools.cache
def _transform_from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _SRGB, "LAB", "RGB")
