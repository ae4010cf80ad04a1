"""Normal distributions of latents, as maps of latents to standard normal noise.

A learned mean and scale are one more invertible layer. So the whole flow leads from an image to
noise of one distribution, and the draws of a sample need not know the network.
"""

import math

import tensorflow as tf


def to_noise(z: tf.Tensor, mean: tf.Tensor, log_scale: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Noise (z - mean) / scale, and the log density of z, [B] in nats.

    Args:
        z: latents [B, H, W, C].
        mean, log_scale: of their distributions; they broadcast to z's shape.

    >>> noise, log_density = to_noise(tf.zeros([1, 1, 1, 2]), tf.zeros([2]), tf.zeros([2]))
    >>> log_density.numpy().round(4)  # -log(2 pi)
    array([-1.8379], dtype=float32)
    """
    noise = (z - mean) * tf.exp(-log_scale)
    log_densities = -0.5 * tf.square(noise) - log_scale - 0.5 * math.log(2 * math.pi)
    return noise, tf.reduce_sum(log_densities, axis=[1, 2, 3])


def from_noise(noise: tf.Tensor, mean: tf.Tensor, log_scale: tf.Tensor) -> tf.Tensor:
    """Latents of noise, the inverse of `to_noise`.

    >>> from_noise(tf.ones([2]), tf.constant([3.0, 4.0]), tf.zeros([2])).numpy()
    array([4., 5.], dtype=float32)
    """
    return mean + tf.exp(log_scale) * noise
