"""Discrete wavelet transforms of batches of images, in TensorFlow.

    from wavelet_tf import transform

    tl, tr, bl, br = transform.dwt2(images)  # [B, H, W, C] to four bands [B, H/2, W/2, C]
    images = transform.idwt2((tl, tr, bl, br))

It needs TensorFlow, numpy and PyWavelets, which the filters come from, and nothing else of this
project.
"""

from wavelet_tf.transform.dwt import Bands, dwt2, idwt2
from wavelet_tf.transform.filters import MODES
from wavelet_tf.transform.layers import DWT2, IDWT2
from wavelet_tf.transform.multilevel import wavedec2, waverec2
from wavelet_tf.transform.packets import packet2, unpacket2

__all__ = [
    "DWT2",
    "IDWT2",
    "MODES",
    "Bands",
    "dwt2",
    "idwt2",
    "packet2",
    "unpacket2",
    "wavedec2",
    "waverec2",
]
