"""The noise that generators are given, and the two ways that are called truncation (section 5)."""

import tensorflow as tf

from cascade_tf import randomness

KINDS = ("scale", "truncate")


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
        stream: as of `randomness.uniform`.
        indices: int64 [B], the examples.
        size: of z.
        truncation: scalar, 0 or more. The same draw moves continuously with it; at 0 z is zero.
        kind: "scale": normal noise times `truncation` (not-so-BigGAN); "truncate": normal
            noise given that no component is further from 0 than `truncation` (BigGAN).
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: use one of {', '.join(KINDS)}")
    share = 2 * randomness.uniform(seed, stream, indices, size) - 1  # in (-1, 1)
    root = tf.sqrt(2.0)
    if kind == "scale":
        return truncation * root * tf.math.erfinv(share)
    within = tf.math.erf(tf.cast(truncation, tf.float32) / root)  # the share that is let through
    return root * tf.math.erfinv(share * within)
