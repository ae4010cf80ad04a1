"""Optimizers and learning rates of the papers, and one way to apply gradients on all replicas."""

from collections.abc import Sequence

import keras
import tensorflow as tf


class _SumsNothing:
    """Optimizers that take gradients already summed over replicas by `apply_gradients`."""

    def _all_reduce_sum_gradients(self, grads_and_vars: Sequence[tuple]) -> Sequence[tuple]:
        return grads_and_vars


class SGD(_SumsNothing, keras.optimizers.SGD):
    """Plain gradient descent."""


class Adam(_SumsNothing, keras.optimizers.Adam):
    """Adam; the update is TensorFlow's own operation, which goes through the memory once.

    Keras's goes through it for each of its own, and takes about three times as long
    (benchmarks/libraries.py). Epsilon is added before the bias correction, as in Keras and in
    TensorFlow 1.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )


class RMSprop(_SumsNothing, keras.optimizers.RMSprop):
    """RMSProp as TensorFlow 1 had it: the mean of squares starts at one, not at zero.

    From zero, the first steps at decay .95 are about four times larger. The update is TensorFlow
    1's own operation, which goes through the memory once.
    """

    def build(self, var_list: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        for velocity in self._velocities:
            velocity.assign(tf.ones_like(velocity))

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        if not self.momentum:  # which that operation wants a slot for
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle,
            ms=self._velocities[index].value.handle,
            mom=self._momentums[index].value.handle,
            lr=tf.cast(learning_rate, variable.dtype),
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )


def learning_rate_schedule(
    rates: Sequence[float], boundaries: Sequence[int]
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Piecewise-constant: rates[0] for steps before boundaries[0], and so on (Table 4's "sched").

    With one rate and no boundary, the rate itself.
    """
    if not boundaries:
        return rates[0]
    # Keras changes the rate after the boundary; step counts start at zero.
    return keras.optimizers.schedules.PiecewiseConstantDecay(
        [step - 1 for step in boundaries], list(rates)
    )


def apply_gradients(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[keras.Variable],
    clip_norm: float = 0.0,
) -> tf.Tensor:
    """Sums gradients over replicas, clips their global norm, and applies them.

    Call it in replica context, outside XLA. Losses must have been divided by the global batch.

    Args:
        optimizer: one of this module; others sum gradients over replicas themselves.
        gradients: of this replica, one for each variable.
        clip_norm: the largest norm let through; 0 clips nothing.

    Returns:
        The global norm before clipping, float32 scalar, the same on every replica.

    Raises:
        TypeError: an optimizer that is not of this module.
    """
    if not issubclass(type(optimizer), _SumsNothing):
        raise TypeError(f"{optimizer} would sum the gradients again: use one of optimizers.py")
    replica = tf.distribute.get_replica_context()
    gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, list(gradients))
    norm = tf.linalg.global_norm(gradients)
    if clip_norm:
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
    optimizer.apply(gradients, variables)
    return norm
