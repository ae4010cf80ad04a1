"""From the name of a dataset to its source."""

from collections.abc import Callable

from cascade_tf.data.config import DataConfig
from cascade_tf.data.digits import DigitsSource
from cascade_tf.data.folder import FolderSource
from cascade_tf.data.photos import PhotosSource
from cascade_tf.data.source import Source
from cascade_tf.data.tfds_source import TfdsSource
from cascade_tf.errors import UsageError

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
        UsageError: the split is unknown, or `folder` is without a folder.
        UserError: the dataset is unknown, missing, empty, or cannot be prepared.
    """
    if split not in SPLITS:
        raise UsageError(f"--split must be one of {', '.join(SPLITS)}, not {split!r}")
    source = _BUILT_IN.get(config.dataset, TfdsSource)
    return source(config, split)
