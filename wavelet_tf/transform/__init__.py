"""Discrete wavelet transforms of batches of images, in TensorFlow.

    >>> import tensorflow as tf
    >>> from wavelet_tf import transform
    >>> images = tf.random.stateless_uniform([2, 8, 8, 3], seed=(0, 0))
    >>> tl, tr, bl, br = transform.dwt2(images)  # [B, H, W, C] to four bands [B, H/2, W/2, C]
    >>> transform.idwt2((tl, tr, bl, br)).shape
    TensorShape([2, 8, 8, 3])

The package needs TensorFlow, Keras, NumPy, lazy_loader, and PyWavelets for the filters. It needs
nothing else of this project.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
