"""How near a stage's samples are to real ones while it is trained, for TensorBoard."""

import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import flags

from cascade_tf.data import Source
from cascade_tf.errors import UsageError
from cascade_tf.metrics import (
    FeatureExtractor,
    PixelFeatures,
    compare,
    extract_features,
    load_inception,
)
from cascade_tf.stage import Stage

flags.DEFINE_integer(
    "distance_images",
    0,
    "At evaluations, compare so many samples with held-out images, as the stage sees those; 0: do "
    "not.",
    lower_bound=0,
)
flags.DEFINE_string(
    "inception",
    None,
    "Weights of the Inception network, for FID; without them features are of pixels.",
)
FLAGS = flags.FLAGS
_BATCH_SIZE = 50
_FEWEST = 10


def wanted(stage: Stage, held_out: Source | None) -> "TrainingDistance | None":
    """What the flags ask for; raises UsageError where it cannot be."""
    count = FLAGS.distance_images
    if not count:
        if FLAGS.inception:
            raise UsageError("--inception means nothing without --distance_images")
        return None
    if held_out is None:
        raise UsageError("--distance_images: with --split=all no images are held out to compare")
    if min(count, held_out.num_examples) < _FEWEST:
        raise UsageError(
            f"--distance_images={count}, of {held_out.num_examples} held out: {_FEWEST} are needed"
        )
    return TrainingDistance(stage, held_out, count)


class TrainingDistance:
    """Compares pictures of a stage's samples with those of real targets.

    Args:
        stage: that makes its target of nothing, under the weights to look at.
        source: of real images.
        count: of both, at most.

    Raises:
        UserError: no weights where --inception says.
    """

    def __init__(self, stage: Stage, source: Source, count: int):
        self._stage, self._source = stage, source
        self._count = min(count, source.num_examples)
        self._extractor: FeatureExtractor | None = None
        if FLAGS.inception:
            self._extractor = load_inception(pathlib.Path(FLAGS.inception).expanduser())
        self._real: np.ndarray | None = None

    def __call__(self) -> dict[str, float]:
        """The figures, by name."""
        if self._extractor is None:
            shape = next(self._real_pictures()).shape[1:]
            self._extractor = PixelFeatures(shape)
        if self._real is None:
            self._real = extract_features(self._extractor, self._real_pictures())
        made = extract_features(self._extractor, self._samples())
        return compare(self._extractor, made, self._real).figures

    def _real_pictures(self) -> Iterator[np.ndarray]:
        for batch in self._source.evaluation_examples(_BATCH_SIZE, limit=self._count):
            targets = self._stage.target(batch.images)
            yield self._stage.to_images(targets).numpy()[batch.indices.numpy() >= 0]

    def _samples(self) -> Iterator[np.ndarray]:
        for start in range(0, self._count, _BATCH_SIZE):
            indices = tf.range(start, start + _BATCH_SIZE, dtype=tf.int64)
            made = self._stage.sample(indices, tf.constant(0), tf.constant(1.0))
            yield self._stage.to_images(made).numpy()[: self._count - start]
