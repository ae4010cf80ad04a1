"""Structural similarity (SSIM) of images, in float64 (Wang et al. 2004, section III).

`tf.image.ssim` computes in float32, for images of any dtype. Its variances are differences of
nearly equal numbers, so that similarities of flat images are off by 0.0005 and can exceed 1.
"""

import numpy as np
import tensorflow as tf

_SIDE, _DEVIATION = 11, 1.5  # of the Gaussian window, in pixels
_C1, _C2 = 0.01**2, 0.03**2  # the paper's constants, for intensities in [0, 1]


def structural_similarity(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """SSIM of pairs of images, in [-1, 1]; exactly 1 for equal images.

    It is the mean over all channels and all positions of a Gaussian window of 11x11 pixels that
    lie within the image.

    Args:
        a, b: floating [B, H, W, C] in [0, 1]; H and W are static, 11 or more.

    Returns:
        float32 [B].

    Example:
        >>> grey = tf.fill([1, 16, 16, 1], 0.9)
        >>> float(structural_similarity(grey, grey)[0])
        1.0
    """
    a, b = tf.cast(a, tf.float64), tf.cast(b, tf.float64)
    mean_a, mean_b = _smoothed(a), _smoothed(b)
    product, squares = mean_a * mean_b, tf.square(mean_a) + tf.square(mean_b)
    covariance = _smoothed(a * b) - product
    variances = _smoothed(tf.square(a) + tf.square(b)) - squares
    luminance = (2 * product + _C1) / (squares + _C1)
    structure = (2 * covariance + _C2) / (variances + _C2)
    similarity = tf.reduce_mean(luminance * structure, [1, 2, 3])
    return tf.cast(tf.minimum(similarity, 1), tf.float32)  # rounding may exceed 1 by 1e-13


def _smoothed(x: tf.Tensor) -> tf.Tensor:
    """Means in all windows, [B, H, W, C] to [B, H - 10, W - 10, C]."""
    rows, columns = _windows(x.shape[1]), _windows(x.shape[2])
    return tf.einsum("iw,bhwc->bhic", columns, tf.einsum("ih,bhwc->biwc", rows, x))


def _windows(length: int) -> np.ndarray:
    """Weights of all windows along one axis, [length - 10, length]; rows sum to 1."""
    offsets = np.arange(length) - np.arange(length - _SIDE + 1)[:, None] - _SIDE // 2
    weights = np.exp(-np.square(offsets / _DEVIATION) / 2) * (np.abs(offsets) <= _SIDE // 2)
    return weights / weights.sum(axis=1, keepdims=True)
