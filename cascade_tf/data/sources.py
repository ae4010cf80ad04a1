"""From the name of a dataset to its source."""

from collections.abc import Callable

from cascade_tf.data.config import DataConfig
from cascade_tf.data.digits import DigitsSource
from cascade_tf.data.folder import FolderSource
from cascade_tf.data.photos import PhotosSource
from cascade_tf.data.source import Source
from cascade_tf.data.tfds_source import TfdsSource
from cascade_tf.errors import SettingError

SPLITS = ("train", "test", "all")

_BUILT_IN: dict[str, Callable[[DataConfig, str], Source]] = {
    "digits": DigitsSource,
    "photos": PhotosSource,
    "folder": FolderSource,
}


def open_source(config: DataConfig, split: str) -> Source:
    """Opens a split of a dataset; a TFDS dataset is prepared first if it has not been.

    Args:
        config: the dataset and its preprocessing; a name that is not `digits`, `photos` or
            `folder` is looked up in TFDS.
        split: `train`, `test`, or `all` (both).

    Raises:
        SettingError: no dataset is named, the split is unknown, or `folder` is without a folder.
        UserError: the dataset is unknown, missing, empty, or cannot be prepared.
    """
    if split not in SPLITS:
        raise SettingError({"split": split}, f"use {', '.join(SPLITS)}")
    if not config.dataset:
        raise SettingError({"dataset": ""}, f"use {', '.join(_BUILT_IN)}, or a name in TFDS")
    if config.dataset == "arrays":
        config.refuse("the images were in memory: name a dataset to read", "dataset")
    source = _BUILT_IN.get(config.dataset, TfdsSource)(config, split)
    source.split = split
    return source
