"""A stage: one learned step of a cascade, p(target | condition) or a map from one to the other.

The shared loop (training.py) owns strategy, data, checkpoints, averages, logs, progress and
resume. A stage owns what it computes: its networks and optimizers, one training step, its
evaluation and its sampling. Stages differ much: a likelihood model has one
network; a GAN has two, which take turns; a regression has float targets and no likelihood.
"""

import abc
from collections.abc import Collection, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.data import Source
from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.sample_request import OnProgress, SampleRequest


class Stage(abc.ABC):
    """What the shared loop and the commands ask of every stage.

    Attributes:
        name: of the stage, and of its directory in the workdir.
        description: the settings it was made from.
        headline: the metric of `train_step` and `evaluate_step` that sums the stage up.
        accepts: names of the optional parts of a SampleRequest that `sample` uses.
        sampling_parts: how often `sample` reports progress.
        batch_parts: equal parts that `train_step` cuts a replica's share of the batch into.
    """

    name: str
    description: Description
    headline: str
    accepts: Collection[str] = ()
    sampling_parts = 1
    batch_parts = 1

    @abc.abstractmethod
    def build(self) -> None:
        """Creates all variables; called once, under the strategy's scope."""

    def prepare(self, source: Source) -> str | None:
        """Takes from the training images what must be known before the first step, and tells it.

        Called once in a training, when `build` was and no checkpoint is there to resume from.
        """
        return None

    @abc.abstractmethod
    def networks(self) -> Mapping[str, keras.Layer]:
        """The stage's networks, by name."""

    @abc.abstractmethod
    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        """The stage's optimizers, by name."""

    def parameters(self) -> int:
        """The number of trainable weights of all networks."""
        weights = [w for network in self.networks().values() for w in network.trainable_weights]
        return sum(int(np.prod(w.shape)) for w in weights)

    @abc.abstractmethod
    def averaged_variables(self) -> Sequence[keras.Variable]:
        """The variables whose Polyak averages evaluation, sampling and export use."""

    @abc.abstractmethod
    def train_step(self, examples: Examples, step: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """Makes one step; called in replica context, in a graph.

        Losses are sums over the replica's examples divided by the *global* batch, and gradients
        go through `optimizers.apply_gradients`. Every random draw is keyed by seed and
        `examples.indices` (randomness.py), so that replicas together compute what one would.

        Args:
            examples: this replica's share of the batch.
            step: int64 scalar, steps made before this one.

        Returns:
            float scalars by name, which the loop averages over replicas.
        """

    @abc.abstractmethod
    def evaluate_step(self, examples: Examples) -> Mapping[str, tf.Tensor]:
        """Held-out figures of each example, float32 [b] by name; replica context, in a graph."""

    def sample(self, request: SampleRequest) -> tf.Tensor:
        """Draws the stage's target for each index, given the previous stage's targets.

        It runs eagerly, reporting progress, or as part of a graph (without `on_progress`).
        Built under a strategy and run eagerly, it spreads the images over the replicas.

        Returns:
            The target, in the stage's own representation.

        Raises:
            ValueError: the request has parts that the stage cannot use (`accepts`).
        """
        request.require_only(self.accepts, self.name)
        return self._sample(request)

    @abc.abstractmethod
    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """As `sample`, of a request that the stage can answer."""

    @abc.abstractmethod
    def target(self, images: tf.Tensor) -> tf.Tensor:
        """What the stage makes, computed from real images: uint8 [B, H, W, C] to the target.

        It is deterministic, and the condition of the stage that comes after.
        """

    def condition(self, images: tf.Tensor) -> tf.Tensor | None:
        """What the stage is given, computed from real images: the target of the stage before.

        None for a stage that is given nothing.
        """
        return None

    @abc.abstractmethod
    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        """A target as pictures to look at: uint8 [B, H, W, C]."""

    def trouble(self, metrics: Mapping[str, float]) -> str | None:
        """What is wrong with the training, in a few words, by what steps returned; or None.

        The loop stops then, before a checkpoint is written. Figures that are not finite it finds
        by itself.

        Args:
            metrics: means of `train_step`'s figures over the steps since it was last asked.
        """
        return None

    def previews(self, examples: Examples, on_progress: OnProgress) -> Mapping[str, np.ndarray]:
        """Pictures for TensorBoard by title, uint8 [N, H, W, C] of any size; runs eagerly.

        By default a sample for each example, of what the example's image gives.

        Args:
            examples: held-out ones, where there are some.
            on_progress: as of `sample`.
        """
        request = SampleRequest(
            len(examples.images),
            condition=self.condition(examples.images),
            on_progress=on_progress,
        )
        made = self.sample(request)
        return {"samples": self.to_images(made).numpy()}
