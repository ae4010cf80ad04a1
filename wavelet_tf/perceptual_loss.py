"""A perceptual loss: the distance of images in features of the first layers of Inception."""

from collections.abc import Callable, Sequence

import tensorflow as tf

SMALLEST = 32  # side of the images, in pixels; the network's convolutions have no padding
_EPSILON = 1e-10  # of squared lengths, which may be zero


def perceptual_distance(
    network: Callable[[tf.Tensor], Sequence[tf.Tensor]], predicted: tf.Tensor, target: tf.Tensor
) -> tf.Tensor:
    """Distance of each pair of images, float32 [B], 0 or more; without a gradient for targets.

    At each place of each layer, features are scaled to unit length. The distance is the mean over
    places of the squared difference, summed over layers: that of LPIPS (Zhang et al., 2018,
    equation 1) without its learned weights.

    Args:
        network: images in [-1, 1], of three channels, to the features of several layers.
        predicted, target: float32 [B, H, W, 1 or 3] in [0, 1], or beyond.

    >>> a, b = tf.zeros([1, 32, 32, 1]), tf.ones([1, 32, 32, 1])
    >>> distance = perceptual_distance(lambda x: [x, -x], a, b)
    >>> [round(float(x), 3) for x in (distance[0], perceptual_distance(lambda x: [x], a, a)[0])]
    [8.0, 0.0]
    """
    distance = tf.zeros_like(predicted[:, 0, 0, 0])
    layers = _unit_features(network, predicted), _unit_features(network, target)
    for ours, theirs in zip(*layers, strict=True):
        squared = tf.math.squared_difference(ours, tf.stop_gradient(theirs))
        distance += tf.reduce_mean(tf.reduce_sum(squared, axis=-1), axis=[1, 2])
    return distance


def _unit_features(
    network: Callable[[tf.Tensor], Sequence[tf.Tensor]], images: tf.Tensor
) -> list[tf.Tensor]:
    """Features of each layer, scaled to unit length at each place."""
    if images.shape[-1] == 1:
        images = tf.repeat(images, 3, axis=-1)
    return [
        features * tf.math.rsqrt(tf.reduce_sum(features**2, axis=-1, keepdims=True) + _EPSILON)
        for features in network(2 * images - 1)
    ]
