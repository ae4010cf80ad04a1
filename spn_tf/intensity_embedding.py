"""Pixel intensities as learned vectors, of 8 units in the paper (section 3.2)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.autoregressive_config import PIXEL_UNITS, AutoregressiveConfig
from spn_tf.shapes import Shape


class CosineRows(keras.initializers.Initializer):
    """Initializer of a table: row v holds cosines of intensity v, so that neighbours start close.

    A random table must first learn which intensities are neighbours. This one starts with that
    order, and training may change it. Rows from `levels` on are zero.

    Example:
        >>> CosineRows(levels=2)((3, 1), "float32").numpy().round(2).flatten()
        array([ 0.71, -0.71,  0.  ], dtype=float32)
    """

    def __init__(self, levels: int):
        self.levels = levels

    def __call__(self, shape: tuple[int, int], dtype: str | None = None) -> tf.Tensor:
        rows, units = shape
        phase = (np.arange(self.levels)[:, None] + 0.5) / self.levels
        table = np.zeros((rows, units), np.float32)
        table[: self.levels] = np.cos(np.pi * phase * np.arange(1, units + 1))
        return tf.constant(table, dtype)

    def get_config(self) -> dict[str, int]:
        return {"levels": self.levels}


class IntensityEmbedding(SerializableLayer):
    """Integer intensities [..., C] in [0, levels] to [..., C * units], channel by channel.

    The intensity `levels` stands for a pixel of an empty slice.

    Args:
        levels: the number of intensities.
        units: of each.
        ordered: whether neighbours start close; codes have no neighbours.

    Example:
        >>> IntensityEmbedding(levels=8)(tf.constant([[0, 3, 7]])).shape
        TensorShape([1, 24])
    """

    def __init__(self, levels: int, units: int = PIXEL_UNITS, ordered: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.levels, self.units, self.ordered = levels, units, ordered

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        rows: keras.initializers.Initializer
        if self.ordered:
            rows = CosineRows(self.levels)
        else:
            rows = keras.initializers.RandomNormal(stddev=0.5**0.5)  # the cosines' mean square
        self.table = self.add_weight(
            shape=(self.levels + 1, self.units), initializer=rows, name="table"
        )
        self.built = True

    def call(self, intensities: tf.Tensor) -> tf.Tensor:
        units = tf.gather(tf.convert_to_tensor(self.table), intensities)
        *outer, channels, width = units.shape
        return tf.reshape(
            units, [-1 if size is None else size for size in outer] + [channels * width]
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        *outer, channels = input_shape
        return (*outer, None if channels is None else channels * self.units)


def embedding_of(config: AutoregressiveConfig, **kwargs: Any) -> IntensityEmbedding:
    """The embedding of a model's intensities, or of its codes.

    >>> embedding_of(AutoregressiveConfig(codes=512)).units
    32
    """
    ordered = not config.codes
    return IntensityEmbedding(config.levels, config.intensity_units, ordered, **kwargs)
