"""Preprocessing of images of any size to square uint8 images.

It follows the SPN paper: a square crop (random in training, central in evaluation), then an area
resize. The result is rounded to whole intensities, which the paper does not specify. The public
code of the Colorization Transformer, by one of the same authors, rounds too.

With `config.crop` = `window`, examples are instead windows of the image at its own resolution,
random in training and central in evaluation. An image that is smaller than a window is first
enlarged, by area, until its shorter side has the length of the window's. With
`config.smallest_scale` below 1, half of the training windows are larger and reduced by area.
"""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.data.config import DataConfig

# Folded into the key of an example, so that its draws are independent of each other.
_CROP = 0
_FLIP = 1
_SIDE = 2
_PLACE = 3
_WINDOW = 4
_SCALE = 5

_LONGEST = 16  # aspect ratio up to which whole images are kept


def training_image(image: tf.Tensor, index: tf.Tensor, config: DataConfig) -> tf.Tensor:
    """Crops at random, resizes, and with `config.flip` flips half of the images.

    With `config.smallest_crop` below 1, a random part of the crop is taken. With `config.crop` =
    `window`, the crop is a window of the result's size, or with `config.smallest_scale` below 1
    also of larger ones. All draws depend only on `config.seed` and `index`.

    Args:
        image: uint8 [h, w, 1 or 3].
        index: int64 scalar, the example's global index.
        config: seed, crop, scale, flip and shape of the result.

    Returns:
        uint8 [image_size, image_size, channels].

    >>> config = DataConfig("digits", image_size=8, channels=3)
    >>> training_image(tf.zeros([20, 30, 3], tf.uint8), tf.constant(0, tf.int64), config).shape
    TensorShape([8, 8, 3])
    """
    key = tf.stack([tf.constant(config.seed, tf.int64), index])
    if config.crop == "window":
        image = _random_window(image, key, config)
    else:
        image = _random_square(image, key, config.smallest_crop)
    image = _to_size(image, config)
    if config.flip:
        image = tf.image.stateless_random_flip_left_right(
            image, seed=tf.random.experimental.stateless_fold_in(key, _FLIP)
        )
    return image


def evaluation_image(image: tf.Tensor, config: DataConfig) -> tf.Tensor:
    """Crops at the centre and resizes: uint8 [h, w, 1 or 3] to [size, size, channels].

    >>> config = DataConfig("digits", image_size=8, channels=1)
    >>> evaluation_image(tf.zeros([20, 30, 3], tf.uint8), config).shape
    TensorShape([8, 8, 1])
    """
    if config.crop == "window":
        image = _enlarged(image, config)
        corner = (tf.shape(image)[:2] - config.image_size) // 2
        image = _window(image, corner, config.image_size)
    else:
        image = _square(image, _slack(image) // 2)
    return _to_size(image, config)


def whole_image(image: tf.Tensor, config: DataConfig) -> tf.Tensor:
    """Resizes without a crop: uint8 [h, w, 1 or 3] to [H, W, channels], min(H, W) = image_size.

    Aspect ratios above 16:1 are cropped to 16:1 at the centre first, since enlarging a line of
    10,000 pixels would take gigabytes.

    >>> config = DataConfig("digits", image_size=8, channels=3)
    >>> whole_image(tf.zeros([20, 30, 3], tf.uint8), config).shape
    TensorShape([8, 12, 3])
    """
    return _whole(image, config.image_size, config.channels)


def resize_area(image: tf.Tensor, sides: tf.Tensor | Sequence[int]) -> tf.Tensor:
    """Area resize: [h, w, C] to float32 [*sides, C] in the units of the input, unrounded.

    It has the same kernel as TF1's `tf.image.resize_area`, which the SPN paper names.

    >>> resize_area(tf.constant([[[1.0], [3.0]]]), [1, 1]).numpy().tolist()
    [[[2.0]]]
    """
    return tf.image.resize(image, sides, method="area")


def _whole(image: tf.Tensor, shorter: int, channels: int) -> tf.Tensor:
    sides = tf.shape(image)[:2]
    kept = tf.minimum(sides, _LONGEST * tf.reduce_min(sides))
    top, left = tf.unstack((sides - kept) // 2)
    image = image[top : top + kept[0], left : left + kept[1]]
    sides = tf.cast(kept, tf.float32)
    sides = tf.round(sides * (shorter / tf.reduce_min(sides)))
    return _fit(image, tf.cast(sides, tf.int32), channels)


def _random_square(image: tf.Tensor, key: tf.Tensor, smallest: float) -> tf.Tensor:
    slack = _slack(image)
    offset = tf.random.stateless_uniform(
        shape=[],
        seed=tf.random.experimental.stateless_fold_in(key, _CROP),
        maxval=tf.reduce_max(slack) + 1,
        dtype=tf.int32,
    )
    # One side has no slack, so the minimum moves the crop along the other side only.
    image = _square(image, tf.minimum(slack, offset))
    return _part(image, key, smallest) if smallest < 1 else image


def _random_window(image: tf.Tensor, key: tf.Tensor, config: DataConfig) -> tf.Tensor:
    image = _enlarged(image, config)
    side = config.image_size
    if config.smallest_scale < 1:
        side = _window_side(tf.reduce_min(tf.shape(image)[:2]), key, config)
    places = tf.cast(tf.shape(image)[:2] - side + 1, tf.float32)
    seed = tf.random.experimental.stateless_fold_in(key, _WINDOW)
    corner = tf.floor(tf.random.stateless_uniform([2], seed) * places)
    return _window(image, tf.cast(corner, tf.int32), side)


def _window_side(shorter: tf.Tensor, key: tf.Tensor, config: DataConfig) -> tf.Tensor:
    """Side of a window, int32, of an image whose shorter side is `image_size` or more.

    Half of the windows have `image_size`, since evaluation has no others. The logarithms of the
    other sides are uniform.
    """
    seed = tf.random.experimental.stateless_fold_in(key, _SCALE)
    power = tf.maximum(0.0, 2 * tf.random.stateless_uniform([], seed) - 1)
    size = tf.constant(config.image_size, tf.float32)
    largest = tf.minimum(tf.cast(shorter, tf.float32), size / config.smallest_scale)
    return tf.cast(tf.round(size * (largest / size) ** power), tf.int32)


def _enlarged(image: tf.Tensor, config: DataConfig) -> tf.Tensor:
    """An image of at least the size of a window."""
    is_small = tf.reduce_min(tf.shape(image)[:2]) < config.image_size
    channels = image.shape[-1]
    return tf.cond(is_small, lambda: _whole(image, config.image_size, channels), lambda: image)


def _window(image: tf.Tensor, corner: tf.Tensor, side: tf.Tensor | int) -> tf.Tensor:
    return image[corner[0] : corner[0] + side, corner[1] : corner[1] + side]


def _slack(image: tf.Tensor) -> tf.Tensor:
    """Excess of height and width over the largest square, int32 [2], one of them 0."""
    sides = tf.shape(image)[:2]
    return sides - tf.reduce_min(sides)


def _square(image: tf.Tensor, corner: tf.Tensor) -> tf.Tensor:
    side = tf.reduce_min(tf.shape(image)[:2])
    return image[corner[0] : corner[0] + side, corner[1] : corner[1] + side]


def _part(image: tf.Tensor, key: tf.Tensor, smallest: float) -> tf.Tensor:
    """A random square of a square image, with a side of `smallest` times the whole or more."""

    def draws(purpose: int, count: int) -> tf.Tensor:
        seed = tf.random.experimental.stateless_fold_in(key, purpose)
        return tf.random.stateless_uniform([count], seed)

    whole = tf.cast(tf.shape(image)[0], tf.float32)
    share = smallest + (1 - smallest) * draws(_SIDE, 1)[0]
    side = tf.maximum(1.0, tf.round(share * whole))
    top, left = tf.unstack(tf.cast(tf.floor(draws(_PLACE, 2) * (whole - side + 1)), tf.int32))
    side = tf.cast(side, tf.int32)
    return image[top : top + side, left : left + side]


def _to_size(image: tf.Tensor, config: DataConfig) -> tf.Tensor:
    """Converts the channels of a square image and resizes it."""
    image = _fit(image, tf.constant([config.image_size] * 2), config.channels)
    image.set_shape([config.image_size, config.image_size, config.channels])
    return image


def _fit(image: tf.Tensor, sides: tf.Tensor, channels: int) -> tf.Tensor:
    """Converts the channels of an image and resizes it, unless the sides are right already."""
    if channels == 1 and image.shape[-1] == 3:
        # Luma stays float until after the resize, so that the image is rounded once.
        image = tf.image.rgb_to_grayscale(tf.cast(image, tf.float32))
    image = tf.cond(  # skips a resize without effect, which is slow
        tf.reduce_all(tf.shape(image)[:2] == sides),
        lambda: tf.cast(image, tf.float32),
        lambda: resize_area(image, sides),
    )
    image = tf.cast(tf.round(image), tf.uint8)
    if channels == 3 and image.shape[-1] == 1:
        image = tf.image.grayscale_to_rgb(image)
    return image
