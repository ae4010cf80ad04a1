"""The discriminators of BigGAN and BigGAN-deep: an image and a class to a logit (appendix B)."""

import itertools
from typing import Any

import keras
import tensorflow as tf

from wavelet_tf.biggan.attention import SelfAttention
from wavelet_tf.biggan.blocks import DiscriminatorBlock
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.biggan.deep_blocks import DeepDiscriminatorBlock
from wavelet_tf.biggan.image_discriminator import ImageDiscriminator
from wavelet_tf.biggan.spectral_norm import SNConv2D, SNDense, SNEmbedding


class Discriminator(ImageDiscriminator):
    """Stages, of which the first ones halve the sides; then a sum over positions, and a logit.

    A stage is one block in BigGAN and two in BigGAN-deep, which has a convolution of the image
    before them. The class enters at the end, as a projection (Miyato and Koyama, 2018), or not at
    all, if the network classifies images instead (Odena et al., 2017).

    Args:
        config: sizes of the images and the network.

    Example:
        >>> config = BigGANConfig(size=16, num_classes=10, discriminator_width=8)
        >>> discriminator = Discriminator(config)
        >>> discriminator(tf.zeros([2, 16, 16, 3]), labels=tf.constant([0, 9])).shape
        TensorShape([2])
    """

    def __init__(self, config: BigGANConfig, **kwargs: Any):
        super().__init__(config, **kwargs)
        c, dtype = config, self.dtype_policy
        widths = c.discriminator_widths
        self.input_convolution = None
        self.stages = []
        if c.deep:
            self.input_convolution = SNConv2D(c.channels, widths[0], dtype=dtype, name="input")
            for n, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
                first = DeepDiscriminatorBlock(
                    inputs, outputs, halve=n < c.halvings, dtype=dtype, name=f"stage_{n}_first"
                )
                second = DeepDiscriminatorBlock(
                    outputs, outputs, dtype=dtype, name=f"stage_{n}_second"
                )
                self.stages.append([first, second])
        else:
            for n, (inputs, outputs) in enumerate(itertools.pairwise([c.channels, *widths])):
                block = DiscriminatorBlock(
                    inputs, outputs, n < c.halvings, first=n == 0, dtype=dtype, name=f"stage_{n}"
                )
                self.stages.append([block])
        self.attention = None
        if c.attention_size:
            number = (c.size // c.attention_size).bit_length() - 2  # of the stage with this output
            width = widths[number + c.deep]
            self.attention = SelfAttention(width, dtype=dtype, name="attention")
        self.dense = SNDense(widths[-1], 1, dtype="float32", name="dense")
        self.projection = None
        classes, width = c.classes, widths[-1]
        if c.has_classifier:
            self.classifier = SNDense(width, classes, dtype="float32", name="classifier")
        else:
            self.projection = SNEmbedding(classes, width, dtype="float32", name="projection")

    @property
    def blocks(self) -> list[keras.layers.Layer]:
        """All blocks: Keras 3.12 does not save layers that are in lists of lists."""
        return list(itertools.chain(*self.stages))

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        layers: list[keras.layers.Layer | None] = [
            self.input_convolution,
            *self.blocks,
            self.attention,
            self.dense,
            self.projection or self.classifier,
        ]
        for layer in layers:
            if layer is not None:
                layer.build()
        self.built = True

    def judge(self, x: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        if self.input_convolution is not None:
            x = self.input_convolution(x)
        for blocks in self.stages:
            before = x.shape[1]
            for block in blocks:
                x = block(x)
            # Later stages may keep the side; attention follows the one that reduces to it.
            if self.attention is not None and x.shape[1] == self.config.attention_size < before:
                x = self.attention(x)
        features = tf.reduce_sum(tf.cast(tf.nn.relu(x), tf.float32), axis=[1, 2])
        logits = self.dense(features)[:, 0]
        if self.projection is not None:
            return logits + tf.reduce_sum(features * self.projection(labels), axis=1), None
        return logits, self.classifier(features)
