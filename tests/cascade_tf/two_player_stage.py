"""A tiny GAN stage with two optimizers, labels and float targets, for tests of the shared loop.

A generator maps noise and a label to a real-valued target: the image's mean brightness in each of
the four quarters, in [-1, 1]. A discriminator scores targets. The two are updated in turn.
"""

import keras
import tensorflow as tf

from cascade_tf import randomness
from cascade_tf.description import Description
from cascade_tf.optimizers import RMSprop, apply_gradients
from cascade_tf.stage import Stage

NOISE = 3


class TwoPlayerStage(Stage):
    name = "players"
    description = Description("players", ())
    headline = "generator_loss"

    def __init__(self, seed: int = 0, classes: int = 10):
        self.seed, self.classes = seed, classes

    def build(self):
        self.generator = keras.Sequential(
            [keras.Input([NOISE + self.classes]), keras.layers.Dense(8, "tanh"),
             keras.layers.Dense(4)]
        )  # fmt: skip
        self.discriminator = keras.Sequential(
            [keras.Input([4 + self.classes]), keras.layers.Dense(8, "tanh"),
             keras.layers.Dense(1)]
        )  # fmt: skip
        self.generator_optimizer = RMSprop(1e-3)
        self.discriminator_optimizer = RMSprop(2e-3)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def networks(self):
        return {"generator": self.generator, "discriminator": self.discriminator}

    def optimizers(self):
        return {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    def averaged_variables(self):
        return self.generator.trainable_variables

    def target(self, images):
        """Mean of each quarter, float32 [B, 4] in [-1, 1]."""
        x = tf.cast(images, tf.float32) / 127.5 - 1
        side = x.shape[1] // 2
        return tf.reshape(tf.nn.avg_pool2d(x, side, side, "VALID"), [-1, 4])

    def _generate(self, indices, labels):
        noise = randomness.gumbel(self.seed, "players/noise", indices, NOISE)
        return self.generator(tf.concat([noise, tf.one_hot(labels, self.classes)], axis=1))

    def _score(self, target, labels):
        return self.discriminator(tf.concat([target, tf.one_hot(labels, self.classes)], axis=1))

    def train_step(self, examples, step):
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        real = self.target(examples.images)
        with tf.GradientTape() as tape:
            fake = self._generate(examples.indices, examples.labels)
            hinge = tf.nn.relu(1 - self._score(real, examples.labels)) + tf.nn.relu(
                1 + self._score(fake, examples.labels)
            )
            loss = tf.reduce_mean(hinge) / replicas
        variables = self.discriminator.trainable_variables
        apply_gradients(self.discriminator_optimizer, tape.gradient(loss, variables), variables)

        with tf.GradientTape() as tape:
            fake = self._generate(examples.indices, examples.labels)
            scores = self._score(fake, examples.labels)
            loss = -tf.reduce_mean(scores) / replicas
        variables = self.generator.trainable_variables
        apply_gradients(self.generator_optimizer, tape.gradient(loss, variables), variables)
        return {
            "generator_loss": -tf.reduce_mean(scores),
            "discriminator_loss": tf.reduce_mean(hinge),
        }

    def evaluate_step(self, examples):
        fake = self._generate(examples.indices, examples.labels)
        error = tf.reduce_mean((fake - self.target(examples.images)) ** 2, axis=1)
        return {"squared_error": error}

    def _sample(self, request):
        labels = tf.cast(request.indices % self.classes, tf.int32)
        return self._generate(request.indices, labels)

    def to_images(self, target):
        image = tf.reshape(tf.clip_by_value(127.5 * (target + 1), 0, 255), [-1, 2, 2, 1])
        return tf.cast(image, tf.uint8)
