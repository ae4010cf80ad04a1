"""The two players of a GAN: networks, and their training steps with gradient accumulation."""

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
    """A network, its optimizer and the gradients of its loss."""

    network: keras.layers.Layer
    optimizer: Adam
    gradients: Gradients  # of examples and the number of replicas

    def step(self, examples: Examples, accumulations: int, clip_norm: float) -> Figures:
        """Updates the network by the mean gradient over parts of the examples.

        It runs in replica context.

        Args:
            examples: this replica's.
            accumulations: number of equal parts, computed one after another to save memory.
            clip_norm: see `apply_gradients`.

        Returns:
            Means over the parts of the figures from `gradients`, and the gradient's norm.
        """
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        parts = shares(examples, accumulations)
        figures, gradients = self.gradients(parts[0], replicas)
        for part in parts[1:]:
            # One after another, so that only one part's activations are in memory.
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
        means = {name: figure / len(parts) for name, figure in figures.items()}
        return means | {f"gradient_norm_{self.network.name}": norm}


def shares(examples: Examples, count: int) -> list[Examples]:
    """Splits examples into `count` equal parts; `count` must divide their number."""
    if count == 1:
        return [examples]
    parts = [tf.split(part, count) for part in examples]
    return [Examples(*share) for share in zip(*parts, strict=True)]
