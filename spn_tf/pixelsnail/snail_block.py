"""Residual blocks of causal convolutions, then attention over all pixels before."""

from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.dense import Dense
from spn_tf.dot_product_attention import dot_product_attention
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.pixelsnail.gated_residual import GatedResidual
from spn_tf.recomputation import recomputed
from spn_tf.shapes import Shape


def positions(height: int, width: int) -> tf.Tensor:
    """PixelSNAIL's "background": where a pixel lies, float32 [h, w, 2] in [-0.5, 0.5).

    >>> positions(2, 4)[1, 3].numpy().tolist()
    [0.0, 0.25]
    """
    rows = tf.range(height, dtype=tf.float32) / height - 0.5
    columns = tf.range(width, dtype=tf.float32) / width - 0.5
    return tf.stack(tf.meshgrid(rows, columns, indexing="ij"), axis=-1)


class SnailBlock(SerializableLayer):
    """Gated residual blocks, then a read of what earlier pixels hold (their Figure 3).

    The key and the value of a pixel know its intensities. So a pixel attends to those before it
    alone, and to one place more with key and value zero: the first pixel has no other.

    Args:
        residual_blocks: their number.
        width: D, units of the features.
        key_channels: of queries and keys; values have width // 2.
        has_condition: whether there is a condition.

    Example:
        >>> block = SnailBlock(residual_blocks=1, width=6, key_channels=2)
        >>> x, units = tf.zeros([1, 3, 4, 6]), tf.zeros([1, 3, 4, 8])
        >>> block(x, units, positions(3, 4)[None]).shape
        TensorShape([1, 3, 4, 6])
    """

    def __init__(
        self,
        residual_blocks: int,
        width: int,
        key_channels: int,
        has_condition: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.residual_blocks, self.width = residual_blocks, width
        self.key_channels, self.has_condition = key_channels, has_condition
        self.value_channels = width // 2
        self.residuals = [
            GatedResidual(width, size=2, dtype=dtype, name=f"residual_{i}")
            for i in range(residual_blocks)
        ]
        self.to_keys_values = Dense(
            key_channels + self.value_channels, dtype=dtype, name="to_keys_values"
        )
        self.to_queries = Dense(key_channels, dtype=dtype, name="to_queries")
        self.merge = GatedResidual(width, size=1, has_side=True, dtype=dtype, name="merge")
        # V of the condition for all residual blocks at once.
        self.condition = Dense(
            residual_blocks * 2 * width, use_bias=False, dtype=dtype, name="condition"
        )

    def build(
        self, x_shape: Shape, units_shape: Shape, positions_shape: Shape | None = None
    ) -> None:
        if self.built:
            return
        outer = tuple(x_shape[:-1])
        searching = self.width + 2
        content = searching + (units_shape[-1] or 0)
        for residual in self.residuals:
            residual.build(x_shape)
        dtype = self.dtype_policy
        self.content = GatedResidual(content, size=1, dtype=dtype, name="content")
        self.search = GatedResidual(searching, size=1, dtype=dtype, name="search")
        self.content.build((*outer, content))
        self.search.build((*outer, searching))
        self.to_keys_values.build((*outer, content))
        self.to_queries.build((*outer, searching))
        self.merge.build(x_shape, (*outer, self.value_channels))
        if self.has_condition:
            self.condition.build(x_shape)
        self.built = True

    def call(
        self,
        x: tf.Tensor,
        units: tf.Tensor,
        positions: tf.Tensor,
        condition: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        """Features [B, h, w, D] of the pixels before each.

        Args:
            x: features [B, h, w, D] of the pixels before each.
            units: embedded intensities of each, [B, h, w, .].
            positions: [1 or B, h, w, 2], of `positions`.
            condition: [B, h, w, D], or None.
            dropout: of hidden units.
        """
        conditions = [None] * len(self.residuals)
        if condition is not None:
            conditions = tf.split(self.condition(condition), len(conditions), axis=-1)
        for residual, own in zip(self.residuals, conditions, strict=True):
            x = recomputed(residual, x, None, own, dropout=dropout)
        return recomputed(self._attended, x, units, positions, dropout=dropout)

    def _attended(
        self, x: tf.Tensor, units: tf.Tensor, positions: tf.Tensor, dropout: Dropout
    ) -> tf.Tensor:
        _, height, width, _ = x.shape
        places = tf.broadcast_to(positions, [*tf.unstack(tf.shape(x))[:-1], 2])
        content = self.content(tf.concat([units, x, places], axis=-1), dropout=dropout)
        queries = self.to_queries(self.search(tf.concat([x, places], axis=-1), dropout=dropout))
        keys, values = tf.split(
            self.to_keys_values(content), [self.key_channels, self.value_channels], axis=-1
        )
        read = dot_product_attention(
            _in_a_row(queries),
            _shifted(_in_a_row(keys)),
            _shifted(_in_a_row(values)),
            self.key_channels**-0.5,
            causal=True,
        )
        read = tf.reshape(read, [-1, height, width, self.value_channels])
        return self.merge(x, read, dropout=dropout)

    def compute_output_shape(
        self, x_shape: Shape, units_shape: Shape, positions_shape: Shape
    ) -> Shape:
        return x_shape


def _in_a_row(x: tf.Tensor) -> tf.Tensor:
    """[B, h, w, D] to [B, h * w, D]."""
    _, height, width, units = x.shape
    return tf.reshape(x, [-1, height * width, units])


def _shifted(x: tf.Tensor) -> tf.Tensor:
    """Position t of [B, T, D] gets what position t - 1 had, and the first one zeros."""
    return tf.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
