"""Between intensities, which are integers, and the continuous images that a flow models.

Uniform noise u is added to intensities (section 2, equation 2). The density of the result bounds
the probability of the intensities from below (Theis et al., 2016), for images of D numbers:

    x = (intensities + u) / 2**bits - 1/2
    log p(intensities) >= E_u [log density(x)] - D log(2**bits)
"""

import math

import tensorflow as tf

# The largest number below 1 that float32 can add to 255 without rounding up to 256.
_LARGEST_DRAW = 1 - 2.0**-16


def dequantised(intensities: tf.Tensor, draws: tf.Tensor, bits: int) -> tf.Tensor:
    """Continuous images, of draws' dtype, in [-0.5, 0.5).

    `quantised` of the result gives the intensities again, whatever the draws.

    Args:
        intensities: int32 [B, H, W, C] in [0, 2**bits).
        draws: uniform in [0, 1), float32 [B, H, W, C].
        bits: bit depth.

    >>> dequantised(tf.constant([0, 3, 7]), tf.constant([0.0, 0.5, 0.0]), bits=3).numpy()
    array([-0.5   , -0.0625,  0.375 ], dtype=float32)
    """
    draws = tf.minimum(draws, _LARGEST_DRAW)
    return (tf.cast(intensities, draws.dtype) + draws) / 2**bits - 0.5


def quantised(x: tf.Tensor, bits: int) -> tf.Tensor:
    """Intensities int32 in [0, 2**bits) of continuous images, such as samples, of any range.

    >>> quantised(tf.constant([-0.7, -0.0625, 0.374, 9.0]), bits=3).numpy()
    array([0, 3, 6, 7], dtype=int32)
    """
    levels = tf.floor((x + 0.5) * 2**bits)
    # A diverged sample may be infinite, so it is clipped before it becomes an integer.
    return tf.cast(tf.clip_by_value(levels, 0, 2**bits - 1), tf.int32)


def log_probability_bound(log_density: tf.Tensor, dimensions: int, bits: int) -> tf.Tensor:
    """One draw's bound of log p(intensities) from below, nats per image, as `log_density`.

    The mean over draws is the bound. In bits/dim it is `bits - log_density / (D log(2))`.

    Args:
        log_density: of `dequantised` images, [B] in nats.
        dimensions: D = H * W * C.
        bits: bit depth.

    >>> log_probability_bound(tf.constant([0.0]), dimensions=1, bits=1).numpy()  # log(1/2)
    array([-0.6931472], dtype=float32)
    """
    return log_density - dimensions * bits * math.log(2)
