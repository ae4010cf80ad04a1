"""Windows of six colour photographs that come inside scikit-image's wheel."""

import functools

import numpy as np
import tensorflow as tf

from cascade_tf.data.config import DataConfig
from cascade_tf.data.source import NumberedSource
from cascade_tf.errors import UserError

# Both splits have close scenes and a dark sky with bright points: a face, fur and a galaxy field in
# train, crockery and a launch at night in test. The two largest photographs, nearly uniform in
# texture, are in train; in the test split, either would outweigh all others.
TRAIN_PHOTOGRAPHS = ("astronaut", "chelsea", "hubble_deep_field", "retina")
TEST_PHOTOGRAPHS = ("coffee", "rocket")
PHOTOGRAPHS = TRAIN_PHOTOGRAPHS + TEST_PHOTOGRAPHS


class PhotosSource(NumberedSource):
    """Square windows of side 2 * `image_size`, or the shorter side of a smaller photograph.

    Windows overlap by half in the train split, and not at all in the test split. Windows of a
    single colour are left out. The label is the number of the photograph.
    """

    def __init__(self, config: DataConfig, split: str) -> None:
        """Lists the windows of `split` (train, test or all); raises UserError without skimage."""
        side = 2 * config.image_size
        train = [window for name in TRAIN_PHOTOGRAPHS for window in _windows(name, side, 2)]
        test = [window for name in TEST_PHOTOGRAPHS for window in _windows(name, side, 1)]
        windows = {"train": train, "test": test, "all": train + test}[split]
        self._windows = tf.constant(windows, tf.int32)
        self._photographs = [tf.constant(_photograph(name)) for name in PHOTOGRAPHS]
        labels = [window[0] for window in windows]
        super().__init__(
            config,
            num_examples=len(windows),
            num_classes=len(PHOTOGRAPHS),
            class_names=PHOTOGRAPHS,
            class_counts=np.bincount(labels, minlength=len(PHOTOGRAPHS)).tolist(),
        )

    def _read(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        label, top, left, side = tf.unstack(tf.gather(self._windows, record))
        photograph = tf.switch_case(label, [lambda p=p: p for p in self._photographs])
        photograph.set_shape([None, None, 3])
        return photograph[top : top + side, left : left + side], label


def _windows(name: str, side: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """(label, top, left, side) of each window; `overlap` windows per axis cover a pixel."""
    photograph = _photograph(name)
    height, width, _ = photograph.shape
    side = min(side, height, width)
    stride = max(1, side // overlap)
    windows = []
    for top in range(0, height - side + 1, stride):
        for left in range(0, width - side + 1, stride):
            window = photograph[top : top + side, left : left + side]
            if np.any(window != window[0, 0]):
                windows.append((PHOTOGRAPHS.index(name), top, left, side))
    return windows


@functools.cache
def _photograph(name: str) -> np.ndarray:
    """The photograph, uint8 [h, w, 3]."""
    try:
        from skimage import data
    except ImportError:
        raise UserError(
            "`dataset`=photos needs scikit-image: pip install 'cascade-tf[demo]'"
        ) from None
    return getattr(data, name)()
