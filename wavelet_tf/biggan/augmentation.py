"""Differentiable augmentation (DiffAugment, Zhao et al. 2020).

The discriminator sees real and generated images only after the same kind of random change. Its
gradients reach the generator through the change, so generated images do not take it over.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from cascade_tf import randomness

_SHIFT = 1 / 8  # largest translation, as a share of the side
_CUT = 1 / 2  # side of the square that is cut out, as a share


def augment(
    images: tf.Tensor,
    kinds: Sequence[str],
    seed: tf.Tensor | int,
    stream: str,
    indices: tf.Tensor,
) -> tf.Tensor:
    """Changes each image at random, by kinds in their order.

    Args:
        images: float32 [B, H, W, C], in [-1, 1] or near it.
        kinds: of AUGMENTATIONS.
        seed: int32 scalar.
        stream: name of the purpose; see `randomness.uniform`.
        indices: int64 [B], of the images. Equal ones are changed equally.

    Returns:
        float32 [B, H, W, C], which may exceed the range.

    >>> images = tf.zeros([2, 4, 4, 3])
    >>> augment(images, ["colour", "cutout"], seed=0, stream="real", indices=[0, 1]).shape
    TensorShape([2, 4, 4, 3])
    """
    for kind in kinds:
        draws = randomness.uniform(seed, f"{stream}/{kind}", indices, 3)
        images = AUGMENTATIONS[kind](images, draws)
    return images


def colour(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Changes brightness, then saturation, then contrast.

    Args:
        images: float32 [B, H, W, C].
        draws: float32 [B, 3] in [0, 1]: brightness moves by -0.5 to 0.5; differences from a pixel's
            mean are multiplied by 0 to 2, and those from the image's mean by 0.5 to 1.5.

    >>> images = tf.constant([[[[0.0, 1.0]]]])
    >>> colour(images, tf.constant([[1.0, 1.0, 0.5]])).numpy().tolist()
    [[[[0.0, 2.0]]]]
    """
    brightness, saturation, contrast = tf.unstack(draws[:, :, None, None, None], axis=1)
    images += brightness - 0.5
    mean = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = mean + 2 * saturation * (images - mean)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (contrast + 0.5) * (images - mean)


def translation(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Moves images by up to an eighth of their sides, rounded; zeros move in.

    Args:
        images: float32 [B, H, W, C].
        draws: float32 [B, 3] in (0, 1), the first two for rows and columns.

    >>> images = tf.reshape(tf.range(1.0, 9.0), [1, 8, 1, 1])
    >>> translation(images, tf.constant([[0.1, 0.5, 0.5]])).numpy().ravel().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    """

    def moves(side: int, draw: tf.Tensor) -> tf.Tensor:
        """[B, side, side]: the row from which each row comes, as a one; none beyond the border."""
        largest = int(side * _SHIFT + 0.5)
        shift = tf.cast(tf.floor(draw * (2 * largest + 1)), tf.int32) - largest
        return tf.one_hot(tf.range(side) + shift[:, None], side, dtype=images.dtype)

    _, height, width, _ = images.shape
    rows, columns = moves(height, draws[:, 0]), moves(width, draws[:, 1])
    images = tf.einsum("bij,bjwc->biwc", rows, images)
    return tf.einsum("bij,bhjc->bhic", columns, images)


def cutout(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Sets a square to zero, of half the sides, whose middle is anywhere in the image.

    Args:
        images: float32 [B, H, W, C].
        draws: float32 [B, 3] in (0, 1), the first two for rows and columns.

    >>> images = tf.ones([1, 4, 4, 1])
    >>> cutout(images, tf.constant([[0.01, 0.99, 0.5]]))[0, :, :, 0].numpy().tolist()
    [[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    """

    def cut(side: int, draw: tf.Tensor) -> tf.Tensor:
        """bool [B, side]."""
        size = int(side * _CUT + 0.5)
        # The middle of an even square lies between two rows: there is one place more.
        middle = tf.cast(tf.floor(draw * (side + 1 - size % 2)), tf.int32)[:, None]
        place = tf.range(side) - (middle - size // 2)
        return (place >= 0) & (place < size)

    _, height, width, _ = images.shape
    rows, columns = cut(height, draws[:, 0]), cut(width, draws[:, 1])
    inside = rows[:, :, None] & columns[:, None, :]
    return tf.where(inside[..., None], tf.zeros_like(images), images)


def flip(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Flips half of the images left to right, float32 [B, H, W, C]; draws are [B, 3] in (0, 1).

    >>> flip(tf.constant([[[[1.0], [2.0]]]]), tf.constant([[0.1, 0.5, 0.5]])).numpy().tolist()
    [[[[2.0], [1.0]]]]
    """
    return tf.where(draws[:, 0, None, None, None] < 0.5, images[:, :, ::-1], images)


AUGMENTATIONS: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
    "flip": flip,
}
