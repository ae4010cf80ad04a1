"""Causal predictions of intensities, from which distributions and embeddings may start.

All predictions are integers, so that training and sampling compute exactly the same ones.

- In the first slice: the median edge detector of the three neighbours before a pixel (Weinberger
  et al., 2000, "LOCO-I", equation 1).
- In later slices: linear interpolation between the nearest pixels of earlier slices, in the row
  and in the column. Such pixels are nearer than any of the slice's own, and on both sides.
- Green and blue: the error of the colour before is added.

Shape letters: B images, S scale, h x w pixels of a slice, C colours.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Prediction(NamedTuple):
    """Predictions of intensities.

    Attributes:
        intensity: int32 [..., C] in [lowest, lowest + classes), of each intensity.
        errors: int32 [..., C, C - 1], the differences of the pixel's earlier colours and their
            spatial predictions; zero for later colours.
        lowest: int32 [..., C], the lowest intensity that is possible: in depth upscaling that of
            the coarse bits, elsewhere zero.
    """

    intensity: tf.Tensor
    errors: tf.Tensor
    lowest: tf.Tensor

    def of(self, colour: int) -> "Prediction":
        """That of one colour, without the axis C."""
        return Prediction(
            self.intensity[..., colour], self.errors[..., colour, :], self.lowest[..., colour]
        )


def interpolation(slices: tf.Tensor, target: tf.Tensor, levels: int) -> tf.Tensor:
    """Predicts a slice by linear interpolation between pixels of earlier slices.

    At meta-position (i, j), the nearest known pixels of a row are 1 to the left and S - j to the
    right; those of a column 1 above and S - i below. Where both exist, the prediction is the
    average of the two. The first slice has none, and its prediction is levels / 2.

    Args:
        slices: int32 [B, S*S, h, w, C]. The target and later slices have no effect.
        target: int32 [B], number of the slice.
        levels: the number of intensities.

    Returns:
        int32 [B, h, w, C].

    >>> slices = tf.reshape(tf.constant([0, 0, 40, 40]), [1, 4, 1, 1, 1])
    >>> int(interpolation(slices, tf.constant([3]), levels=256)[0, 0, 0, 0])
    20
    """
    scale = round(slices.shape[1] ** 0.5)
    row, column = target // scale, target % scale
    left, right = _sides(slices, target - 1, row * scale, axis=2)
    above, below = _sides(slices, target - scale, column, axis=1)
    horizontal = _between(left, right, column, scale)
    vertical = _between(above, below, row, scale)
    both = _where((row > 0) & (column > 0), (horizontal + vertical + 1) // 2, horizontal + vertical)
    return _where(target > 0, both, levels // 2)


def _sides(
    slices: tf.Tensor, before: tf.Tensor, after: tf.Tensor, axis: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The neighbours on both sides along an axis of slices.

    The neighbour before has the same place in another slice. The one after lies in the first slice
    of the row or column of slices, at the next place; at the image's border, where there is none,
    the neighbour before stands in.
    """
    before = tf.gather(slices, tf.maximum(before, 0), batch_dims=1)
    first = tf.gather(slices, after, batch_dims=1)
    if axis == 1:
        return before, tf.concat([first[:, 1:], before[:, -1:]], axis=1)
    return before, tf.concat([first[:, :, 1:], before[:, :, -1:]], axis=2)


def _between(near: tf.Tensor, far: tf.Tensor, offset: tf.Tensor, scale: int) -> tf.Tensor:
    """Interpolates 1 from `near` and scale - offset from `far`, rounded; 0 at offset 0."""
    offset = offset[:, None, None, None]
    steps = scale - offset + 1
    value = (near * (steps - 1) + far + steps // 2) // steps
    return tf.where(offset > 0, value, 0)


def _where(condition: tf.Tensor, x: tf.Tensor, y: tf.Tensor | int) -> tf.Tensor:
    return tf.where(condition[:, None, None, None], x, y)


def median_edge(
    west: tf.Tensor,
    north: tf.Tensor,
    north_west: tf.Tensor,
    row: tf.Tensor,
    column: tf.Tensor,
    levels: int,
) -> tf.Tensor:
    """The median of west, north and west + north - north_west.

    In the first row it is west, in the first column north, and of the first pixel levels / 2.

    Args:
        west, north, north_west: int32 [..., C], the neighbours; of any value outside the image.
        row, column: int32, of the pixels, broadcast against the neighbours.
        levels: the number of intensities.

    >>> int(median_edge(*tf.constant([10, 50, 50]), row=1, column=1, levels=256))
    10
    """
    north = tf.where(row > 0, north, tf.where(column > 0, west, levels // 2))
    west = tf.where(column > 0, west, north)
    north_west = tf.where((row > 0) & (column > 0), north_west, north)
    low, high = tf.minimum(west, north), tf.maximum(west, north)
    return tf.clip_by_value(west + north - north_west, low, high)


def median_edges(pixels: tf.Tensor, levels: int) -> tf.Tensor:
    """`median_edge` of every pixel of a slice, int32 [B, h, w, C]."""
    _, height, width, _ = pixels.shape
    shifted = tf.pad(pixels, [[0, 0], [1, 0], [1, 0], [0, 0]])
    rows = np.arange(height, dtype=np.int32)[:, None, None]
    columns = np.arange(width, dtype=np.int32)[None, :, None]
    return median_edge(
        shifted[:, 1:, :-1], shifted[:, :-1, 1:], shifted[:, :-1, :-1], rows, columns, levels
    )


def predict(
    spatial: tf.Tensor, pixels: tf.Tensor, lowest: tf.Tensor | None, levels: int, classes: int
) -> Prediction:
    """Predictions of all colours, from spatial ones and the pixel's earlier colours.

    Args:
        spatial: int32 [..., C], predictions from other pixels.
        pixels: int32 [..., C], the intensities. Colour c of the result depends on those before c.
        lowest: int32 [..., C], the lowest possible intensities; None: zero.
        levels: the number of intensities.
        classes: the number of possible intensities of a subpixel.

    >>> grey, pixel = tf.constant([100, 100, 100]), tf.constant([130, 128, 0])
    >>> predict(grey, pixel, None, levels=256, classes=256).intensity.numpy()
    array([100, 130, 128], dtype=int32)
    """
    errors = pixels - spatial
    if lowest is None:
        lowest = tf.zeros_like(spatial)
    before = tf.concat([tf.zeros_like(errors[..., :1]), errors[..., :-1]], axis=-1)
    intensity = tf.clip_by_value(spatial + before, 0, levels - 1)
    intensity = tf.clip_by_value(intensity, lowest, lowest + classes - 1)
    return Prediction(intensity, _of_earlier_colours(errors), lowest)


def middle(spatial: tf.Tensor, pixels: tf.Tensor, lowest: tf.Tensor | None) -> Prediction:
    """Predictions that are no more than `spatial`, for distributions that are not relative.

    Args:
        spatial: int32 [..., C], the middle of the range.
        pixels, lowest: as in `predict`.

    >>> middle(tf.constant([4, 4, 4]), tf.constant([1, 2, 3]), None).errors.numpy().tolist()
    [[0, 0], [-3, 0], [-3, -2]]
    """
    if lowest is None:
        lowest = tf.zeros_like(spatial)
    return Prediction(spatial, _of_earlier_colours(pixels - spatial), lowest)


def _of_earlier_colours(errors: tf.Tensor) -> tf.Tensor:
    """The errors of all colours, [..., C], as [..., C, C - 1]; zero for later colours."""
    colours = errors.shape[-1]
    earlier = np.tril(np.ones([colours, colours - 1], np.int32), k=-1)
    return errors[..., None, :-1] * earlier
