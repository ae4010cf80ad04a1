"""Penalties of a discriminator, which keep it from memorising few images."""

from collections.abc import Callable

import keras
import tensorflow as tf

DECAY = 0.99  # of the averages of logits


def gradient_penalty(
    discriminate: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor
) -> tf.Tensor:
    """Squared length of each image's gradient, float32 [B] (Mescheder et al., 2018).

    Of real images it is R1, of generated ones R2. Papers multiply its mean by gamma / 2.

    Args:
        discriminate: images to logits, float32 [B]; a logit depends on its image alone.
        images: float32 [B, H, W, C].

    >>> gradient_penalty(lambda x: tf.reduce_sum(3 * x, axis=(1, 2, 3)), tf.zeros([2, 2, 1, 1]))
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([18., 18.], dtype=float32)>
    """
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = discriminate(images)
    gradient = tape.gradient(logits, images)
    return tf.reduce_sum(tf.square(gradient), axis=(1, 2, 3))


class LogitAverages(keras.layers.Layer):
    """Exponential moving averages of the logits of real and of generated images, from zero.

    LeCam regularisation (Tseng et al., 2021) draws the logits of real images to the average of
    generated ones, and the other way round.

    >>> averages = LogitAverages()
    >>> averages.build()
    >>> averages.move(real=tf.constant(1.0), fake=tf.constant(-1.0))
    >>> averages.real.numpy().round(2), averages.fake.numpy().round(2)
    (np.float32(0.01), np.float32(-0.01))
    """

    built: bool  # set by Keras

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        if self.built:
            return
        self.real, self.fake = [
            self.add_weight(
                shape=(), initializer="zeros", trainable=False, autocast=False, name=name
            )
            for name in ("real", "fake")
        ]
        self.built = True

    def move(self, real: tf.Tensor, fake: tf.Tensor) -> None:
        """Moves the averages towards the means of a step's logits, float32 scalars."""
        for average, mean in ((self.real, real), (self.fake, fake)):
            average.assign(DECAY * tf.convert_to_tensor(average) + (1 - DECAY) * mean)
