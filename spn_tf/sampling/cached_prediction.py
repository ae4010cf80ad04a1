"""The predictions of intensities one pixel at a time, equal to those of `SubscalePixelNetwork`."""

import tensorflow as tf

from spn_tf.config import SPNConfig
from spn_tf.intensity_prediction import Prediction, median_edge, predict

# Intensities of the row above and of the current row so far, int32 [B, w, C] each.
Rows = tuple[tf.Tensor, tf.Tensor]


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
        config: SPNConfig,
        target: tf.Tensor,
        interpolated: tf.Tensor,
        coarse: tf.Tensor | None,
    ):
        self._config = config
        self._first = target == 0
        self._interpolated = interpolated
        self._lowest = None if coarse is None else coarse * config.classes

    def start(self) -> Rows:
        """The rows before the first pixel."""
        zeros = tf.zeros_like(self._interpolated[:, 0])
        return zeros, zeros

    def spatial(self, rows: Rows, row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        """The prediction of a pixel from other pixels, int32 [B, C]."""
        above, current = rows
        left = tf.maximum(column - 1, 0)
        edge = median_edge(
            current[:, left], above[:, column], above[:, left], row, column, self._config.levels
        )
        return tf.where(self._first, edge, self._interpolated[:, row, column])

    def of(
        self, spatial: tf.Tensor, drawn: list[tf.Tensor], row: tf.Tensor, column: tf.Tensor
    ) -> Prediction:
        """The prediction of the pixel's next colour, given those drawn before, int32 [B] each."""
        c = self._config
        later = [spatial[:, i] for i in range(len(drawn), c.channels)]
        pixel = tf.stack([*drawn, *later], axis=-1)
        lowest = None if self._lowest is None else self._lowest[:, row, column]
        return predict(spatial, pixel, lowest, c.levels, c.classes).of(len(drawn))
