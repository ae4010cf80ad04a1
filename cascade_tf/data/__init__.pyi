from .arrays import ArraySource as ArraySource
from .cache import CachedSource as CachedSource
from .config import DataConfig as DataConfig
from .folder import undecodable_image_message as undecodable_image_message
from .source import Share as Share
from .source import Source as Source
from .sources import open_source as open_source
