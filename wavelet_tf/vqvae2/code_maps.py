"""Maps of codes: the tensors that VQ-VAE-2's stages pass on, and pictures of them."""

import tensorflow as tf


def joined(top: tf.Tensor, bottom: tf.Tensor) -> tf.Tensor:
    """Both maps as one: int32 [B, h, w] and [B, 2h, 2w] to [B, 2h, 2w, 2].

    The bottom code comes first, then the top code above it.

    >>> joined(tf.constant([[[7]]]), tf.constant([[[1, 2], [3, 4]]]))[0, 1].numpy().tolist()
    [[3, 7], [4, 7]]
    """
    above = tf.repeat(tf.repeat(top, 2, axis=1), 2, axis=2)
    return tf.stack([bottom, above], axis=-1)


def parted(codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The inverse of `joined`: the top map and the bottom map.

    >>> top, bottom = parted(joined(tf.constant([[[7]]]), tf.constant([[[1, 2], [3, 4]]])))
    >>> int(top[0, 0, 0]), bottom.shape
    (7, TensorShape([1, 2, 2]))
    """
    return codes[:, ::2, ::2, 1], codes[..., 0]


def pictured(codes: tf.Tensor, vectors: tf.Tensor, channels: int) -> tf.Tensor:
    """A map of codes as a picture, in which codes of near vectors look alike.

    Colours are the first principal components of the codebook's vectors.

    Args:
        codes: int32 [B, h, w].
        vectors: float32 [K, D].
        channels: of the picture, at most D are not empty.

    Returns:
        uint8 [B, h, w, channels].

    >>> vectors = tf.constant([[0.0, 2.0], [0.0, 5.0]])
    >>> picture = pictured(tf.constant([[[0, 1]]]), vectors, channels=1)
    >>> sorted(picture.numpy().ravel().tolist())
    [0, 255]
    """
    centered = vectors - tf.reduce_mean(vectors, axis=0)
    _, directions = tf.linalg.eigh(tf.matmul(centered, centered, transpose_a=True))
    components = tf.matmul(centered, directions[:, ::-1][:, :channels])
    low, high = tf.reduce_min(components, axis=0), tf.reduce_max(components, axis=0)
    shades = tf.math.divide_no_nan(components - low, high - low)
    shades = tf.pad(shades, [[0, 0], [0, channels - shades.shape[1]]])
    return tf.gather(tf.cast(tf.round(255 * shades), tf.uint8), codes)
