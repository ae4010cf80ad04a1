"""The two players of a GAN: networks, and their training steps with gradient accumulation."""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

import keras
import tensorflow as tf

from cascade_tf.examples import Examples
from cascade_tf.optimizers import Adam, apply_gradients

Figures = dict[str, tf.Tensor]
Gradients = Callable[[Examples, int], tuple[Figures, list[tf.Tensor]]]
Tensors = TypeVar("Tensors")  # in any structure


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
        figures, gradients = means_over_parts(
            lambda part: self.gradients(part, replicas), examples, accumulations
        )
        norm = apply_gradients(
            self.optimizer, gradients, self.network.trainable_variables, clip_norm
        )
        return figures | {f"gradient_norm_{self.network.name}": norm}


def means_over_parts(
    function: Callable[[Examples], Tensors], examples: Examples, count: int
) -> Tensors:
    """Means of a function's results over equal parts of the examples, in their order.

    A graph contains the function twice, whatever the number of parts: once for the first part, and
    once in a loop over the others. Call it in replica context, where the function runs, too.

    Args:
        function: maps a part to tensors.
        examples: this replica's.
        count: of the parts; it divides the number of examples.
    """
    if count == 1:
        return function(examples)

    def part(examples: Examples, number: int | tf.Tensor) -> Tensors:
        parts = [tf.reshape(x, [count, -1, *x.shape[1:]]) for x in examples]
        return function(Examples(*(x[number] for x in parts)))

    def add_part(examples: Examples, number: tf.Tensor, sums: Tensors) -> Tensors:
        return tf.nest.map_structure(tf.add, sums, part(examples, number))

    def means(run: Callable, examples: Examples) -> Tensors:
        _, sums = tf.while_loop(
            lambda number, _: number < count,
            lambda number, sums: (number + 1, run(add_part, (examples, number, sums))),
            (tf.constant(1), run(part, (examples, 0))),
            parallel_iterations=1,  # so that only one part's activations are in memory
        )
        return run(lambda sums: tf.nest.map_structure(lambda x: x / count, sums), (sums,))

    context = tf.distribute.get_replica_context()
    if isinstance(context.strategy, tf.distribute.TPUStrategy):
        return means(lambda function, arguments: function(*arguments), examples)
    # Replicas on other devices meet, for synchronised BatchNorm, only outside of their own loops.
    return context.merge_call(lambda strategy, own: means(strategy.run, own), (examples,))
