"""Pictures for people: sheets of many images in one, and PNG files."""

import io
import math

import numpy as np
from PIL import Image

LARGEST_SIDE = 4096  # pixels of an enlarged picture


def sheet(images: np.ndarray, columns: int | None = None, gap: int = 0) -> np.ndarray:
    """Tiles images on one sheet, row by row.

    Args:
        images: uint8 [N, H, W, C].
        columns: images in a row; by default as many as make the sheet nearly square.
        gap: pixels of white between images.

    Returns:
        uint8 [rows * (H + gap) - gap, columns * (W + gap) - gap, C]; empty places are white.
    """
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    page = np.full((rows * columns, height + gap, width + gap, channels), 255, np.uint8)
    page[:count, :height, :width] = images
    page = page.reshape(rows, columns, height + gap, width + gap, channels)
    page = page.transpose(0, 2, 1, 3, 4).reshape(
        rows * (height + gap), columns * (width + gap), channels
    )
    return page[: page.shape[0] - gap, : page.shape[1] - gap]


def resize_nearest(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Repeats pixels: uint8 [N, h, w, C] to [N, height, width, C], multiples of h and w."""
    return images.repeat(height // images.shape[1], 1).repeat(width // images.shape[2], 2)


def pillow_image(image: np.ndarray) -> Image.Image:
    """uint8 [H, W, C], C 1 or 3, as a Pillow image."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def png_bytes(image: np.ndarray) -> bytes:
    """uint8 [H, W, C] as a PNG file."""
    file = io.BytesIO()
    pillow_image(image).save(file, "PNG")
    return file.getvalue()


def enlarge(image: np.ndarray, smallest_side: int = 512) -> np.ndarray:
    """Repeats pixels a whole number of times, so that a small picture can be looked at."""
    factor = math.ceil(smallest_side / min(image.shape[:2]))
    factor = max(1, min(factor, LARGEST_SIDE // max(image.shape[:2])))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)
