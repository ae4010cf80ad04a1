"""The hinge loss of BigGAN (Lim and Ye, 2017); all logits are float32 [B]."""

import tensorflow as tf


def real_loss(real: tf.Tensor) -> tf.Tensor:
    """The discriminator's mean loss of real images, a float32 scalar; above 1 they cost nothing.

    >>> float(real_loss(tf.constant([3.0, 0.0])))
    0.5
    """
    return tf.reduce_mean(tf.nn.relu(1 - real))


def fake_loss(fake: tf.Tensor) -> tf.Tensor:
    """The discriminator's mean loss of generated images; below -1 they cost nothing.

    >>> float(fake_loss(tf.constant([0.0, 1.0])))
    1.5
    """
    return tf.reduce_mean(tf.nn.relu(1 + fake))


def generator_loss(fake: tf.Tensor) -> tf.Tensor:
    """Negative mean of generated images' logits, a float32 scalar; it has no hinge.

    >>> float(generator_loss(tf.constant([3.0, 0.0])))
    -1.5
    """
    return -tf.reduce_mean(fake)
