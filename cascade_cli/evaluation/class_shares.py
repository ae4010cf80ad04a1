"""Classes of samples in the proportion of the images with which they are compared.

The distance of samples to images grows with any difference between their shares of classes, which
is no fault of a model that is asked for a class.
"""

import numpy as np

from cascade_tf.data import Source
from cascade_tf.stage import Stage

_BATCH_SIZE = 100


def classes_to_sample(
    stage: Stage, source: Source, images: int | None, samples: int
) -> np.ndarray | None:
    """Classes of samples in the proportion of the first `images` of a source.

    Args:
        stage: the first one.
        source: with its images. They are read once more, since only this tells which of them
            are skipped as bad.
        images: number of them; None: all.
        samples: number of them.

    Returns:
        int32 [samples]. None if the stage samples no classes, or not those of the images, or if
        these are unknown, or if there are no images.
    """
    if stage.num_classes < 2 or stage.num_classes != source.num_classes:
        return None
    if source.unknown_classes:
        return None
    counts = np.zeros(source.num_classes, np.int64)
    for batch in source.evaluation_examples(_BATCH_SIZE, images):
        labels = batch.labels.numpy()[batch.indices.numpy() >= 0]
        counts += np.bincount(labels, minlength=len(counts))
    return in_proportion(counts, samples) if counts.any() else None


def in_proportion(counts: np.ndarray, total: int) -> np.ndarray:
    """Classes in a given proportion, exact up to one sample each.

    They are not drawn at random, which would add noise to a distance.

    Args:
        counts: numbers of images of each class, int [K], not all 0.
        total: number of classes to return.

    Returns:
        int32 [total], sorted.

    >>> in_proportion(np.array([110, 10]), total=11).tolist()
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    """
    exact = counts * (total / counts.sum())
    numbers = np.floor(exact).astype(int)
    # The largest remainders get what is left.
    numbers[np.argsort(numbers - exact, kind="stable")[: total - numbers.sum()]] += 1
    return np.repeat(np.arange(len(counts), dtype=np.int32), numbers)
