"""Signs that the training of a GAN has collapsed (BigGAN, section 4)."""

from collections.abc import Mapping

import tensorflow as tf

# Healthy trainings stay far from these. Hinge losses pull logits to about one, singular values
# grow to some tens before a collapse, and samples vary about as much as images.
LARGEST_LOGIT = 1e3
LARGEST_SPECTRAL_NORM = 1e3
SMALLEST_DIVERSITY = 0.02
FEWEST_IMAGES = 8  # the diversity of a smaller batch says little


def diversity(real: tf.Tensor, generated: tf.Tensor) -> tf.Tensor:
    """Spread of generated images relative to real ones, a float32 scalar.

    Spread is the root mean square, over positions, of the standard deviation within a batch
    [B, H, W, C]. It is zero if all images are the same.

    >>> images = tf.reshape(tf.range(8.0), [2, 2, 2, 1])
    >>> float(diversity(images, 0.5 * images + 3))
    0.5
    """
    spread = [tf.reduce_mean(tf.math.reduce_variance(x, axis=0)) for x in (generated, real)]
    return tf.sqrt(spread[0] / tf.maximum(spread[1], 1e-12))


def trouble(metrics: Mapping[str, float]) -> str | None:
    """Returns the sign of a collapse in metrics of `GANStage.train_step`; None if all is well."""
    for name in ("D_real", "D_fake"):
        if abs(metrics[name]) > LARGEST_LOGIT:
            return f"the discriminator's logits run away: {name} {metrics[name]:.4g}"
    norms = {name: x for name, x in metrics.items() if name.startswith("spectral_norm")}
    worst = max(norms, key=lambda name: norms[name])
    if norms[worst] > LARGEST_SPECTRAL_NORM:
        return f"singular values run away: {worst} {norms[worst]:.4g}"
    spread = metrics.get("diversity", 1.0)
    if spread < SMALLEST_DIVERSITY:
        return f"samples are nearly all the same: they differ {spread:.2g} times as much as images"
    return None
