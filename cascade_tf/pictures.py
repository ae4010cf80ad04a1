"""Grids of images, enlargement and PNG files, for display."""

import io
import math

import numpy as np
from PIL import Image

LARGEST_SIDE = 4096  # pixels of an enlarged image


def sheet(images: np.ndarray, columns: int | None = None, gap: int = 0) -> np.ndarray:
    """Tiles images into a grid, row by row.

    Args:
        images: uint8 [N, H, W, C].
        columns: images in a row; by default the grid is nearly square.
        gap: white pixels between images.

    Returns:
        uint8 [rows * (H + gap) - gap, columns * (W + gap) - gap, C]; empty cells are white.

    >>> sheet(np.zeros([5, 8, 8, 3], np.uint8), columns=3, gap=1).shape
    (17, 26, 3)
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
    """Nearest-neighbour upsampling, uint8 [N, h, w, C] to [N, height, width, C].

    `height` and `width` are multiples of h and w.

    >>> resize_nearest(np.array([[[[1], [2]]]], np.uint8), 1, 4).ravel().tolist()
    [1, 1, 2, 2]
    """
    return images.repeat(height // images.shape[1], 1).repeat(width // images.shape[2], 2)


def pillow_image(image: np.ndarray) -> Image.Image:
    """Pillow image of an array, uint8 [H, W, C], C 1 or 3."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def png_bytes(image: np.ndarray) -> bytes:
    """Content of a PNG file of an image, uint8 [H, W, C].

    >>> png_bytes(np.zeros([8, 8, 3], np.uint8))[1:4]
    b'PNG'
    """
    file = io.BytesIO()
    pillow_image(image).save(file, "PNG")
    return file.getvalue()


def enlarge(image: np.ndarray, smallest_side: int = 512) -> np.ndarray:
    """Upsamples a small image for display, by repeating pixels an integer number of times.

    Args:
        image: uint8 [H, W, C].
        smallest_side: least height and width of the result, unless another side would exceed
            LARGEST_SIDE.

    >>> enlarge(np.zeros([32, 48, 3], np.uint8)).shape
    (512, 768, 3)
    """
    factor = math.ceil(smallest_side / min(image.shape[:2]))
    factor = max(1, min(factor, LARGEST_SIDE // max(image.shape[:2])))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)
