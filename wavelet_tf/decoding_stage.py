"""A stage that decodes its condition, without randomness."""

import abc

import tensorflow as tf

from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage
from cascade_tf.strategies import run_on_replicas


class DecodingStage(Stage):
    """A regression of its target; samples are decoded conditions."""

    accepts = ("condition",)

    @abc.abstractmethod
    def decode(self, coarse: tf.Tensor) -> tf.Tensor:
        """The target of a condition."""

    def build_sampling(self) -> None:
        """Prepares `sample`; called by `build`."""
        self._decode_on_all = run_on_replicas(
            tf.function(self.decode, autograph=False), tf.distribute.get_strategy()
        )

    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """Decodes the condition."""
        if request.condition is None:
            raise ValueError(f"condition: stage {self.name} needs one; it only decodes")
        decoded = self._decode_on_all((request.condition,), ())
        if request.on_progress is not None:
            request.on_progress()
        return decoded
