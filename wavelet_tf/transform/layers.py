"""The transforms as Keras layers; a saved `.keras` model loads them without custom objects.

Shape letters: B batch, H and W sides of images, h and w sides of bands, C channels of images. Sides
may be None, except for packets.
"""

from typing import Any

import keras
import tensorflow as tf

from wavelet_tf.transform.dwt import Bands, dwt2, idwt2
from wavelet_tf.transform.filters import default_mode, filters
from wavelet_tf.transform.packets import number_of_splits, packet2, unpacket2
from wavelet_tf.transform.wavelets import WaveletLike, name_or_bank

Shape = tuple[int | None, ...]


class _TransformLayer(keras.layers.Layer):
    """Holds the wavelet and the mode of both directions, checked when the layer is created."""

    def __init__(self, wavelet: WaveletLike = "bior2.2", mode: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.wavelet = name_or_bank(wavelet)
        self.mode = default_mode(self.wavelet) if mode is None else mode
        filters(self.wavelet, self.mode)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"wavelet": self.wavelet, "mode": self.mode}


class _PacketLayer(_TransformLayer):
    """Holds the size that a packet layer transforms to."""

    def __init__(
        self,
        size: int,
        wavelet: WaveletLike = "bior2.2",
        mode: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(wavelet, mode, **kwargs)
        self.size = size

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"size": self.size}


@keras.saving.register_keras_serializable("wavelet_tf")
class DWT2(_TransformLayer):
    """Images to their bands stacked on the channels, TL first: [B, H, W, C] to [B, H/2, W/2, 4C].

    Args:
        wavelet, mode: see `dwt2`, whose errors it raises.

    Example:
        >>> model = keras.Sequential([keras.Input([8, 8, 3]), DWT2("haar")])
        >>> model.output_shape
        (None, 4, 4, 12)
    """

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return tf.concat(dwt2(images, self.wavelet, self.mode), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        return batch, _over(height, 2), _over(width, 2), _times(channels, 4)


@keras.saving.register_keras_serializable("wavelet_tf")
class IDWT2(_TransformLayer):
    """Bands stacked on the channels to images: [B, h, w, 4C] to [B, 2h, 2w, C]; inverts `DWT2`.

    Args:
        wavelet, mode: see `DWT2`.

    Example:
        >>> images = tf.random.stateless_uniform([1, 8, 8, 3], seed=(0, 0))
        >>> bool(tf.reduce_max(abs(IDWT2()(DWT2()(images)) - images)) < 1e-5)
        True
    """

    def call(self, bands: tf.Tensor) -> tf.Tensor:
        if bands.shape[-1] is None or bands.shape[-1] % 4:
            raise ValueError(f"bands: shape is {bands.shape}; 4 must divide the channels")
        return idwt2(Bands(*tf.split(bands, 4, axis=-1)), self.wavelet, self.mode)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        return batch, _times(height, 2), _times(width, 2), _over(channels, 4)


@keras.saving.register_keras_serializable("wavelet_tf")
class Packet2(_PacketLayer):
    """Images to the patches of their full wavelet packet; see `packet2`.

    [B, 2^n h, 2^n w, C] to [B, h, w, 4^n C].

    Args:
        size: shorter side of the patches.
        wavelet, mode: see `DWT2`.

    Example:
        >>> Packet2(4)(tf.zeros([2, 16, 16, 3])).shape
        TensorShape([2, 4, 4, 48])
    """

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return packet2(images, self.size, self.wavelet, self.mode)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        factor = 2 ** number_of_splits(_shorter(height, width), self.size)
        channels = _times(channels, factor**2)
        return batch, _over(height, factor), _over(width, factor), channels


@keras.saving.register_keras_serializable("wavelet_tf")
class Unpacket2(_PacketLayer):
    """Patches to images, [B, h, w, 4^n C] to [B, 2^n h, 2^n w, C]; see `unpacket2`.

    Args:
        size: shorter side of the images.
        wavelet, mode: see `DWT2`.

    Example:
        >>> Unpacket2(16)(tf.zeros([2, 4, 4, 48])).shape
        TensorShape([2, 16, 16, 3])
    """

    def call(self, patches: tf.Tensor) -> tf.Tensor:
        return unpacket2(patches, self.size, self.wavelet, self.mode)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        factor = 2 ** number_of_splits(self.size, _shorter(height, width))
        channels = _over(channels, factor**2)
        return batch, _times(height, factor), _times(width, factor), channels


def _times(size: int | None, factor: int) -> int | None:
    return None if size is None else size * factor


def _over(size: int | None, divisor: int) -> int | None:
    if size is None:
        return None
    if size % divisor:
        raise ValueError(f"an axis of {size} is not divisible by {divisor}")
    return size // divisor


def _shorter(height: int | None, width: int | None) -> int:
    if height is None or width is None:
        raise ValueError(f"packets need known sides, got {height} x {width}")
    return min(height, width)
