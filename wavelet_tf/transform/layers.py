"""The transform as Keras layers."""

import keras
import tensorflow as tf

from wavelet_tf.transform.dwt import Bands, dwt2, idwt2
from wavelet_tf.transform.filters import filters


class _TransformLayer(keras.layers.Layer):
    """Holds what both directions take: a wavelet and a mode, checked when the layer is made."""

    def __init__(self, wavelet: str = "bior2.2", mode: str = "reflect", **kwargs):
        super().__init__(**kwargs)
        filters(wavelet, mode)
        self.wavelet, self.mode = wavelet, mode

    def get_config(self) -> dict:
        return super().get_config() | {"wavelet": self.wavelet, "mode": self.mode}


@keras.saving.register_keras_serializable("wavelet_tf")
class DWT2(_TransformLayer):
    """Images to their bands stacked on the channels, TL first: [B, H, W, C] to [B, H/2, W/2, 4C].

    Args:
        wavelet, mode: as in `dwt2`, whose errors it raises.
    """

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return tf.concat(dwt2(images, self.wavelet, self.mode), axis=-1)


@keras.saving.register_keras_serializable("wavelet_tf")
class IDWT2(_TransformLayer):
    """Bands stacked on the channels to images: [B, h, w, 4C] to [B, 2h, 2w, C]; inverts `DWT2`."""

    def call(self, bands: tf.Tensor) -> tf.Tensor:
        if bands.shape[-1] is None or bands.shape[-1] % 4:
            raise ValueError(f"bands: shape is {bands.shape}; use channels that 4 divides")
        return idwt2(Bands(*tf.split(bands, 4, axis=-1)), self.wavelet, self.mode)
