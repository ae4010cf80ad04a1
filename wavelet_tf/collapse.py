"""Signs that the training of a GAN has collapsed (BigGAN, section 4)."""

from collections.abc import Mapping

import tensorflow as tf

# Healthy trainings stay far from these. Hinge losses pull logits to about one, singular values
# grow to some tens before a collapse, and samples vary about as much as images.
LARGEST_LOGIT = 1e3
LARGEST_SPECTRAL_NORM = 1e3
SMALLEST_DIVERSITY = 0.02
FEWEST_IMAGES = 8  # the diversity of a smaller batch says little


def moments(images: tf.Tensor) -> tf.Tensor:
    """Mean and mean square at every position, float32 [B, H, W, C] to [2, H, W, C].

    Those of a batch are the means of those of its equal parts.
    """
    return tf.stack([tf.reduce_mean(images, axis=0), tf.reduce_mean(images**2, axis=0)])


def diversity(real: tf.Tensor, generated: tf.Tensor) -> tf.Tensor:
    """Spread of generated images relative to real ones, a float32 scalar.

    Spread is the root mean square, over positions, of the standard deviation within a batch. It is
    zero if all images are the same.

    Args:
        real, generated: the `moments` of images.

    >>> images = tf.reshape(tf.range(8.0), [2, 2, 2, 1])
    >>> float(diversity(moments(images), moments(0.5 * images + 3)))
    0.5
    """
    spread = [
        tf.reduce_mean(square - mean**2) for mean, square in map(tf.unstack, (generated, real))
    ]
    return tf.sqrt(tf.maximum(spread[0], 0) / tf.maximum(spread[1], 1e-12))


def trouble(metrics: Mapping[str, float]) -> str | None:
    """Returns the sign of a collapse in metrics of `GANStage.train_step`; None if all is well."""
    for name in ("D_real", "D_fake"):
        if abs(metrics[name]) > LARGEST_LOGIT:
            return f"the discriminator's logits run away: {name} {metrics[name]:.4g}"
    norms = {name: x for name, x in metrics.items() if name.startswith("spectral_norm")}
    worst = max(norms, key=lambda name: norms[name], default=None)  # R3GAN has none
    if worst is not None and norms[worst] > LARGEST_SPECTRAL_NORM:
        return f"singular values run away: {worst} {norms[worst]:.4g}"
    spread = metrics.get("diversity", 1.0)
    if spread < SMALLEST_DIVERSITY:
        return f"samples are nearly all the same: they differ {spread:.2g} times as much as images"
    return None
