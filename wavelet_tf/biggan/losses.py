"""Losses of a GAN's two players; all logits and losses are float32 [B]."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

Pairwise = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Loss:
    """The losses of both players on real and on generated images.

    Attributes:
        discriminator: of the logits of real and of generated images.
        generator: of the logits of generated and of real images.
        pairs: whether a real and a generated image are compared, so that the gradient of one
            depends on the logit of the other.

    >>> real, fake = tf.constant([3.0, 0.0]), tf.constant([0.0, 1.0])
    >>> LOSSES["hinge"].discriminator(real, fake).numpy().tolist()
    [1.0, 3.0]
    """

    discriminator: Pairwise
    generator: Pairwise
    pairs: bool


def _hinge(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The discriminator's loss of BigGAN (Lim and Ye, 2017): nothing beyond 1 and -1."""
    return tf.nn.relu(1 - real) + tf.nn.relu(1 + fake)


def _without_hinge(fake: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """The generator's loss of BigGAN."""
    return -fake


def _relativistic(better: tf.Tensor, worse: tf.Tensor) -> tf.Tensor:
    """log(1 + exp(worse - better)), the loss of both players of R3GAN (Huang et al., 2024)."""
    return tf.nn.softplus(worse - better)


LOSSES = {
    "hinge": Loss(_hinge, _without_hinge, pairs=False),
    "relativistic": Loss(_relativistic, _relativistic, pairs=True),
}
