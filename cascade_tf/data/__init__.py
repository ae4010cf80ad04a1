"""Images in: datasets, preprocessing, and the order in which training meets the examples."""

from cascade_tf.data.cache import CachedSource
from cascade_tf.data.config import DataConfig
from cascade_tf.data.folder import undecodable_image_message
from cascade_tf.data.source import Share, Source
from cascade_tf.data.sources import open_source

__all__ = [
    "CachedSource",
    "DataConfig",
    "Share",
    "Source",
    "open_source",
    "undecodable_image_message",
]
