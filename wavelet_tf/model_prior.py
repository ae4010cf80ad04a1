"""A stage whose model is a stage, too: of a representation of the images in place of the images."""

import abc
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.stage import Stage


class ModelPrior(Stage):
    """Trains and evaluates a model of what `_represented` computes from images.

    Args:
        model: of the representation, not yet built.
        description: of the prior; by default the model's.
    """

    def __init__(self, model: Stage, description: Description | None = None):
        self.model, self.description = model, description or model.description
        self.name, self.headline = model.name, model.headline
        self.sampling_parts, self.jit_compile = model.sampling_parts, model.jit_compile

    @abc.abstractmethod
    def _represented(self, examples: Examples) -> Examples:
        """Examples whose images are the model's."""

    @property
    def batch_parts(self) -> int:  # type: ignore[override]
        """The model's."""
        return self.model.batch_parts

    @batch_parts.setter
    def batch_parts(self, parts: int) -> None:
        self.model.batch_parts = parts

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        return self.model.optimizers()

    def averaged_variables(self) -> Sequence[keras.Variable]:
        return self.model.averaged_variables()

    def train_step(self, examples: Examples, step: tf.Tensor) -> Mapping[str, tf.Tensor]:
        return self.model.train_step(self._represented(examples), step)

    def evaluate_step(self, examples: Examples) -> Mapping[str, tf.Tensor]:
        """Metrics of the model, such as `nats` and `bits_per_dim` of the representation."""
        return self.model.evaluate_step(self._represented(examples))
