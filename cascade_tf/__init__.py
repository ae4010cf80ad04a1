"""The ground of both papers: images in, stages, cascades, training, metrics, pictures.

Public names are imported when they are first used, so that importing the package is quick.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
