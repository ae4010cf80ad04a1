"""Optimizers, learning rate schedules, and synchronous gradient updates."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.keras_defaults import keras_defaults


class _SumsNothing:
    """Optimizers that expect gradients summed over replicas, as by `apply_gradients`.

    Attributes:
        schedule: the learning rate, or its schedule.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        **settings: Any,
    ) -> None:
        with keras_defaults():  # the learning rate is a variable of the default dtype
            super().__init__(learning_rate, **settings)  # type: ignore[call-arg]  # of a Keras class
        self.schedule = learning_rate

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
    """RMSProp, whose mean of squares starts at one, as in TensorFlow 1, or at zero.

    A start at one is the papers'. The mean forgets it by the factor `rho` a step: with small
    gradients g, step t is about g / rho^(t/2) times the rate, and not about one. With .95 and
    gradients of 1e-3, the training begins to learn after some 270 steps. With a start at zero the
    mean is divided by 1 - rho^t, as in Adam, and already the first step has its full length.

    With momentum, the update is TensorFlow's fused operation, which passes over memory once.

    Args:
        learning_rate: a rate or a schedule.
        start: of the mean of squares, 1 or 0.
        settings: of Keras's RMSprop.

    >>> for start in (1, 0):
    ...     weight = keras.Variable([0.0])
    ...     optimizer = RMSprop(0.1, start, momentum=0.9)
    ...     _ = apply_gradients(optimizer, [tf.constant([-0.1])], [weight])
    ...     print(f"{float(weight.value[0]):.4f}")
    0.0105
    0.1000
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        start: float = 1,
        **settings: Any,
    ) -> None:
        super().__init__(learning_rate, **settings)
        self._start = start

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"start": self._start}

    def build(self, var_list: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        for velocity in self._velocities:
            velocity.assign(tf.fill(velocity.shape, tf.cast(self._start, velocity.dtype)))

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        rate = tf.cast(learning_rate, variable.dtype)
        if not self._start:  # the root of the mean's correction
            rate *= tf.sqrt(1 - self.rho ** tf.cast(self.iterations + 1, variable.dtype))
        if not self.momentum:  # the fused operation requires a momentum variable
            super().update_step(gradient, variable, rate)
            return
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle,
            ms=self._velocities[index].value.handle,
            mom=self._momentums[index].value.handle,
            lr=rate,
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )


class BudgetSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rates over the steps, or over the share of a training's budget that is used.

    Piecewise-constant rates, times a factor for the warm-up and one for the decay.

    Args:
        rates: one more than `boundaries`.
        boundaries: ascending; steps, counted from zero, or shares of the budget below 1.
        decay: factor that falls as the budget is `used`: "linear", 1 - used; or "cosine",
            (1 + cos(pi * used)) / 2. "constant": none.
        warmup: steps, or share of the budget below 1, over which the rates rise linearly from 0.
        updates: of the optimizer in a step.

    Attributes:
        used: float64 scalar variable, the share of the budget that is used, which `set_used`
            sets. Replicas share it.

    >>> schedule = BudgetSchedule([1e-3, 1e-4], boundaries=[0.5])
    >>> _ = schedule.used.assign(0.6)
    >>> f"{float(schedule(0)):.0e}"
    '1e-04'
    """

    def __init__(
        self,
        rates: Sequence[float],
        boundaries: Sequence[float] = (),
        decay: str = "constant",
        warmup: float = 0,
        updates: int = 1,
    ) -> None:
        super().__init__()
        self._rates, self._boundaries = list(rates), list(boundaries)
        self._decay, self._warmup, self._updates = decay, warmup, updates
        self.used = tf.Variable(0.0, trainable=False, dtype=tf.float64, name="used_budget")

    def __call__(self, step: tf.Tensor | int) -> tf.Tensor:
        used, step = tf.convert_to_tensor(self.used), tf.cast(step // self._updates, tf.float64)
        shares = bool(self._boundaries) and self._boundaries[-1] < 1
        passed = (used if shares else step) >= tf.constant(self._boundaries, tf.float64)
        rate = tf.gather(self._rates, tf.reduce_sum(tf.cast(passed, tf.int32)))
        factor = self._remaining(tf.clip_by_value(used, 0.0, 1.0))
        if self._warmup:
            risen = used if self._warmup < 1 else step + 1
            factor *= tf.minimum(risen / self._warmup, 1.0)
        return rate * tf.cast(factor, rate.dtype)

    def _remaining(self, used: tf.Tensor) -> tf.Tensor:
        if self._decay == "linear":
            return 1 - used
        if self._decay == "cosine":
            return (1 + tf.cos(np.pi * used)) / 2
        return tf.ones_like(used)

    def get_config(self) -> dict[str, Any]:
        return {
            "rates": self._rates,
            "boundaries": self._boundaries,
            "decay": self._decay,
            "warmup": self._warmup,
            "updates": self._updates,
        }


def set_used(optimizers: Iterable[keras.optimizers.Optimizer], share: float) -> None:
    """Sets the share of the training's budget that is used, for schedules that depend on it.

    Args:
        optimizers: of this module.
        share: in [0, 1].
    """
    for optimizer in optimizers:
        if isinstance(optimizer.schedule, BudgetSchedule):
            optimizer.schedule.used.assign(share)


def learning_rate_schedule(
    rates: Sequence[float],
    boundaries: Sequence[float],
    decay: str = "constant",
    warmup: float = 0,
    updates: int = 1,
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The rate itself if it is constant, or else a `BudgetSchedule`, which has the same arguments.

    Piecewise-constant rates over steps are the SPN paper's "sched" (Table 4).

    >>> schedule = learning_rate_schedule([1e-3, 1e-4], boundaries=[500])
    >>> [f"{float(schedule(step)):.0e}" for step in (499, 500)]
    ['1e-03', '1e-04']
    """
    if not boundaries and decay == "constant" and not warmup:
        return rates[0]
    return BudgetSchedule(rates, boundaries, decay, warmup, updates)


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
