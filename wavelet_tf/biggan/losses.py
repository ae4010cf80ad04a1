"""The hinge loss of BigGAN (Lim and Ye, 2017); all logits are float32 [B]."""

import tensorflow as tf


def discriminator_losses(real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean losses of real and of generated images, float32 scalars; the whole loss is their sum.

    Real logits above 1 and generated images' logits below -1 cost nothing.

    >>> real, fake = discriminator_losses(tf.constant([3.0, 0.0]), tf.constant([0.0, 1.0]))
    >>> float(real), float(fake)
    (0.5, 1.5)
    """
    return tf.reduce_mean(tf.nn.relu(1 - real)), tf.reduce_mean(tf.nn.relu(1 + fake))


def generator_loss(fake: tf.Tensor) -> tf.Tensor:
    """Negative mean of generated images' logits, a float32 scalar; it has no hinge.

    >>> float(generator_loss(tf.constant([3.0, 0.0])))
    -1.5
    """
    return -tf.reduce_mean(fake)
