"""Several levels of the transform: each splits the TL band of the one before."""

from collections.abc import Sequence

import tensorflow as tf

from wavelet_tf.transform.checks import check_images
from wavelet_tf.transform.dwt import Bands, dwt2, idwt2
from wavelet_tf.transform.filters import default_mode, filters
from wavelet_tf.transform.wavelets import WaveletLike, name_or_bank

Details = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # TR, BL, BR of one level


def wavedec2(
    images: tf.Tensor, levels: int, wavelet: WaveletLike = "bior2.2", mode: str | None = None
) -> tuple[tf.Tensor, list[Details]]:
    """Splits images, and then TL again, `levels` times in all.

    Args:
        images: see `dwt2`; sides are divisible by 2^levels.
        levels: 0 or more.
        wavelet, mode: see `dwt2`.

    Returns:
        The last TL, [B, H/2^levels, W/2^levels, C], and (TR, BL, BR) of each level, coarsest first.

    Raises:
        ValueError: `levels` is negative, or a side is not divisible by 2^levels; see also `dwt2`.
        TypeError: see `dwt2`.

    Example:
        >>> images = tf.random.stateless_uniform([1, 16, 16, 3], seed=(0, 0))
        >>> tl, details = wavedec2(images, levels=2, wavelet="db2")
        >>> tl.shape, [tr.shape[1] for tr, bl, br in details]
        (TensorShape([1, 4, 4, 3]), [4, 8])
        >>> bool(tf.reduce_max(abs(waverec2(tl, details, "db2") - images)) < 1e-5)
        True
    """
    if levels < 0:
        raise ValueError(f"levels: {levels}; use 0 or more")
    wavelet = name_or_bank(wavelet)
    mode = default_mode(wavelet) if mode is None else mode
    filters(wavelet, mode)
    tl, details = check_images(images, "images", 2**levels), list[Details]()
    for _ in range(levels):
        tl, tr, bl, br = dwt2(tl, wavelet, mode)
        details.insert(0, (tr, bl, br))
    return tl, details


def waverec2(
    tl: tf.Tensor,
    details: Sequence[Details],
    wavelet: WaveletLike = "bior2.2",
    mode: str | None = None,
) -> tf.Tensor:
    """Inverse of `wavedec2`: TL and the details of each level, coarsest first, to images.

    Args:
        tl: [B, h, w, C].
        details: (TR, BL, BR) of each level, the first ones of TL's shape. None stands for zeros,
            as in `idwt2`.
        wavelet, mode: see `dwt2`.

    Returns:
        [B, 2^levels * h, 2^levels * w, C].

    Raises:
        ValueError, TypeError: see `idwt2`.

    Example:
        >>> tl, details = wavedec2(tf.ones([1, 8, 8, 1]), levels=3)
        >>> waverec2(tl, details).shape
        TensorShape([1, 8, 8, 1])
    """
    for bands in details:
        tl = idwt2(Bands(tl, *bands), wavelet, mode)
    return tl
