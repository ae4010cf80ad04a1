"""The full wavelet packet, which splits every band again, not only TL (section 4.2)."""

import tensorflow as tf

from wavelet_tf.transform.checks import check_images
from wavelet_tf.transform.dwt import Bands, dwt2, idwt2
from wavelet_tf.transform.filters import default_mode, filters
from wavelet_tf.transform.wavelets import WaveletLike, name_or_bank


def packet2(
    images: tf.Tensor, size: int, wavelet: WaveletLike = "bior2.2", mode: str | None = None
) -> tf.Tensor:
    """Splits images and all their bands until the shorter side is `size`.

    After n splits there are 4^n patches, each the whole image in one range of frequencies. They
    are stacked on the channels, ordered by their band in the first split, then in the second, and
    so on. With n = 2 the TL, TR, BL and BR of TL come first, then those of TR, of BL and of BR.
    Channels of a patch are adjacent.

    Args:
        images: see `dwt2`; sides and channels are static, the shorter side is 2^n times `size`.
        size: shorter side of the patches; if it is the images' own, they are not split.
        wavelet, mode: see `dwt2`.

    Returns:
        [B, H/2^n, W/2^n, 4^n * C].

    Raises:
        ValueError: halving does not lead to `size`, or a size is not static; see also `dwt2`.
        TypeError: see `dwt2`.

    Example:
        >>> images = tf.random.stateless_uniform([2, 16, 16, 3], seed=(0, 0))
        >>> packet2(images, 4).shape  # 16 patches of 4x4 pixels and 3 channels
        TensorShape([2, 4, 4, 48])
    """
    wavelet = name_or_bank(wavelet)
    mode = default_mode(wavelet) if mode is None else mode
    filters(wavelet, mode)
    patches = check_images(images, "images", divisor=1)
    height, width, channels = _known(patches, "images")
    splits = number_of_splits(min(height, width), size)
    check_images(images, "images", 2**splits)
    for _ in range(splits):
        bands = dwt2(patches, wavelet, mode)
        height, width, patches_before = height // 2, width // 2, patches.shape[-1] // channels
        parts = [tf.reshape(x, [-1, height, width, patches_before, 1, channels]) for x in bands]
        patches = tf.reshape(tf.concat(parts, 4), [-1, height, width, 4 * patches.shape[-1]])
    return patches


def unpacket2(
    patches: tf.Tensor, size: int, wavelet: WaveletLike = "bior2.2", mode: str | None = None
) -> tf.Tensor:
    """Inverse of `packet2`: patches to images.

    Args:
        patches: [B, h, w, 4^n * C] in the order of `packet2`; sides and channels are static.
        size: shorter side of the images, 2^n times the patches' shorter side.
        wavelet, mode: see `dwt2`.

    Returns:
        [B, 2^n * h, 2^n * w, C].

    Raises:
        ValueError: doubling does not lead to `size`, 4^n does not divide the channels, or a size
            is not static; see also `dwt2`.
        TypeError: see `dwt2`.

    Example:
        >>> images = tf.random.stateless_uniform([2, 16, 16, 3], seed=(0, 0))
        >>> back = unpacket2(packet2(images, 4, "haar"), 16, "haar")
        >>> bool(tf.reduce_max(abs(back - images)) < 1e-5)
        True
    """
    wavelet = name_or_bank(wavelet)
    mode = default_mode(wavelet) if mode is None else mode
    filters(wavelet, mode)
    images = check_images(patches, "patches", divisor=1)
    height, width, total = _known(images, "patches")
    splits = number_of_splits(size, min(height, width))
    if total % 4**splits:
        raise ValueError(
            f"patches: there are {total} channels; {4**splits} patches need a multiple of that"
        )
    channels = total // 4**splits
    for level in reversed(range(splits)):
        stacked = tf.reshape(images, [-1, height, width, 4**level, 4, channels])
        bands = [
            tf.reshape(x, [-1, height, width, 4**level * channels])
            for x in tf.unstack(stacked, axis=4)
        ]
        images = idwt2(Bands(*bands), wavelet, mode)
        height, width = 2 * height, 2 * width
    return images


def number_of_splits(large: int, small: int) -> int:
    """Number of halvings from `large` to `small`.

    Raises:
        ValueError: `large` is not `small` times a power of two.
    """
    splits = (large // small).bit_length() - 1 if 0 < small <= large else -1
    if splits < 0 or small << splits != large:
        raise ValueError(
            f"size: {large} pixels cannot be halved to {small}; use sizes with a power of two "
            f"between them"
        )
    return splits


def _known(x: tf.Tensor, name: str) -> tuple[int, int, int]:
    if None in x.shape[1:]:
        raise ValueError(f"{name}: shape is {x.shape}; only the batch size may be None")
    return tuple(x.shape[1:])
