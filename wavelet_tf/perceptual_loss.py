"""A perceptual loss: the distance of images in features of the first layers of Inception."""

from collections.abc import Callable, Sequence

import tensorflow as tf

SMALLEST = 32  # side of the images, in pixels; the network's convolutions have no padding
_EPSILON = 1e-10  # of squared lengths, which may be zero


def perceptual_distance(
    network: Callable[[tf.Tensor], Sequence[tf.Tensor]], a: tf.Tensor, b: tf.Tensor
) -> tf.Tensor:
    """Distance of each pair of images, float32 [B], 0 or more.

    At each place of each layer, features are scaled to unit length. The distance is the mean over
    places of the squared difference, summed over layers: that of LPIPS (Zhang et al., 2018,
    equation 1) without its learned weights.

    Args:
        network: images in [-1, 1], of three channels, to the features of several layers.
        a, b: float32 [B, H, W, 1 or 3] in [0, 1], or beyond.

    >>> a, b = tf.zeros([1, 32, 32, 1]), tf.ones([1, 32, 32, 1])
    >>> distance = perceptual_distance(lambda x: [x, -x], a, b)
    >>> [round(float(x), 3) for x in (distance[0], perceptual_distance(lambda x: [x], a, a)[0])]
    [8.0, 0.0]
    """
    both = tf.concat([a, b], axis=0)
    if both.shape[-1] == 1:
        both = tf.repeat(both, 3, axis=-1)
    distance = tf.zeros_like(a[:, 0, 0, 0])
    for features in network(2 * both - 1):
        squares = tf.reduce_sum(tf.square(features), axis=-1, keepdims=True)
        ours, theirs = tf.split(features * tf.math.rsqrt(squares + _EPSILON), 2)
        by_place = tf.reduce_sum(tf.math.squared_difference(ours, theirs), axis=-1)
        distance += tf.reduce_mean(by_place, axis=[1, 2])
    return distance
