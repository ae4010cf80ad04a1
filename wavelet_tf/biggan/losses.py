"""The hinge loss of BigGAN (Lim and Ye, 2017); all logits are float32 [B]."""

import tensorflow as tf


def discriminator_losses(real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Means over logits of real and of made pictures, float32 scalars; the loss is their sum.

    Nothing is gained by real logits beyond 1 or by others beyond -1.
    """
    return tf.reduce_mean(tf.nn.relu(1 - real)), tf.reduce_mean(tf.nn.relu(1 + fake))


def generator_loss(fake: tf.Tensor) -> tf.Tensor:
    """The mean over logits of made pictures, float32 scalar; it has no hinge."""
    return -tf.reduce_mean(fake)
