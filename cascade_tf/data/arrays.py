"""A dataset of images in memory."""

import numpy as np
import tensorflow as tf

from cascade_tf.counts import checked_count
from cascade_tf.data.config import DataConfig
from cascade_tf.data.source import NumberedSource
from cascade_tf.errors import SettingError

_LARGEST_LABEL = 2**31 - 1


class ArraySource(NumberedSource):
    """The images of a numpy array, to train on or to evaluate.

    Args:
        images: uint8 [N, H, W, C], C 1 or 3; cropped and resized to `image_size`.
        labels: int32 [N], 0 or more; None: no classes.
        image_size: height and width of the examples; by default the shorter side of `images`.
        flip: whether to flip half of the training images left to right, at random.
        seed: of the order, the crops and the flips.

    Raises:
        SettingError: arrays of another dtype or shape, no images, or an `image_size` below 1.

    >>> source = ArraySource(np.zeros([10, 8, 8, 3], np.uint8))
    >>> next(iter(source.training_examples(batch_size=4, start_index=0))).images.shape
    TensorShape([4, 8, 8, 3])
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray | None = None,
        image_size: int | None = None,
        flip: bool = False,
        seed: int = 0,
    ):
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
            raise SettingError(
                {"images": f"{images.dtype} {images.shape}"}, "use uint8 [N, H, W, C], N above 0"
            )
        classes = np.zeros(len(images), np.int32) if labels is None else np.asarray(labels)
        if classes.shape != (len(images),) or classes.dtype.kind not in "iu":
            raise SettingError(
                {"labels": f"{classes.dtype} {classes.shape}"},
                f"use {len(images)} integers from 0 on",
            )
        for label in (int(classes.min()), int(classes.max())):
            if not 0 <= label <= _LARGEST_LABEL:
                raise SettingError({"labels": label}, f"use integers from 0 to {_LARGEST_LABEL}")
        self._images = tf.constant(images)
        self._labels = tf.constant(classes, tf.int32)
        _, height, width, channels = images.shape
        if image_size is not None:
            image_size = checked_count("image_size", image_size, at_least=1)
        config = DataConfig(
            "arrays",
            image_size=min(height, width) if image_size is None else image_size,
            channels=channels,
            flip=flip,
            seed=seed,
        )
        super().__init__(config, len(images), int(classes.max()) + 1)

    def _read(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(self._images, record), tf.gather(self._labels, record)
