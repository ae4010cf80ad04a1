"""Batch normalisation by one operation of TensorFlow where XLA does not compile the step."""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.xla_choice import is_compiled

MOMENTUM = 0.9  # share of the moving statistics that a step keeps, as in BigGAN-PyTorch


def batch_norm(affine: bool, synchronized: bool = False, **kwargs: Any) -> "BatchNorm":
    """Batch normalisation with BigGAN's settings.

    Args:
        affine: whether it has a gain and a bias of its own.
        synchronized: whether statistics are of the examples of all replicas. XLA cannot compile
            that.
        kwargs: passed to the Keras layer.
    """
    return BatchNorm(
        momentum=MOMENTUM,
        epsilon=1e-5,
        center=affine,
        scale=affine,
        synchronized=synchronized,
        **kwargs,
    )


class BatchNorm(keras.layers.BatchNormalization):
    """Keras's layer, [B, H, W, C] to the same, faster in training outside of XLA.

    Keras computes mean, variance and result by five operations, each of which reads the whole map;
    TensorFlow has one for all. XLA fuses the five itself, so there Keras's own call remains.

    Example:
        >>> layer = BatchNorm(epsilon=0)
        >>> layer(tf.constant([[[[1.0]]], [[[3.0]]]]), training=True).numpy().ravel().round(4)
        array([-1.,  1.], dtype=float32)
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training or self.synchronized or is_compiled():
            return super().call(inputs, training=training)
        x = tf.cast(inputs, tf.float32)
        channels = x.shape[-1]
        gain = self.gamma if self.scale else tf.ones([channels])
        bias = self.beta if self.center else tf.zeros([channels])
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, gain, bias, epsilon=self.epsilon, is_training=True
        )
        # The operation's variance is the unbiased estimate; Keras averages the variance itself.
        count = tf.cast(tf.size(x) // channels, tf.float32)
        of_batch = (mean, variance * (count - 1) / count)
        for moving, batch in zip((self.moving_mean, self.moving_variance), of_batch, strict=True):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return tf.cast(y, self.compute_dtype)
