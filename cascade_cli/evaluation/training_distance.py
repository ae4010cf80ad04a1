"""Distance of a stage's samples to real images during its training, for TensorBoard."""

import pathlib
from collections.abc import Iterator

import numpy as np

from cascade_cli.evaluation.class_shares import classes_to_sample
from cascade_cli.options import TrainOptions
from cascade_tf.data import Source
from cascade_tf.metrics import (
    FeatureExtractor,
    PixelFeatures,
    compare,
    extract_features,
    load_inception,
)
from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage

_BATCH_SIZE = 50
_FEWEST = 10


def training_distance(
    options: TrainOptions, stage: Stage, held_out: Source | None
) -> "TrainingDistance | None":
    """The comparison that the options ask for; None if they ask for none.

    Args:
        options: of the command.
        stage: samples without a condition.
        held_out: real images; None if the stage is trained on all images.

    Raises:
        SettingError: too few images are held out.
    """
    count = options.distance_images
    if not count:
        return None
    if held_out is None:
        options.refuse("with `split`=all no images are held out to compare", "distance_images")
    if min(count, held_out.num_examples) < _FEWEST:
        options.refuse(
            f"use {_FEWEST} or more; {held_out.num_examples} images are held out",
            "distance_images",
        )
    return TrainingDistance(stage, held_out, count, options.inception)


class TrainingDistance:
    """Compares a stage's samples with real targets, both as images.

    Classes are sampled in the proportion of the real ones.

    Args:
        stage: samples without a condition.
        source: real images.
        count: largest number of each.
        inception: path of the Inception network's weights; None: features of pixels.

    Raises:
        UserError: the weights cannot be read.
    """

    def __init__(self, stage: Stage, source: Source, count: int, inception: str | None = None):
        self._stage, self._source = stage, source
        self._count = min(count, source.num_examples)
        self._size = min(_BATCH_SIZE, stage.largest_batch or _BATCH_SIZE)
        self._extractor: FeatureExtractor | None = None
        if inception:
            self._extractor = load_inception(pathlib.Path(inception).expanduser())
        self._real: np.ndarray | None = None

    def __call__(self) -> dict[str, float]:
        """The figures that are known, by name."""
        if self._extractor is None:
            shape = next(self._real_images()).shape[1:]
            self._extractor = PixelFeatures(shape)
        if self._real is None:
            self._real = extract_features(self._extractor, self._real_images())
            self._labels = classes_to_sample(self._stage, self._source, self._count, self._count)
        samples = extract_features(self._extractor, self._samples())
        figures = compare(self._extractor, samples, self._real).figures
        return {name: value for name, value in figures.items() if value is not None}

    def _real_images(self) -> Iterator[np.ndarray]:
        for batch in self._source.evaluation_examples(self._size, limit=self._count):
            targets = self._stage.target(batch.images)
            yield self._stage.to_images(targets).numpy()[batch.indices.numpy() >= 0]

    def _samples(self) -> Iterator[np.ndarray]:
        for start in range(0, self._count, self._size):
            indices = range(start, start + self._size)
            labels = self._labels
            if labels is not None:
                labels = labels.take(indices, mode="wrap")
            request = SampleRequest(indices, labels=labels)
            samples = self._stage.to_images(self._stage.sample(request)).numpy()
            yield samples[: self._count - start]
