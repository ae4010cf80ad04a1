"""Several levels of the transform: each splits the TL band of the one before."""

from collections.abc import Sequence

import tensorflow as tf

from wavelet_tf.transform.checks import check_images
from wavelet_tf.transform.dwt import Bands, dwt2, idwt2
from wavelet_tf.transform.filters import filters

Details = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # TR, BL, BR of one level


def wavedec2(
    images: tf.Tensor, levels: int, wavelet: str = "bior2.2", mode: str = "reflect"
) -> tuple[tf.Tensor, list[Details]]:
    """Splits images, and then TL again, `levels` times.

    Args:
        images: as in `dwt2`, sides divisible by 2^levels.
        levels: 0 or more.
        wavelet, mode: as in `dwt2`.

    Returns:
        The last TL, [B, H/2^levels, W/2^levels, C], and (TR, BL, BR) of each level, coarsest first.

    Raises:
        ValueError: `levels` is negative; or as `dwt2`, of the level's own TL.
    """
    if levels < 0:
        raise ValueError(f"levels: {levels}; use 0 or more")
    filters(wavelet, mode)
    tl, details = check_images(images, "images", 2**levels), list[Details]()
    for _ in range(levels):
        tl, tr, bl, br = dwt2(tl, wavelet, mode)
        details.insert(0, (tr, bl, br))
    return tl, details


def waverec2(
    tl: tf.Tensor, details: Sequence[Details], wavelet: str = "bior2.2", mode: str = "reflect"
) -> tf.Tensor:
    """Makes images of TL and the details of each level, coarsest first: inverts `wavedec2`."""
    for bands in details:
        tl = idwt2(Bands(tl, *bands), wavelet, mode)
    return tl
