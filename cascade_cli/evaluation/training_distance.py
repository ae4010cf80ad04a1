"""Distance of a stage's samples to real images while it is trained, for TensorBoard."""

import pathlib
from collections.abc import Iterator

import numpy as np

from cascade_cli.options import TrainOptions
from cascade_tf.data import Source
from cascade_tf.errors import UsageError
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
    """The comparison that the options ask for; raises SettingError where it cannot be."""
    count = options.distance_images
    if not count:
        if options.inception:
            raise UsageError("`inception` means nothing without `distance_images`")
        return None
    if held_out is None:
        options.refuse("with `split`=all no images are held out to compare", "distance_images")
    if min(count, held_out.num_examples) < _FEWEST:
        options.refuse(
            f"of {held_out.num_examples} held out: {_FEWEST} are needed", "distance_images"
        )
    return TrainingDistance(stage, held_out, count, options.inception)


class TrainingDistance:
    """Compares images of a stage's samples with those of real targets.

    Args:
        stage: samples without a condition.
        source: of real images.
        count: of both, at most.
        inception: path of the Inception network's weights; None: features of pixels.

    Raises:
        UserError: no weights there.
    """

    def __init__(self, stage: Stage, source: Source, count: int, inception: str | None = None):
        self._stage, self._source = stage, source
        self._count = min(count, source.num_examples)
        self._extractor: FeatureExtractor | None = None
        if inception:
            self._extractor = load_inception(pathlib.Path(inception).expanduser())
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
            request = SampleRequest(range(start, start + _BATCH_SIZE))
            samples = self._stage.to_images(self._stage.sample(request)).numpy()
            yield samples[: self._count - start]
