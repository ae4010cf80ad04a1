"""Noise of generators, and the two methods that are called truncation (section 5)."""

import tensorflow as tf

from cascade_tf import randomness
from cascade_tf.choices import TRUNCATION_KINDS


def noise(
    seed: tf.Tensor | int,
    stream: str,
    indices: tf.Tensor,
    size: int,
    truncation: tf.Tensor | float = 1.0,
    kind: str = "scale",
) -> tf.Tensor:
    """Normal noise z of each example, float32 [B, size].

    Args:
        seed: int32 scalar.
        stream: see `randomness.uniform`.
        indices: int64 [B], the examples.
        size: units of z.
        truncation: scalar, 0 or more. z is a continuous function of it, and zero at 0.
        kind: "scale": normal noise times `truncation` (not-so-BigGAN); "truncate": a normal
            distribution truncated to [-truncation, truncation] in each component (BigGAN).

    Raises:
        ValueError: `kind` is unknown.

    >>> indices = tf.constant([0, 1], tf.int64)
    >>> noise(0, "example", indices, size=3, truncation=0.5).shape
    TensorShape([2, 3])
    """
    if kind not in TRUNCATION_KINDS:
        raise ValueError(f"kind={kind!r}: use one of {', '.join(TRUNCATION_KINDS)}")
    share = 2 * randomness.uniform(seed, stream, indices, size) - 1  # in (-1, 1)
    root = tf.sqrt(2.0)
    if kind == "scale":
        return truncation * root * tf.math.erfinv(share)
    within = tf.math.erf(tf.cast(truncation, tf.float32) / root)  # share within the limits
    return root * tf.math.erfinv(share * within)
