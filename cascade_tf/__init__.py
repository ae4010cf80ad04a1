"""The base of both papers' models: datasets, stages, cascades, training and metrics.

Public names are imported when they are first used, which keeps the import of the package fast.
"""

import lazy_loader

from cascade_tf.keras_backend import use_tensorflow

use_tensorflow()

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
