"""What both kinds of decoders are: a network that predicts what coarsening threw away (eq. 3)."""

import abc
from typing import Any, Generic, TypeVar

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.config import NSBConfig

Config = TypeVar("Config", bound=NSBConfig)


class Decoder(SerializableLayer, abc.ABC, Generic[Config]):
    """A representation to one of twice the size.

    What is predicted, and how it and what is given make the finer representation, is the kind's
    own: `call` predicts, `split` is the truth, `join` the inverse of `split`.

    Args:
        config: of the chain.
        level: the stage, counted from 1, the coarsest.
        synchronized: BatchNorm counts the examples of all replicas; not inside XLA then.

    Attributes:
        size: side of what it makes.
    """

    def __init__(self, config: Config, level: int, synchronized: bool = False, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # what is given stays float32
        self.config, self.level = config, level
        self.size = config.size_of(level)
        self.synchronized = synchronized

    @property
    def output_dtype(self) -> str:
        return "float32"

    @abc.abstractmethod
    def split(self, fine: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """[B, s, s, C] to what is given, [B, s/2, s/2, C], and what is predicted of it."""

    @abc.abstractmethod
    def loss(self, predicted: tf.Tensor, true: tf.Tensor) -> tf.Tensor:
        """What a prediction costs in training, per example, [B]."""

    @abc.abstractmethod
    def join(self, coarse: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        """What is given and what is predicted to [B, s, s, C]."""
