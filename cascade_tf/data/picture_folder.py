"""A folder of pictures taken as they are, neither cropped nor resized."""

import os
from collections.abc import Collection

import numpy as np

from cascade_tf.data.config import DataConfig
from cascade_tf.data.folder import decode_file, printable
from cascade_tf.data.folder_listing import image_paths
from cascade_tf.data.preprocessing import evaluation_image
from cascade_tf.errors import UserError


def read_pictures(
    folder: str, flag: str, sides: Collection[int], channels: int
) -> list[np.ndarray]:
    """Decodes the pictures of a folder, each a square of one of the sides.

    Args:
        folder: with its sub-folders, where the pictures are.
        flag: that named it, for messages.
        sides: in pixels.
        channels: 1 or 3; colour becomes grey as in the datasets.

    Returns:
        uint8 [side, side, channels] each, in the order of their paths.

    Raises:
        UserError: no such folder, none in it, or one that cannot be decoded or is of another size.
    """
    root = os.path.expanduser(folder)
    pictures = []
    for name in image_paths(root, flag):
        path = os.path.join(root, name)
        try:
            picture = decode_file(os.fsencode(path))
        except ValueError as error:
            raise UserError(str(error)) from error
        height, width, _ = picture.shape
        if height != width or height not in sides:
            wanted = " or ".join(f"{side}x{side}" for side in sorted(sides))
            raise UserError(
                f"{printable(os.fsencode(path))} is of {height}x{width} pixels: "
                f"give pictures of {wanted}"
            )
        config = DataConfig("folder", root, image_size=height, channels=channels)
        pictures.append(evaluation_image(picture, config).numpy())
    return pictures
