"""A feature space without weights: what a picture looks like from afar, and how sharp it is."""

import math

import numpy as np

from cascade_tf.errors import UserError
from cascade_tf.metrics.features import checked_images

_SIDE = 8  # of the thumbnail
_CELLS = 2  # parts of the picture, along each side, that have sharpness of their own
_DISTANCES = (1, 2, 4)  # pixels between which intensities are compared


class PixelFeatures:
    """Features counted from pixels alone, in plain arithmetic: no network, nothing learned.

    They are, for intensities of [0, 1]:

    - the picture resized to 8x8 by area, 64 C numbers: colours, and where they are;
    - for each quarter of the picture, 3 distances, and both directions, 24 numbers: log(e + 1/255),
      e being the root of the mean squared difference of two pixels that far from one another,
      over all channels. It falls with blur and rises with noise.

    They tell a model of wrong colours, of blurred or noisy pictures, or of few different ones,
    from a better model *of the same images*. They know nothing of objects: sets that differ to the
    eye can be near. Figures are no FID or KID, and cannot be set beside published ones.

    Args:
        image_shape: H, W and C of all images; the sides 8 or more, channels 1 or 3. Sharpness is
            that of pixels, so pictures of different sizes cannot be compared.

    Raises:
        UserError: images are too small.
    """

    checksum = None
    resizer = "area, to 8x8; sharpness at the size of the images"
    distance_name = "pixel_frechet_distance"
    kernel_distance_name = "pixel_kernel_distance"
    prefix = "pixel"

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        height, width, channels = self._image_shape = image_shape
        if min(height, width) < _SIDE:
            raise UserError(f"pixel features need {_SIDE}x{_SIDE} pixels, found {height}x{width}")
        self.name = f"pixels of {height}x{width}x{channels}"
        self.size = _SIDE**2 * channels + 2 * len(_DISTANCES) * _CELLS**2
        self._rows, self._columns = _area_weights(height), _area_weights(width)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """uint8 [N, H, W, C] to float32 [N, size]; raises UserError for other shapes."""
        if checked_images(images).shape[1:] != self._image_shape:
            raise UserError(
                f"images are of {images.shape[1:]}, the others of {self._image_shape}: "
                "pixel features compare images of one size"
            )
        pixels = images.astype(np.float32) / 255
        count, height, width, channels = pixels.shape
        strips = self._rows @ pixels.reshape(count, height, width * channels)
        thumbnail = self._columns @ strips.reshape(count, _SIDE, width, channels)
        parts = [thumbnail.reshape(count, _SIDE**2 * channels)]
        for rows in np.array_split(pixels, _CELLS, axis=1):
            for cell in np.array_split(rows, _CELLS, axis=2):
                for distance in _DISTANCES:
                    parts.append(_contrast(cell[:, distance:] - cell[:, :-distance]))
                    parts.append(_contrast(cell[:, :, distance:] - cell[:, :, :-distance]))
        return np.concatenate(parts, axis=1)

    def probabilities(self, features: np.ndarray) -> None:
        """None: pixels know no classes."""


def _contrast(differences: np.ndarray) -> np.ndarray:
    """Differences [N, h, w, C], perhaps none, to log contrast [N, 1]."""
    count = max(1, math.prod(differences.shape[1:]))
    energy = np.square(differences).sum(axis=(1, 2, 3)) / count
    return np.log(np.sqrt(energy) + 1 / 255)[:, None]


def _area_weights(length: int) -> np.ndarray:
    """float32 [8, length]: which part of each pixel lies in which eighth, rows summing to 1."""
    edges = np.arange(_SIDE + 1) * length / _SIDE
    pixels = np.arange(length)
    first, last = edges[:-1, None], edges[1:, None]
    overlap = np.minimum(last, pixels + 1) - np.maximum(first, pixels)
    return (np.maximum(overlap, 0) * _SIDE / length).astype(np.float32)
