"""Pictures before they are compressed, and as an archive gives them back."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from cascade_tf.data.deep_pixels import with_8_bits
from cascade_tf.errors import UserError

# By mode of Pillow of a kept file: the mode of its pixels.
_MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB", "LA": "RGBA", "RGBA": "RGBA"}


class Picture(NamedTuple):
    """A picture to compress, or a file that is kept as it is.

    Attributes:
        pixels: uint8 [H, W, C] of 1 or 3 channels; None for a file.
        name: of the file; empty if it is not to be kept.
        file: its bytes; of a picture that does not come back they are kept, or else a PNG file.
        label: class of the picture.
    """

    pixels: np.ndarray | None
    name: str = ""
    file: bytes = b""
    label: int = 0


class Restored(NamedTuple):
    """A picture of an archive.

    Attributes:
        name: of the file, or empty.
        pixels: uint8 [H, W, C]; None for a file that was kept as it is.
        file: its bytes, or empty.
    """

    name: str
    pixels: np.ndarray | None
    file: bytes

    def as_pixels(self) -> np.ndarray:
        """The picture, or that of the file, uint8 [H, W, C]; UserError if the file has none."""
        if self.pixels is not None:
            return self.pixels
        try:
            with Image.open(io.BytesIO(self.file)) as image:
                if with_8_bits(image, self.file) is not image or image.mode not in _MODES:
                    raise ValueError
                own = "RGBA" if image.has_transparency_data else _MODES[image.mode]
                pixels = np.asarray(image.convert(own))
        except Exception as error:  # damaged files raise errors of any type
            raise UserError(
                f"{self.name or 'a file'} in the archive is no picture of 8 bits: use the command "
                f"`cascade-tf decompress`, which gives the file itself"
            ) from error
        return pixels.reshape(*pixels.shape[:2], -1)
