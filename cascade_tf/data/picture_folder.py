"""Images of a folder that are neither cropped nor resized."""

import os
from collections.abc import Collection

import numpy as np

from cascade_tf.data.config import DataConfig
from cascade_tf.data.folder import decode_file
from cascade_tf.data.folder_listing import image_paths
from cascade_tf.data.image_files import printable
from cascade_tf.data.preprocessing import evaluation_image
from cascade_tf.errors import UserError


def read_pictures(
    folder: str, flag: str, sides: Collection[int], channels: int
) -> list[np.ndarray]:
    """Decodes the images of a folder, each a square of one of the sides.

    Args:
        folder: of the images, searched with its sub-folders.
        flag: name of the setting that gives the folder, for messages.
        sides: allowed heights, equal to widths, in pixels.
        channels: 1 or 3; colours are converted to grey as in the datasets.

    Returns:
        uint8 [side, side, channels] each, in the order of their paths.

    Raises:
        UserError: the folder is missing or has no images, or an image cannot be decoded or has
            another size.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (8, 8)).save(f"{folder}/1.png")
    ...     [image.shape for image in read_pictures(folder, "`from_images`", [4, 8], channels=1)]
    [(8, 8, 1)]
    """
    root = os.path.expanduser(folder)
    images = []
    for name in image_paths(root, flag):
        path = os.path.join(root, name)
        try:
            image = decode_file(os.fsencode(path))
        except ValueError as error:
            raise UserError(str(error)) from error
        height, width, _ = image.shape
        if height != width or height not in sides:
            allowed = " or ".join(f"{side}x{side}" for side in sorted(sides))
            raise UserError(
                f"{printable(os.fsencode(path))} is of {height}x{width} pixels: "
                f"use images of {allowed}"
            )
        config = DataConfig("folder", root, image_size=height, channels=channels)
        images.append(evaluation_image(image, config).numpy())
    return images
