"""The papers' optimizers and learning rate schedules, and synchronous gradient updates."""

from collections.abc import Sequence

import keras
import tensorflow as tf


class _SumsNothing:
    """Optimizers that expect gradients summed over replicas, as by `apply_gradients`."""

    def _all_reduce_sum_gradients(self, grads_and_vars: Sequence[tuple]) -> Sequence[tuple]:
        return grads_and_vars


class SGD(_SumsNothing, keras.optimizers.SGD):
    """Plain gradient descent."""


class Adam(_SumsNothing, keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015), updated by TensorFlow's fused operation.

    The fused operation passes over memory once. Keras's Adam makes a pass for each elementary
    operation and takes about three times as long (benchmarks/libraries.py). Epsilon is added
    before the bias correction, as in Keras and in TensorFlow 1.

    Example: see `apply_gradients`.
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
    """RMSProp of TensorFlow 1, whose mean of squares starts at one, not at zero.

    With a start at zero and decay .95, the first steps would be about four times larger. With
    momentum, the update is TensorFlow 1's fused operation, which passes over memory once.
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
        if not self.momentum:  # the fused operation requires a momentum variable
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
    """Piecewise-constant learning rate: rates[0] for steps before boundaries[0], and so on.

    It is the SPN paper's "sched" (Table 4).

    Args:
        rates: one more than `boundaries`.
        boundaries: steps, ascending, counted from zero.

    Returns:
        A Keras schedule; the rate itself if there is only one.

    >>> schedule = learning_rate_schedule([1e-3, 1e-4], boundaries=[500])
    >>> [f"{float(schedule(step)):.0e}" for step in (499, 500)]
    ['1e-03', '1e-04']
    """
    if not boundaries:
        return rates[0]
    # Keras's intervals include their upper boundary.
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

    Call it in replica context, outside XLA. Losses must be divided by the global batch size.

    Args:
        optimizer: one of this module; others sum gradients over replicas themselves.
        gradients: of this replica, one for each variable.
        variables: to be updated.
        clip_norm: largest global norm of the gradient; 0: no clipping.

    Returns:
        The global norm before clipping, float32 scalar, the same on every replica.

    Raises:
        TypeError: the optimizer is not one of this module.

    >>> weight = keras.Variable([1.0, 1.0])
    >>> norm = apply_gradients(SGD(1.0), [tf.constant([3.0, 4.0])], [weight], clip_norm=1.0)
    >>> float(norm), [round(float(w), 3) for w in weight.numpy()]
    (5.0, [0.4, 0.2])
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
