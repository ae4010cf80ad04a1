"""The contract of invertible layers, and the precision they compute in."""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer


class FlowLayer(SerializableLayer):
    """Base of the flow's layers: `call(x)` returns y and log|det dy/dx| [B], `inverse(y)` x.

    Features have the precision of the weights, float32 as a rule. Under a mixed policy only the
    convolutional networks, which need no inverse, compute in the lower precision.

    Args:
        dtype: policy of the convolutional networks; its `variable_dtype` is that of all else.

    Example:
        >>> layer = FlowLayer(dtype="mixed_bfloat16")
        >>> layer.compute_dtype, layer.network_policy.compute_dtype
        ('float32', 'bfloat16')
    """

    def __init__(self, *, dtype: Any = None, **kwargs: Any):
        policy = keras.dtype_policies.get(dtype)
        super().__init__(dtype=policy.variable_dtype, **kwargs)
        self.network_policy = policy

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration for `from_config`, with the policy of the networks."""
        return super().get_config() | {"dtype": keras.dtype_policies.serialize(self.network_policy)}


def for_each_image(x: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """A number that is the same for all images, as [B].

    >>> for_each_image(tf.zeros([2, 4, 4, 3]), tf.constant(1.5)).numpy()
    array([1.5, 1.5], dtype=float32)
    """
    return tf.fill(tf.shape(x)[:1], value)
