"""The Inception-v3 of 2015-12-05 up to its last pooling, whose outputs are the features of FID.

The architecture is that of Szegedy et al. 2015 (arXiv 1512.00567), section 6 and figures 5 to 7,
with batch normalization without scale after each of 94 convolutions. It differs in two points from
other networks of the same name. Average pooling excludes the padding, and the pooling branch of the
last block takes the maximum.
"""

from collections.abc import Iterable

import keras
import numpy as np

from cascade_tf.keras_defaults import keras_defaults

SIDE = 299  # input height and width, in pixels
SIZE = 2048  # features in the output
SPATIAL_CHANNELS = 7  # of the spatial features, which are the first channels of a convolution
SPATIAL_SIZE = 17 * 17 * SPATIAL_CHANNELS
_EPSILON = 1e-3  # of batch normalization


@keras_defaults()
def inception_network(arrays: Iterable[np.ndarray], spatial: bool = False) -> keras.Model:
    """Builds the network from flat arrays; float32 [N, 299, 299, 3] in [-1, 1) to [N, 2048].

    The spatial features, [N, 2023], are the first seven channels of the first convolution in the
    third block of 17x17, "mixed_6/conv" in TensorFlow's graph (Nash et al., 2021, section 4.1).

    Args:
        arrays: float32 [n] each. For each convolution, in the order of construction below: its
            weight (as [out, in, height, width]), and beta, mean and variance [out] of its batch
            normalization.
        spatial: whether its output are the spatial features.

    Raises:
        ValueError: an array has the wrong size, or there are too many or too few arrays.
    """
    convolution = _Convolutions(arrays)
    image = keras.Input([SIDE, SIDE, 3])
    *_, x = _first_layers(convolution, image)
    x = _block35_to_17(convolution, x)
    for number, width in enumerate((128, 160, 160, 192)):
        x, first = _block17(convolution, x, width)
        if number == 2:
            places = keras.layers.Flatten()(first[..., :SPATIAL_CHANNELS])
    x = _block17_to_8(convolution, x)
    x = _block8(convolution, x, keras.layers.AveragePooling2D)
    x = _block8(convolution, x, keras.layers.MaxPooling2D)
    convolution.finish()
    return keras.Model(image, places if spatial else keras.layers.GlobalAveragePooling2D()(x))


@keras_defaults()
def first_layers(arrays: Iterable[np.ndarray]) -> keras.Model:
    """Builds the first layers, of images of any size: float32 [N, H, W, 3] to three maps.

    Args:
        arrays: as for `inception_network`; the later ones are not read.

    Returns:
        A model with the features before the first and the second pooling, of 64 and 192 channels,
        and those of the last block of "35x35", of 288 channels.

    Raises:
        ValueError: an array has the wrong size.
    """
    image = keras.Input([None, None, 3])
    return keras.Model(image, _first_layers(_Convolutions(arrays), image))


def _first_layers(c: "_Convolutions", image: keras.KerasTensor) -> list[keras.KerasTensor]:
    x = c(image, 32, (3, 3), strides=2, padding="valid")
    x = c(x, 32, (3, 3), padding="valid")
    first = c(x, 64, (3, 3))
    x = c(keras.layers.MaxPooling2D(3, 2)(first), 80)
    second = c(x, 192, (3, 3), padding="valid")
    x = keras.layers.MaxPooling2D(3, 2)(second)  # [N, 35, 35, 192]
    for pool_width in (32, 64, 64):
        x = _block35(c, x, pool_width)
    return [first, second, x]


class _Convolutions:
    """Adds convolutions with batch normalization and ReLU, which take the arrays in order."""

    def __init__(self, arrays: Iterable[np.ndarray]) -> None:
        self._arrays = iter(arrays)
        self._taken = 0

    def __call__(
        self,
        x: keras.KerasTensor,
        filters: int,
        kernel: tuple[int, int] = (1, 1),
        strides: int = 1,
        padding: str = "same",
    ) -> keras.KerasTensor:
        height, width = kernel
        channels = x.shape[-1]
        weight = self._take(filters * channels * height * width)
        beta, mean, variance = [self._take(filters) for _ in range(3)]
        scale = 1 / np.sqrt(variance + _EPSILON)
        weight = weight.reshape(filters, channels, height, width).transpose(2, 3, 1, 0)
        layer = keras.layers.Conv2D(
            filters, kernel, strides, padding, activation="relu", kernel_initializer="zeros"
        )
        x = layer(x)
        layer.set_weights([weight * scale, beta - mean * scale])
        return x

    def _take(self, size: int) -> np.ndarray:
        array = next(self._arrays, None)
        if array is None or array.shape != (size,):
            content = "nothing" if array is None else f"{array.size} numbers"
            raise ValueError(f"array {self._taken} holds {content} where {size} are needed")
        self._taken += 1
        return array

    def finish(self) -> None:
        """Raises ValueError if arrays are left."""
        if next(self._arrays, None) is not None:
            raise ValueError(f"there are more than {self._taken} arrays")


def _average_pool(x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.AveragePooling2D(3, 1, "same")(x)  # excludes the padding


def _block35(c: _Convolutions, x: keras.KerasTensor, pool_width: int) -> keras.KerasTensor:
    """[N, 35, 35, in] to [N, 35, 35, 224 + pool_width] (figure 5)."""
    one = c(x, 64)
    five = c(c(x, 48), 64, (5, 5))
    three = c(c(c(x, 64), 96, (3, 3)), 96, (3, 3))
    pool = c(_average_pool(x), pool_width)
    return keras.ops.concatenate([one, five, three, pool], axis=-1)


def _block35_to_17(c: _Convolutions, x: keras.KerasTensor) -> keras.KerasTensor:
    """[N, 35, 35, 288] to [N, 17, 17, 768]."""
    one = c(x, 384, (3, 3), strides=2, padding="valid")
    two = c(c(x, 64), 96, (3, 3))
    two = c(two, 96, (3, 3), strides=2, padding="valid")
    pool = keras.layers.MaxPooling2D(3, 2)(x)
    return keras.ops.concatenate([one, two, pool], axis=-1)


def _block17(
    c: _Convolutions, x: keras.KerasTensor, width: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """[N, 17, 17, 768] to the same (figure 6), and the first convolution's part of it."""
    one = c(x, 192)
    seven = c(c(c(x, width), width, (1, 7)), 192, (7, 1))
    twice = c(c(c(x, width), width, (7, 1)), width, (1, 7))
    twice = c(c(twice, width, (7, 1)), 192, (1, 7))
    pool = c(_average_pool(x), 192)
    return keras.ops.concatenate([one, seven, twice, pool], axis=-1), one


def _block17_to_8(c: _Convolutions, x: keras.KerasTensor) -> keras.KerasTensor:
    """[N, 17, 17, 768] to [N, 8, 8, 1280]."""
    three = c(c(x, 192), 320, (3, 3), strides=2, padding="valid")
    seven = c(c(c(x, 192), 192, (1, 7)), 192, (7, 1))
    seven = c(seven, 192, (3, 3), strides=2, padding="valid")
    pool = keras.layers.MaxPooling2D(3, 2)(x)
    return keras.ops.concatenate([three, seven, pool], axis=-1)


def _block8(
    c: _Convolutions, x: keras.KerasTensor, pooling: type[keras.layers.Layer]
) -> keras.KerasTensor:
    """[N, 8, 8, in] to [N, 8, 8, 2048] (figure 7)."""
    one = c(x, 320)
    three = c(x, 384)
    three = [c(three, 384, (1, 3)), c(three, 384, (3, 1))]
    twice = c(c(x, 448), 384, (3, 3))
    twice = [c(twice, 384, (1, 3)), c(twice, 384, (3, 1))]
    pool = c(pooling(3, 1, "same")(x), 192)
    return keras.ops.concatenate([one, *three, *twice, pool], axis=-1)
