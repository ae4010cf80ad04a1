"""Signs that the training of a GAN has collapsed (BigGAN, section 4)."""

from collections.abc import Mapping

import tensorflow as tf

# Healthy trainings stay far from these: hinge losses pull logits to about one, singular values
# of the layers grow to some tens before a collapse, and samples vary about as much as images.
LARGEST_LOGIT = 1e3
LARGEST_SPECTRAL_NORM = 1e3
SMALLEST_DIVERSITY = 0.02
FEWEST_IMAGES = 8  # whose diversity tells something


def diversity(real: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
    """How much made pictures differ from one another, over how much real ones do.

    Root mean squares, over positions, of the standard deviation among the pictures of a batch;
    [B, H, W, C] both, to a float32 scalar. Zero: they are all the same.
    """
    spread = [tf.reduce_mean(tf.math.reduce_variance(x, axis=0)) for x in (made, real)]
    return tf.sqrt(spread[0] / tf.maximum(spread[1], 1e-12))


def trouble(metrics: Mapping[str, float]) -> str | None:
    """What is wrong by a training step's figures, those of `GANStage.train_step`; or None."""
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
