"""Samples of classes, and on lines between two of them, as bin/sample is asked for them."""

from typing import Any

import numpy as np
import tensorflow as tf

from cascade_tf.errors import UsageError
from system import GivenPictures
from wavelet_tf.gan_stage import GANStage


class OfClasses(GivenPictures):
    """Images of classes in turn, or of none.

    Raises:
        UsageError: a class that there is not.
    """

    def __init__(self, count: int, classes: tuple[int, ...] | None, known_classes: int):
        self.count, self.classes = count, classes
        for number in classes or ():
            if not 0 <= number < known_classes:
                raise UsageError(
                    f"--classes={','.join(map(str, classes or ()))}: there is no class {number}: "
                    f"the model knows {known_classes}"
                )

    def of(self, numbers: np.ndarray) -> dict[str, Any]:
        if not self.classes:
            return {}
        return {"labels": tf.constant(np.take(self.classes, numbers % len(self.classes)), tf.int32)}


class OnLines(GivenPictures):
    """Images on lines between two noises of one class, or between two classes at one noise.

    Args:
        lines: how many.
        steps: images of each.
        kind: "noise" or "class".
        classes: of the ends, in turn.
        gan: that makes the first stage's target, its weights loaded.
        others: stages after it.
        seed, truncation: of the noise.
    """

    def __init__(
        self,
        lines: int,
        steps: int,
        kind: str,
        classes: tuple[int, ...],
        gan: GANStage,
        others: int,
        seed: int,
        truncation: float,
    ):
        self.count = lines * steps
        self._steps, self._kind, self._classes = steps, kind, np.array(classes)
        self._gan, self._others = gan, others
        self._noise = tf.constant(seed), tf.constant(truncation)

    def of(self, numbers: np.ndarray) -> dict[str, Any]:
        line, share = numbers // self._steps, numbers % self._steps / (self._steps - 1)
        two, one = np.stack([2 * line, 2 * line + 1], axis=1), np.stack([line, line], axis=1)
        ends, places = (two, one) if self._kind == "noise" else (one, two)
        latents = self._gan.between(
            tf.constant(ends, tf.int64),
            tf.constant(self._classes[places % len(self._classes)], tf.int32),
            tf.constant(share, tf.float32),
            *self._noise,
        )
        return {"known": [latents] + [None] * self._others}
