"""The discriminator of R3GAN: an image and a class to a logit."""

from typing import Any

import keras
import tensorflow as tf

from wavelet_tf.biggan.config import BOTTOM, BigGANConfig
from wavelet_tf.biggan.image_discriminator import ImageDiscriminator
from wavelet_tf.biggan.spectral_norm import look_up
from wavelet_tf.r3gan.residual_block import ScaledConvolution
from wavelet_tf.r3gan.stages import stages


class R3GANDiscriminator(ImageDiscriminator):
    """Stages of residual blocks that halve the sides to 4x4, and a weighted sum over places.

    With several classes, the sums are projected to as many units as the last stage has, and the
    logit is their product with an embedding of the class; or the sums are classified as well
    (Odena et al., 2017).

    Args:
        config: sizes of the images and the network.

    Example:
        >>> config = BigGANConfig(
        ...     size=16, num_classes=10, architecture="r3gan", discriminator_width=8
        ... )
        >>> discriminator = R3GANDiscriminator(config)
        >>> discriminator(tf.zeros([2, 16, 16, 3]), labels=tf.constant([0, 9])).shape
        TensorShape([2])
    """

    def __init__(self, config: BigGANConfig, **kwargs: Any):
        super().__init__(config, **kwargs)
        widths, dtype = config.discriminator_widths, self.dtype_policy
        self.input_convolution = ScaledConvolution(
            config.channels, widths[0], dtype=dtype, name="input"
        )
        self.stages, self.resamplings = stages(widths, double=False, dtype=dtype)

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        classes, width = self.config.classes, self.config.discriminator_widths[-1]
        projects = classes > 1 and not self.config.has_classifier
        outputs = width if projects else 1

        def weight(name: str, *shape: int, deviation: float) -> keras.Variable:
            initializer = keras.initializers.RandomNormal(stddev=deviation)
            return self.add_weight(shape=shape, initializer=initializer, autocast=False, name=name)

        self.basis = weight("basis", BOTTOM, BOTTOM, width, deviation=1 / BOTTOM)
        self.dense = weight("dense", width, outputs, deviation=width**-0.5)
        if self.config.has_classifier:
            self.classifier = weight("classifier", width, classes, deviation=width**-0.5)
        if projects:
            deviation = (classes * outputs) ** -0.5
            self.class_embedding = weight("class_embedding", classes, outputs, deviation=deviation)
        for layer in (self.input_convolution, *self.stages, *self.resamplings):
            layer.build()
        self.built = True

    def judge(self, x: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        x = self.stages[0](self.input_convolution(x))
        for resampling, stage in zip(self.resamplings, self.stages[1:], strict=True):
            x = stage(resampling(x))
        features = tf.reduce_sum(tf.cast(x, tf.float32) * self.basis, axis=[1, 2])
        outputs = tf.matmul(features, self.dense)
        if self.config.has_classifier:
            return outputs[:, 0], tf.matmul(features, self.classifier)
        if self.config.classes > 1:
            outputs *= look_up(tf.convert_to_tensor(self.class_embedding), labels)
        return tf.reduce_sum(outputs, axis=1), None
