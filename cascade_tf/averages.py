"""Polyak averages of weights, which evaluation, sampling and export use."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf


class PolyakAverage(tf.Module):
    """An exponential moving average of variables.

    Update t, counted from zero after `start`, keeps min(decay, (1 + t) / (1 + 1 / share + t)) of
    the average. So its window, 1 / (1 - what is kept), is about that share of the updates, until
    `decay` limits it. With `decay` alone, short trainings would evaluate their initial weights.
    Before `start` the average follows the variables themselves.

    With a share of 1/9, the rule is that of tf.train.ExponentialMovingAverage with `num_updates`
    = t. TensorFlow's class has no `start`, and keeps its variables in memory until the process
    ends.

    Args:
        variables: to be averaged.
        decay: largest share of the average that an update keeps, in [0, 1).
        start: first step that is averaged.
        share: of the updates, the length of the window, in (0, 1].

    >>> weight = keras.Variable([1.0])
    >>> average = PolyakAverage([weight], decay=0.999)
    >>> _ = weight.assign([2.0])
    >>> average.update(tf.constant(0, tf.int64))  # keeps a tenth: 0.1 * 1 + 0.9 * 2
    >>> round(float(average.averages[0][0]), 3)
    1.9
    """

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        decay: float,
        start: int = 0,
        share: float = 1 / 9,
    ):
        """Creates the averages as copies; call it under the strategy's scope."""
        super().__init__(name="polyak_average")
        self._variables = [v.value for v in variables]
        self._decay = decay
        self._start = start
        self._share = share
        self.averages = [tf.Variable(v, trainable=False) for v in self._variables]

    def update(self, step: tf.Tensor) -> None:
        """Moves the averages towards the variables; call it in replica context.

        Args:
            step: int64 scalar, the training step just completed, counted from zero.
        """
        t = tf.cast(tf.maximum(step - self._start, -1), tf.float32)  # -1: keep is 0
        keep = tf.minimum(self._decay, (1 + t) / (1 + 1 / self._share + t))

        def update_all(strategy: tf.distribute.Strategy, keep: tf.Tensor) -> None:
            for average, variable in zip(self.averages, self._variables, strict=True):
                strategy.extended.update(
                    average,
                    lambda a, v, k: a.assign(v + k * (a - v)),
                    args=(variable, keep),
                    group=False,
                )

        tf.distribute.get_replica_context().merge_call(update_all, args=(keep,))

    def restart(self) -> None:
        """Sets the averages to the variables' current values."""
        for variable, average in zip(self._variables, self.averages, strict=True):
            average.assign(variable.numpy())

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Replaces the variables by their averages within a `with` block, outside tf.function."""
        live = [v.numpy() for v in self._variables]
        self.apply()
        try:
            yield
        finally:
            for variable, value in zip(self._variables, live, strict=True):
                variable.assign(value)

    def apply(self) -> None:
        """Replaces the variables by their averages permanently."""
        for variable, average in zip(self._variables, self.averages, strict=True):
            variable.assign(average.numpy())
