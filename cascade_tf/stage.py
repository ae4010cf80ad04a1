"""A stage: one learned step of a cascade, p(target | condition) or a regression of the target.

The shared loop (training.py) owns strategy, data, checkpoints, averages, logs, progress and
resuming. A stage owns the computation: networks, optimizers, training step, evaluation and
sampling. Stages differ widely: a likelihood model has one network, a GAN alternates between two,
and a regression has float targets and no likelihood.
"""

import abc
from collections.abc import Callable, Collection, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.data import Source
from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.sample_request import OnProgress, SampleRequest


class Stage(abc.ABC):
    """Interface of stages, which the shared loop and the commands use.

    Attributes:
        name: of the stage, and of its directory in the workdir.
        description: its settings.
        headline: the primary metric of `train_step` and `evaluate_step`.
        accepts: names of the optional attributes of a SampleRequest that `sample` uses.
        sampling_parts: how often one call of `sample` reports progress.
        batch_parts: equal parts into which `train_step` splits a replica's share of the batch.
        jit_compile: the user's choice of XLA for training steps; None: there is none.
        largest_batch: the user's batch size, which no other pass should exceed; None: not set.
        num_classes: classes that it knows; 1 if it ignores labels.
        image_shape: (H, W, C) of the images that `train_step` takes; None if the stage checks
            them itself, in `prepare`.
        needs: names of the stages that are trained before this one, which `prepare` reads.
        load_needed: loads one of them, trained; set by an experiment, or by who creates the stage.
        of_training: names of networks and optimizers that training alone uses. They begin anew in a
            start from another training that did not have them.
        needs_inception: whether training needs the weights of Inception.
        inception: path of these weights, which is set before `build`.
    """

    name: str
    description: Description
    headline: str
    accepts: Collection[str] = ()
    sampling_parts = 1
    batch_parts = 1
    jit_compile: bool | None = True
    largest_batch: int | None = None
    num_classes = 1
    image_shape: tuple[int, int, int] | None = None
    needs: Sequence[str] = ()
    of_training: Collection[str] = ()
    needs_inception = False
    inception: str | None = None

    load_needed: "Callable[[str], Stage] | None" = None

    @abc.abstractmethod
    def build(self) -> None:
        """Creates all variables; called once, under the strategy's scope."""

    def prepare(self, source: Source) -> str | None:
        """Computes statistics of the training images that the first step needs.

        Called once, after `build`, if there is no checkpoint to resume from.

        Returns:
            A line about them for the log; None if there is nothing to report.
        """
        return None

    def require_needed(self) -> None:
        """Checks what `prepare` took from the stages that this one `needs`.

        Called before a training continues from a checkpoint.

        Raises:
            UserError: they have been trained again since.
        """
        return

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
        """Updates the weights once; called in replica context, in a graph.

        Losses are sums over the replica's examples divided by the *global* batch, and gradients
        go through `optimizers.apply_gradients`. Every random draw is keyed by seed and
        `examples.indices` (randomness.py), so that the number of replicas changes no result.

        Args:
            examples: this replica's share of the batch.
            step: int64 scalar, steps completed before this one.

        Returns:
            Metrics by name, float scalars, which the loop averages over replicas.
        """

    @abc.abstractmethod
    def evaluate_step(self, examples: Examples) -> Mapping[str, tf.Tensor]:
        """Metrics of each held-out example by name, float32 [b]; in replica context, in a graph."""

    def sample(self, request: SampleRequest) -> tf.Tensor:
        """Draws the stage's target for each index, given the previous stage's targets.

        Called eagerly, it may report progress, and it distributes the images over the replicas of
        the strategy under which the stage was built. Within a graph, `on_progress` must be None.

        Returns:
            The target, in the stage's own representation.

        Raises:
            ValueError: the request has attributes that the stage cannot use (`accepts`).
        """
        request.require_only(self.accepts, self.name)
        return self._sample(request)

    @abc.abstractmethod
    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """See `sample`; the request has only attributes that the stage accepts."""

    @abc.abstractmethod
    def target(self, images: tf.Tensor) -> tf.Tensor:
        """The stage's target computed from real images, uint8 [B, H, W, C].

        It is deterministic, and the condition of the next stage.
        """

    def condition(self, images: tf.Tensor) -> tf.Tensor | None:
        """The stage's condition computed from real images: the target of the previous stage.

        None for an unconditional stage.
        """
        return None

    @abc.abstractmethod
    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        """A target as images for display, uint8 [B, H, W, C]."""

    def trouble(self, metrics: Mapping[str, float]) -> str | None:
        """Health check of the training: a short reason to stop it, or None.

        The loop then stops before it writes a checkpoint. It checks itself for metrics that are
        not finite.

        Args:
            metrics: means of `train_step`'s metrics over the steps since the previous check.
        """
        return None

    def previews(self, examples: Examples, on_progress: OnProgress) -> Mapping[str, np.ndarray]:
        """Images for TensorBoard by title, uint8 [N, H, W, C] of any size; runs eagerly.

        By default a sample for each example, of its class, with the condition computed from its
        image.

        Args:
            examples: held-out ones if there is a test split.
            on_progress: see `SampleRequest`.
        """
        request = SampleRequest(
            len(examples.images),
            condition=self.condition(examples.images),
            labels=examples.labels if "labels" in self.accepts else None,
            on_progress=on_progress,
        )
        return {"samples": self.to_images(self.sample(request)).numpy()}
