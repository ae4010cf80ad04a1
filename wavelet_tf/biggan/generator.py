"""The generators of BigGAN and BigGAN-deep: noise and a class to an image (appendix B)."""

import itertools
from typing import Any

import keras
import tensorflow as tf

from wavelet_tf.biggan.attention import SelfAttention
from wavelet_tf.biggan.batch_norm import batch_norm
from wavelet_tf.biggan.blocks import GeneratorBlock
from wavelet_tf.biggan.config import BOTTOM, BigGANConfig
from wavelet_tf.biggan.deep_blocks import DeepGeneratorBlock
from wavelet_tf.biggan.image_generator import ImageGenerator
from wavelet_tf.biggan.spectral_norm import SNConv2D, SNDense, look_up


class Generator(ImageGenerator):
    """A dense layer to a 4x4 feature map, and stages that double its sides.

    A stage is one block in BigGAN and two in BigGAN-deep. The noise z and the class condition the
    batch normalisations, which share one embedding of classes. In BigGAN z is split into a part
    for the dense layer and one for each stage. In BigGAN-deep each of them has the whole z, and
    the dense layer the embedding too.

    Args:
        config: sizes of the images and the network.
        synchronized: see `batch_norm`.

    Example:
        >>> config = BigGANConfig(
        ...     size=16, num_classes=10, generator_width=8, z_size=12, class_embedding=4
        ... )
        >>> generator = Generator(config)
        >>> generator(tf.zeros([2, 12]), labels=tf.constant([0, 9])).shape
        TensorShape([2, 16, 16, 3])
    """

    def __init__(self, config: BigGANConfig, synchronized: bool = False, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # noise and classes stay float32
        c = self.config = config
        self.synchronized = synchronized
        dtype = self.dtype_policy
        widths = c.generator_widths
        part = c.z_size // c.z_parts
        condition = c.class_embedding + part
        shared = dict(condition=condition, synchronized=synchronized, dtype=dtype)
        self.dense = SNDense(
            condition if c.deep else part, BOTTOM**2 * widths[0], dtype=dtype, name="dense"
        )
        self.stages = []
        for n, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            if c.deep:
                first = DeepGeneratorBlock(inputs, inputs, **shared, name=f"stage_{n}_first")
                second = DeepGeneratorBlock(
                    inputs, outputs, double=True, **shared, name=f"stage_{n}_second"
                )
                self.stages.append([first, second])
            else:
                self.stages.append([GeneratorBlock(inputs, outputs, **shared, name=f"stage_{n}")])
        self.attention = None
        if c.attention_size:
            width = widths[(c.attention_size // BOTTOM).bit_length() - 1]
            self.attention = SelfAttention(width, dtype=dtype, name="attention")
        self.norm = batch_norm(affine=True, synchronized=synchronized, dtype=dtype, name="norm")
        self.output_convolution = SNConv2D(widths[-1], c.channels, dtype=dtype, name="output")

    @property
    def blocks(self) -> list[keras.layers.Layer]:
        """All blocks: Keras 3.12 does not save layers that are in lists of lists."""
        return list(itertools.chain(*self.stages))

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        c = self.config
        self.class_embedding = self.add_weight(
            shape=(c.num_classes, c.class_embedding),
            initializer="orthogonal",
            autocast=False,
            name="class_embedding",
        )
        layers: list[keras.layers.Layer] = [self.dense, *self.blocks, self.output_convolution]
        if self.attention is not None:
            layers.append(self.attention)
        for layer in layers:
            layer.build()
        self.norm.build((None, None, None, c.generator_widths[-1]))
        self.built = True

    def embed(self, labels: tf.Tensor) -> tf.Tensor:
        """Embeddings of labels, int32 [B] to float32 [B, class_embedding]."""
        return look_up(tf.convert_to_tensor(self.class_embedding), labels)

    def of_embedding(self, z: tf.Tensor, embedding: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Generated images for embeddings from `embed`, or for mixtures of them; see `call`."""
        c = self.config
        if c.deep:
            start = tf.concat([z, embedding], axis=1)
            conditions = [start] * len(self.stages)
        else:
            start, *parts = tf.split(z, c.z_parts, axis=1)
            conditions = [tf.concat([embedding, part], axis=1) for part in parts]
        x = tf.reshape(self.dense(start), [-1, BOTTOM, BOTTOM, c.generator_widths[0]])
        for blocks, condition in zip(self.stages, conditions, strict=True):
            for block in blocks:
                x = block(x, condition, training=training)
            if self.attention is not None and x.shape[1] == c.attention_size:
                x = self.attention(x)
        x = self.output_convolution(tf.nn.relu(self.norm(x, training=training)))
        return tf.tanh(tf.cast(x, tf.float32))
