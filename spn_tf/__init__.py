"""Subscale Pixel Networks and Multidimensional Upscaling (Menick and Kalchbrenner, 2019).

Public names are imported when they are first used, so that importing the package is fast.
"""

import lazy_loader

import cascade_tf  # noqa: F401 it refuses other backends of Keras, here and not in the first call

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
