"""Discrete wavelet transforms of batches of images, in TensorFlow.

    >>> import tensorflow as tf
    >>> from wavelet_tf import transform
    >>> images = tf.random.stateless_uniform([2, 8, 8, 3], seed=(0, 0))
    >>> tl, tr, bl, br = transform.dwt2(images)  # [B, H, W, C] to four bands [B, H/2, W/2, C]
    >>> transform.idwt2((tl, tr, bl, br)).shape
    TensorShape([2, 8, 8, 3])

It needs TensorFlow, numpy and PyWavelets, which the filters come from, and nothing else of this
project.
"""

from wavelet_tf.transform.dwt import Bands, dwt2, idwt2
from wavelet_tf.transform.filters import MODES, default_mode
from wavelet_tf.transform.layers import DWT2, IDWT2, Packet2, Unpacket2
from wavelet_tf.transform.multilevel import wavedec2, waverec2
from wavelet_tf.transform.packets import packet2, unpacket2
from wavelet_tf.transform.pywavelets import (
    from_pywt,
    levels_from_pywt,
    levels_to_pywt,
    to_pywt,
)

__all__ = [
    "DWT2",
    "IDWT2",
    "MODES",
    "Bands",
    "Packet2",
    "Unpacket2",
    "default_mode",
    "dwt2",
    "from_pywt",
    "idwt2",
    "levels_from_pywt",
    "levels_to_pywt",
    "packet2",
    "to_pywt",
    "unpacket2",
    "wavedec2",
    "waverec2",
]
