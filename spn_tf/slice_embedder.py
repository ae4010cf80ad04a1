"""The slice embedder, which encodes the preceding slices (section 3.2, Figure 4a)."""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.attention import PositionEmbedding, Transformer
from spn_tf.autoregressive_config import PIXEL_UNITS
from spn_tf.config import SPNConfig
from spn_tf.convolution import Convolution
from spn_tf.dense import Dense
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.error_units import error_units
from spn_tf.intensity_embedding import IntensityEmbedding, embedding_of
from spn_tf.ordering import slot_table
from spn_tf.parallel_multiscale.config import ParallelConfig
from spn_tf.recomputation import recomputed
from spn_tf.residual_branches import small_weights
from spn_tf.shapes import Shape


class ResidualBlock(SerializableLayer):
    """x + conv1x1(relu(conv(relu(x)))), [B, h, w, D] to [B, h, w, D].

    Args:
        width: D.
        filters: hidden units.
        size: of the first convolution.

    Example:
        >>> ResidualBlock(width=6, filters=4, size=3)(tf.zeros([1, 4, 4, 6])).shape
        TensorShape([1, 4, 4, 6])
    """

    def __init__(self, width: int, filters: int, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.filters, self.size = width, filters, size
        self.conv = Convolution(
            filters,
            size,
            padding="same",
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="conv",
        )
        self.out = Convolution(
            width,
            1,
            data_format="channels_last",
            kernel_initializer=small_weights(),
            dtype=self.dtype_policy,
            name="out",
        )

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        self.conv.build(input_shape)
        self.out.build((*input_shape[:-1], self.filters))
        self.built = True

    def call(self, x: tf.Tensor, dropout: Dropout = no_dropout) -> tf.Tensor:
        return x + self.out(dropout.convolution(tf.nn.relu(self.conv(tf.nn.relu(x)))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def _stack(slices: tf.Tensor) -> tf.Tensor:
    """Stacks slices along channels, [B, n, h, w, D] to [B, h, w, n * D]."""
    _, n, h, w, units = slices.shape
    return tf.reshape(tf.transpose(slices, [0, 2, 3, 1, 4]), [-1, h, w, n * units])


class SliceEmbedder(SerializableLayer):
    """Encodes the context of a target slice as a feature map of a slice's size.

    Preceding slices are stacked along channels. Each goes to the slot of its relative
    meta-position; slots without a slice hold an empty one. The target's meta-position is stacked
    with them, embedded to 8 units. Self-attention layers follow, then residual convolutions.

    In depth upscaling all slices of the coarse image are stacked too, in raster order of
    meta-position (section 3.4). The coarse slice at the target's meta-position is stacked once
    more, always in the same place (docs/architecture.md explains why).

    If the distribution of intensities is relative to predictions, the slots hold differences of the
    preceding slices and the target's interpolation, which is stacked with them.

    Args:
        config: sizes of the network and of its images.

    Example:
        >>> config = SPNConfig(
        ...     height=4, width=4, bits=3, scale=2, embedder_attention_layers=1,
        ...     embedder_conv_layers=1, embedder_residual_channels=16, ffn_size=8,
        ... )
        >>> slices = tf.zeros([2, 4, 2, 2, 3], tf.int32)
        >>> SliceEmbedder(config)(slices, target=tf.constant([0, 3])).shape
        TensorShape([2, 2, 2, 16])
    """

    def __init__(self, config: SPNConfig | ParallelConfig, **kwargs: Any):
        super().__init__(**kwargs)
        c, dtype = config, self.dtype_policy
        self.config = config
        self.slots = slot_table(c.scale)
        if c.scale > 1:
            self.intensities = embedding_of(c, dtype=dtype, name="intensities")
        self.meta_position = keras.layers.Embedding(
            c.scale**2, PIXEL_UNITS, dtype=dtype, name="meta_position"
        )
        if c.coarse_bits:
            self.coarse_intensities = IntensityEmbedding(
                2**c.coarse_bits, dtype=dtype, name="coarse_intensities"
            )
        self.project = Dense(c.embedder_residual_channels, dtype=dtype, name="project")
        self.positions = PositionEmbedding(dtype=dtype, name="positions")
        self.transformer = Transformer(
            layers=c.embedder_attention_layers,
            width=c.embedder_residual_channels,
            heads=c.embedder_attention_heads,
            channels=c.embedder_attention_channels,
            causal=False,
            ffn=c.attention_ffn,
            ffn_size=c.ffn_size,
            dtype=dtype,
            name="transformer",
        )
        self.blocks = [
            ResidualBlock(
                c.embedder_residual_channels,
                c.embedder_conv_channels,
                c.embedder_filter_size,
                dtype=dtype,
                name=f"block_{i}",
            )
            for i in range(c.embedder_conv_layers)
        ]

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        c = self.config
        h, w, width = c.slice_height, c.slice_width, c.embedder_residual_channels
        stacked = self.slots.shape[1]
        if c.scale > 1:
            self.intensities.build((None, h, w, c.channels))
        self.meta_position.build((None,))
        if c.coarse_bits:
            self.coarse_intensities.build((None, h, w, c.channels))
            stacked += c.scale**2 + (c.scale > 1)
        stacked += c.relative and c.scale > 1
        units = stacked * c.channels * c.intensity_units + PIXEL_UNITS
        self.project.build((None, h, w, units))
        self.positions.build((None, h, w, width))
        self.transformer.build((None, h * w, width))
        for block in self.blocks:
            block.build((None, h, w, width))
        self.built = True

    def call(
        self,
        slices: tf.Tensor,
        target: tf.Tensor,
        coarse: tf.Tensor | None = None,
        interpolated: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        """Features [B, h, w, residual channels].

        Args:
            slices: int32 [B, S*S, h, w, C], intensities of every slice. The target and later
                slices have no effect.
            target: int32 [B], number of the slice to be generated.
            coarse: int32 [B, S*S, h, w, C] in [0, 2**coarse_bits), all slices of the coarse
                image, in depth upscaling.
            interpolated: int32 [B, h, w, C], the target's prediction from earlier slices, if
                distributions are relative to predictions: so is the embedding then.
            dropout: of residual branches.
        """
        c = self.config
        h, w = c.slice_height, c.slice_width
        position = self.meta_position(target)[:, None, None]  # [B, 1, 1, 8]
        context = [tf.tile(position, [1, h, w, 1])]
        differences = None
        if interpolated is not None and c.scale > 1:
            context.append(self.intensities(interpolated))
            differences = self._differences(slices, target, interpolated)
        elif c.scale > 1:
            empty = tf.fill(tf.shape(slices[:, :1]), c.levels)
            pixels = self.intensities(tf.concat([slices, empty], axis=1))
            slots = tf.gather(tf.constant(self.slots), target)  # [B, slots]
            context.append(_stack(tf.gather(pixels, slots, batch_dims=1)))
        if coarse is not None:
            pixels = self.coarse_intensities(coarse)
            context.append(_stack(pixels))
            if c.scale > 1:
                context.append(tf.gather(pixels, target, batch_dims=1))

        x = self.positions(self._projected(tf.concat(context, axis=-1), differences))
        width = x.shape[-1]
        x = self.transformer(tf.reshape(x, [-1, h * w, width]), dropout=dropout)
        x = tf.reshape(x, [-1, h, w, width])
        for block in self.blocks:
            x = recomputed(block, x, dropout=dropout)
        return x

    def _projected(self, context: tf.Tensor, differences: tf.Tensor | None) -> tf.Tensor:
        """`project` of the context and the differences, if any, which follow it.

        The differences are no function of weights. As a product of their own they have no gradient.
        """
        if differences is None:
            return self.project(context)
        kernel = tf.convert_to_tensor(self.project.kernel)
        of_context, of_differences = tf.split(kernel, [context.shape[-1], differences.shape[-1]])
        x = tf.tensordot(context, of_context, axes=1)
        return x + tf.tensordot(differences, of_differences, axes=1) + self.project.bias

    def _differences(self, slices: tf.Tensor, target: tf.Tensor, center: tf.Tensor) -> tf.Tensor:
        """Units of the preceding slices' differences from `center`; those of empty slots are 0."""
        c = self.config
        slots = tf.gather(tf.constant(self.slots), target)  # [B, slots]
        known = slots < c.scale**2
        pixels = tf.gather(slices, tf.where(known, slots, 0), batch_dims=1)
        differences = tf.where(known[..., None, None, None], pixels - center[:, None], 0)
        # Stacked before they are embedded: integers are fewer than units.
        units = error_units(_stack(differences), c.levels, self.compute_dtype)
        _, h, w, channels, width = units.shape
        return tf.reshape(units, [-1, h, w, channels * width])

    def compute_output_shape(self, slices_shape: Shape) -> Shape:
        batch, _, height, width, _ = slices_shape
        return batch, height, width, self.config.embedder_residual_channels
