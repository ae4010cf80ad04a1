"""The predictions of intensities one pixel at a time, equal to those of `SubscalePixelNetwork`."""

import tensorflow as tf

from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.autoregressive_config import AutoregressiveConfig
from spn_tf.intensity_prediction import Prediction, median_edge, middle, predict
from spn_tf.ordering import places_of

# Intensities of the row above and of the current row so far, int32 [B, w, C] each. If blocks of
# pixels are drawn, those of the image so far, [B, H, W, C].
Rows = tuple[tf.Tensor, ...]


class CachedPrediction:
    """Predictions of a slice's intensities, as they are chosen.

    Args:
        config: of the network.
        target: int32 scalar, number of the slice.
        interpolated: int32 [B, h, w, C], see `SubscalePixelNetwork.interpolation`.
        coarse: int32 [B, h, w, C] in [0, 2**coarse_bits), of the slice, or None.
    """

    def __init__(
        self,
        config: AutoregressiveConfig,
        target: tf.Tensor,
        interpolated: tf.Tensor,
        coarse: tf.Tensor | None,
    ):
        self._config = config
        self._plane = config.height, config.width, config.channels
        self._places = None if config.block is None else places_of(config)
        self._first = target == 0
        self._interpolated = interpolated
        self._lowest = None if coarse is None else coarse * config.classes

    def start(self) -> Rows:
        """What is known before the first pixel."""
        if self._places is not None:
            shape = [tf.shape(self._interpolated)[0], *self._plane]
            return (tf.zeros(shape, tf.int32),)
        zeros = tf.zeros_like(self._interpolated[:, 0])
        return zeros, zeros

    def spatial(self, rows: Rows, row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        """The prediction of a pixel from other pixels, int32 [B, C]."""
        if not self._config.relative:
            return self._interpolated[:, row, column]
        if self._places is not None:
            y, x = self._place(row, column)
            up, left = tf.maximum(y - 1, 0), tf.maximum(x - 1, 0)
            [image] = rows
            neighbours = image[:, y, left], image[:, up, x], image[:, up, left]
            return median_edge(*neighbours, y, x, self._config.levels)
        above, current = rows
        left = tf.maximum(column - 1, 0)
        edge = median_edge(
            current[:, left], above[:, column], above[:, left], row, column, self._config.levels
        )
        return tf.where(self._first, edge, self._interpolated[:, row, column])

    def after(self, rows: Rows, pixel: tf.Tensor, row: tf.Tensor, column: tf.Tensor) -> Rows:
        """What is known after a pixel, of intensities int32 [B, C]."""
        if self._places is not None:
            y, x = self._place(row, column)
            here = tf.stack([0, y, x, 0])
            return (dynamic_update_slice(rows[0], pixel[:, None, None], here),)
        here = (tf.range(self._config.slice_width) == column)[:, None]
        return rows[0], tf.where(here, pixel[:, None], rows[1])

    def end_row(self, rows: Rows) -> Rows:
        """To be called after the last pixel of a row."""
        if self._places is not None:
            return rows
        return rows[1], rows[1]  # all of the second one is overwritten

    def _place(self, row: tf.Tensor, column: tf.Tensor) -> list[tf.Tensor]:
        """Row and column in the image."""
        return tf.unstack(tf.constant(self._places)[row * self._config.slice_width + column])

    def of_slice(self, drawn: list[tf.Tensor]) -> Prediction:
        """The prediction of the next colour of a later slice, given those drawn, [B, h, w] each."""
        c, spatial = self._config, self._interpolated
        later = [spatial[..., i] for i in range(len(drawn), c.channels)]
        return self._predict(spatial, tf.stack([*drawn, *later], axis=-1), self._lowest).of(
            len(drawn)
        )

    def of(
        self, spatial: tf.Tensor, drawn: list[tf.Tensor], row: tf.Tensor, column: tf.Tensor
    ) -> Prediction:
        """The prediction of the pixel's next colour, given those drawn before, int32 [B] each."""
        c = self._config
        later = [spatial[:, i] for i in range(len(drawn), c.channels)]
        pixel = tf.stack([*drawn, *later], axis=-1)
        lowest = None if self._lowest is None else self._lowest[:, row, column]
        return self._predict(spatial, pixel, lowest).of(len(drawn))

    def _predict(
        self, spatial: tf.Tensor, pixels: tf.Tensor, lowest: tf.Tensor | None
    ) -> Prediction:
        c = self._config
        if not c.relative:
            return middle(spatial, pixels, lowest)
        return predict(spatial, pixels, lowest, c.levels, c.classes)
