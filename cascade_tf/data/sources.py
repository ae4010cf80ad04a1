"""Opening of datasets by name."""

from collections.abc import Callable

from cascade_tf.data.config import DataConfig
from cascade_tf.data.digits import DigitsSource
from cascade_tf.data.folder import FolderSource
from cascade_tf.data.photos import PhotosSource
from cascade_tf.data.source import Source
from cascade_tf.data.tfds_source import open_tfds
from cascade_tf.errors import SettingError

SPLITS = ("train", "test", "all")

_BUILT_IN: dict[str, Callable[[DataConfig, str], Source]] = {
    "digits": DigitsSource,
    "photos": PhotosSource,
    "folder": FolderSource,
}


def open_source(config: DataConfig, split: str) -> Source:
    """Opens a split of a dataset; downloads and prepares a TFDS dataset if necessary.

    Args:
        config: the dataset and its preprocessing. Names other than `digits`, `photos` and
            `folder` are names in TFDS.
        split: `train`, `test`, or `all` (both).

    Raises:
        SettingError: `dataset` is empty or `arrays`, or the split is unknown.
        UserError: the dataset is unknown, missing, empty, or cannot be prepared; or `folder` is
            without `data_dir`.

    >>> open_source(DataConfig("cats"), split="half")
    Traceback (most recent call last):
    cascade_tf.errors.SettingError: split=half: use train, test, all
    """
    if split not in SPLITS:
        raise SettingError({"split": split}, f"use {', '.join(SPLITS)}")
    if not config.dataset:
        raise SettingError({"dataset": ""}, f"use {', '.join(_BUILT_IN)}, or a name in TFDS")
    if config.dataset == "arrays":
        config.refuse(
            "the images were in memory: name another dataset to evaluate on; training continues "
            "from Python alone",
            "dataset",
        )
    source = _BUILT_IN.get(config.dataset, open_tfds)(config, split)
    source.split = split
    return source
