"""Base class of decoders, networks that predict the details that encoders discard (eq. 3)."""

import abc
from typing import Any, Generic, TypeVar

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.config import NSBConfig

Config = TypeVar("Config", bound=NSBConfig)


class Decoder(SerializableLayer, abc.ABC, Generic[Config]):
    """A network from a coarse representation to one of twice the size.

    Each kind of decoder has its own details. `split` divides a representation into a coarse one
    and true details, `call` predicts the details, and `join` inverts `split`.

    Args:
        config: sizes of the chain.
        level: the stage, counted from 1, the coarsest.
        synchronized: see `ConvolutionBlock`.

    Attributes:
        size: side of the output.
        detail_maps: maps of the coarse size that `details` returns for each channel.
    """

    detail_maps: int

    def __init__(self, config: Config, level: int, synchronized: bool = False, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # inputs stay float32
        self.config, self.level = config, level
        self.size = config.size_of(level)
        self.synchronized = synchronized

    @property
    def output_dtype(self) -> str:
        return "float32"

    @abc.abstractmethod
    def split(self, fine: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """[B, s, s, C] to a coarse representation, [B, s/2, s/2, C], and the true details."""

    @abc.abstractmethod
    def loss(self, predicted: tf.Tensor, true: tf.Tensor) -> tf.Tensor:
        """Training loss of predicted details, per example, [B]."""

    @abc.abstractmethod
    def details(self, predicted: tf.Tensor) -> tf.Tensor:
        """Predicted or true details as a map of the coarse size, [B, s/2, s/2, .]."""

    @abc.abstractmethod
    def join(self, coarse: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        """A coarse representation and its details to [B, s, s, C]."""
