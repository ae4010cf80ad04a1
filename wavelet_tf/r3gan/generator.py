"""The generator of R3GAN: noise and a class to an image."""

from typing import Any

import keras
import tensorflow as tf

from wavelet_tf.biggan.config import BOTTOM, BigGANConfig
from wavelet_tf.biggan.image_generator import ImageGenerator
from wavelet_tf.biggan.spectral_norm import look_up
from wavelet_tf.r3gan.residual_block import ScaledConvolution
from wavelet_tf.r3gan.stages import stages


class R3GANGenerator(ImageGenerator):
    """A learned 4x4 map, scaled by the noise, and stages of residual blocks that double its sides.

    With several classes, an embedding of the class is appended to the noise. Images are not limited
    to [-1, 1].

    Args:
        config: sizes of the images and the network.

    Example:
        >>> config = BigGANConfig(
        ...     size=16, num_classes=10, architecture="r3gan", generator_width=8, z_size=12
        ... )
        >>> generator = R3GANGenerator(config)
        >>> generator(tf.zeros([2, 12]), labels=tf.constant([0, 9])).shape
        TensorShape([2, 16, 16, 3])
    """

    def __init__(self, config: BigGANConfig, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # noise and classes stay float32
        self.config = config
        widths, dtype = config.generator_widths, self.dtype_policy
        self.stages, self.resamplings = stages(widths, double=True, dtype=dtype)
        self.output_convolution = ScaledConvolution(
            widths[-1], config.channels, dtype=dtype, name="output"
        )

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        c, normal = self.config, keras.initializers.RandomNormal
        inputs, width = c.z_size, c.generator_widths[0]
        classes = c.classes
        if classes > 1:
            inputs += c.class_embedding
            self.class_embedding = self.add_weight(
                shape=(classes, c.class_embedding),
                initializer=normal(stddev=classes**-0.5),
                autocast=False,
                name="class_embedding",
            )
        self.basis = self.add_weight(
            shape=(BOTTOM, BOTTOM, width),
            initializer=normal(stddev=1.0),
            autocast=False,
            name="basis",
        )
        self.scales = self.add_weight(
            shape=(inputs, width),
            initializer=normal(stddev=inputs**-0.5),
            autocast=False,
            name="scales",
        )
        for layer in (*self.stages, *self.resamplings, self.output_convolution):
            layer.build()
        self.built = True

    def embed(self, labels: tf.Tensor) -> tf.Tensor:
        """Embeddings of labels, int32 [B] to float32 [B, class_embedding]; [B, 0] for one class."""
        if self.config.classes == 1:
            return tf.zeros([tf.shape(labels)[0], 0])
        return look_up(tf.convert_to_tensor(self.class_embedding), labels)

    def of_embedding(self, z: tf.Tensor, embedding: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Generated images for embeddings from `embed`, or for mixtures of them; see `call`."""
        scales = tf.matmul(tf.concat([z, embedding], axis=1), self.scales)
        x = tf.convert_to_tensor(self.basis) * scales[:, None, None]
        x = self.stages[0](tf.cast(x, self.compute_dtype))
        for resampling, stage in zip(self.resamplings, self.stages[1:], strict=True):
            x = stage(resampling(x))
        return tf.cast(self.output_convolution(x), tf.float32)
