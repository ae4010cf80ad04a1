"""The two players of a GAN: a network each, and its steps on batches that may come in parts."""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from cascade_tf.examples import Examples
from cascade_tf.optimizers import Adam, apply_gradients

Figures = dict[str, tf.Tensor]
Gradients = Callable[[Examples, int], tuple[Figures, list[tf.Tensor]]]


@dataclasses.dataclass
class Player:
    """A network, and how it learns."""

    network: keras.layers.Layer
    optimizer: Adam
    gradients: Gradients  # of its loss, on examples and for a number of replicas

    def step(self, examples: Examples, accumulations: int, clip_norm: float) -> Figures:
        """One update, by the mean of the gradients of parts of the examples; replica context.

        Args:
            examples: this replica's.
            accumulations: equal parts that they are cut into, to save memory.
            clip_norm: as of `apply_gradients`.

        Returns:
            Means over the parts of the figures of `gradients`, and the gradient's norm.
        """
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        parts = shares(examples, accumulations)
        figures, gradients = self.gradients(parts[0], replicas)
        for part in parts[1:]:
            # One after another, so that the activations of one part alone are in memory.
            with tf.control_dependencies(gradients):
                more, summands = self.gradients(Examples(*map(tf.identity, part)), replicas)
            figures = {name: figures[name] + more[name] for name in figures}
            gradients = [a + b for a, b in zip(gradients, summands, strict=True)]
        norm = apply_gradients(
            self.optimizer,
            [gradient / len(parts) for gradient in gradients],
            self.network.trainable_variables,
            clip_norm,
        )
        found = {name: figure / len(parts) for name, figure in figures.items()}
        return found | {f"gradient_norm_{self.network.name}": norm}


def shares(examples: Examples, count: int) -> list[Examples]:
    """The examples in equal parts, which `count` must divide them into."""
    if count == 1:
        return [examples]
    parts = [tf.split(part, count) for part in examples]
    return [Examples(*share) for share in zip(*parts, strict=True)]
