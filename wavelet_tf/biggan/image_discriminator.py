"""Base class of the discriminators of GANs: an image and a class to a logit."""

import abc
from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.biggan.shapes import Shape


class ImageDiscriminator(SerializableLayer):
    """A network of images and their classes.

    Args:
        config: sizes of the images and the network.
    """

    def __init__(self, config: BigGANConfig, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # the image stays float32
        self.config = config

    def call(self, x: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Logits, float32 [B], larger for images that look real.

        Args:
            x: images, float32 [B, size, size, channels], in [-1, 1] or near it.
            labels: int32 [B] in [0, num_classes).
        """
        return self.judge(x, labels)[0]

    @abc.abstractmethod
    def judge(self, x: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """The logits of `call`, and those of classes, float32 [B, classes], if it classifies."""

    @property
    def output_dtype(self) -> str:
        return "float32"

    def compute_output_shape(self, x_shape: Shape) -> Shape:
        return (x_shape[0],)
