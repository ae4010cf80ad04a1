"""The learned distribution of the last level's latents."""

from typing import Any

import tensorflow as tf

from spn_tf.glow.flow_layer import FlowLayer
from spn_tf.glow.gaussian import from_noise, to_noise
from spn_tf.shapes import Shape


class Prior(FlowLayer):
    """Normal latents, with a mean and a log scale of each channel for each class.

    They start at zero, the standard normal distribution.

    Args:
        num_classes: 1: unconditional.

    Example:
        >>> layer = Prior(num_classes=3)
        >>> z = tf.random.normal([2, 4, 4, 6], seed=0)
        >>> noise, log_density = layer(z, tf.constant([0, 2]))
        >>> noise.shape, log_density.shape
        (TensorShape([2, 4, 4, 6]), TensorShape([2]))
    """

    def __init__(self, num_classes: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def build(self, z_shape: Shape, labels_shape: Shape | None = None) -> None:
        if self.built:
            return
        shape = (self.num_classes, z_shape[-1])
        self.mean = self.add_weight(shape=shape, initializer="zeros", name="mean")
        self.log_scale = self.add_weight(shape=shape, initializer="zeros", name="log_scale")
        self.built = True

    def _mean_and_log_scale(self, labels: tf.Tensor | None) -> list[tf.Tensor]:
        """Each [B, 1, 1, C], or [1, 1, 1, C] of an unconditional model."""
        if self.num_classes == 1:
            labels = tf.zeros([1], tf.int32)
        if labels is None:
            raise ValueError(
                f"labels: there are none; name the class of each image, 0 to {self.num_classes - 1}"
            )
        tables = (self.mean, self.log_scale)
        return [tf.gather(tf.convert_to_tensor(t), labels)[:, None, None] for t in tables]

    def call(self, z: tf.Tensor, labels: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns noise of z's shape, and log p(z | labels) [B] in nats.

        Args:
            z: latents [B, H, W, C].
            labels: int32 [B] in [0, num_classes); ignored if the model is unconditional.

        Raises:
            ValueError: the model knows classes, and there are no labels.
        """
        return to_noise(z, *self._mean_and_log_scale(labels))

    def inverse(self, noise: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """z of noise, [B, H, W, C]."""
        return from_noise(noise, *self._mean_and_log_scale(labels))

    def compute_output_shape(
        self, z_shape: Shape, labels_shape: Shape | None = None
    ) -> tuple[Shape, Shape]:
        return z_shape, (z_shape[0],)
