"""A feature space without weights: thumbnails and sharpness of images."""

import math

import numpy as np

from cascade_tf.errors import UserError
from cascade_tf.metrics.features import checked_images

_SIDE = 8  # of the thumbnail
_CELLS = 2  # per side of the image, each with its own sharpness
_DISTANCES = (1, 2, 4)  # between the pixels whose intensities are compared


class PixelFeatures:
    """Features computed from pixels by fixed arithmetic, without a network.

    For intensities in [0, 1], the features are:

    - the image resized to 8x8 by area, 64 C numbers, for the layout of colours;
    - log(e + 1/255) for each quarter of the image, 3 distances and both directions, 24 numbers.
      Here e is the root mean squared difference of pixels at that distance, over all channels. It
      decreases with blur and increases with noise.

    They distinguish models *of the same images* with wrong colours, blur, noise or little
    diversity from better ones. They ignore objects, so sets that look different can be near.
    Metrics of them are no FID or KID, and not comparable with published values.

    Args:
        image_shape: H, W and C of all images; H and W 8 or more, C 1 or 3. Sharpness depends on
            the resolution, so images of different sizes cannot be compared.

    Raises:
        UserError: H or W is below 8.

    >>> PixelFeatures((16, 16, 3))(np.zeros([2, 16, 16, 3], np.uint8)).shape
    (2, 216)
    """

    checksum = None
    resizer = "area, to 8x8; sharpness at the size of the images"
    distance_name = "pixel_frechet_distance"
    kernel_distance_name = "pixel_kernel_distance"
    sliced_distance_name = "pixel_sliced_distance"
    prefix = "pixel"

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        height, width, channels = self._image_shape = image_shape
        if min(height, width) < _SIDE:
            raise UserError(f"pixel features need {_SIDE}x{_SIDE} pixels, not {height}x{width}")
        self.name = f"pixels of {height}x{width}x{channels}"
        self.size = _SIDE**2 * channels + 2 * len(_DISTANCES) * _CELLS**2
        self._rows, self._columns = _area_weights(height), _area_weights(width)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Extracts features: uint8 [N, H, W, C] to float32 [N, size].

        Raises:
            UserError: images of another shape or dtype.
        """
        if checked_images(images).shape[1:] != self._image_shape:
            raise UserError(
                f"images have shape {images.shape[1:]}, the others {self._image_shape}: "
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
        """None, since there is no classifier."""


def _contrast(differences: np.ndarray) -> np.ndarray:
    """Log contrast [N, 1] of differences [N, h, w, C]; h or w may be 0."""
    count = max(1, math.prod(differences.shape[1:]))
    energy = np.square(differences).sum(axis=(1, 2, 3)) / count
    return np.log(np.sqrt(energy) + 1 / 255)[:, None]


def _area_weights(length: int) -> np.ndarray:
    """Matrix of an area resize to 8 pixels, float32 [8, length]; rows sum to 1."""
    edges = np.arange(_SIDE + 1) * length / _SIDE
    pixels = np.arange(length)
    first, last = edges[:-1, None], edges[1:, None]
    overlap = np.minimum(last, pixels + 1) - np.maximum(first, pixels)
    return (np.maximum(overlap, 0) * _SIDE / length).astype(np.float32)
