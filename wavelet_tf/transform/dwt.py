"""One level of the two-dimensional discrete wavelet transform and of its inverse (section 2)."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from wavelet_tf.transform import polyphase
from wavelet_tf.transform.checks import check_bands, check_images
from wavelet_tf.transform.filters import default_mode, filters
from wavelet_tf.transform.wavelets import Bank, WaveletLike, name_or_bank


class Bands(NamedTuple):
    """The four bands of a transform, [B, H/2, W/2, C] each, by the paper's names.

    PyWavelets calls them cA, cH, cV and cD.

    Example:
        >>> Bands._fields
        ('tl', 'tr', 'bl', 'br')
    """

    tl: tf.Tensor  # low along both axes: the image, half as large
    tr: tf.Tensor  # high along the height, low along the width: horizontal edges
    bl: tf.Tensor  # low along the height, high along the width: vertical edges
    br: tf.Tensor  # high along both


def dwt2(images: tf.Tensor, wavelet: WaveletLike = "bior2.2", mode: str | None = None) -> Bands:
    """Splits images into four bands of half their size.

    A constant image c has TL = 2c for every wavelet of PyWavelets, and zeros in the other bands (in
    mode `zero` except at the borders). The transform is linear and differentiable.

    Eager calls run one program for images of all sizes. In a graph with known sides, such as that
    of a `tf.function` called with tensors, XLA compiles a faster one for each size.

    Args:
        images: bfloat16, float16, float32 or float64 [B, H, W, C]; H and W are even, at least 2.
            Sums are computed in float32, those of float64 images in float64.
        wavelet: name of a discrete wavelet in PyWavelets, a `pywt.Wavelet`, or four filters as in
            its `filter_bank`: dec_lo, dec_hi, rec_lo, rec_hi. Not dmey: its filters do not
            invert each other.
        mode: extension of images beyond their borders. Every mode gives bands of exactly half the
            size. `reflect`: mirrored about the first and the last pixel; needs a wavelet with
            symmetric filters of odd length (bior2.2, 4.4, ...). `periodization`: repeated; for
            all wavelets; equal to PyWavelets'. `zero`: zeros; the authors of not-so-BigGAN use
            it, but `idwt2` does not invert it at the borders. None: `default_mode(wavelet)`,
            which `idwt2` inverts: `reflect` where the wavelet allows it, else `periodization`.

    Returns:
        The bands, [B, H/2, W/2, C] each, of the images' dtype.

    Raises:
        ValueError: the rank is not 4, a side is odd, the wavelet or mode is unknown, or the mode
            does not suit the wavelet.
        TypeError: the images are of another dtype.
        tf.errors.InvalidArgumentError: a side that is None in the graph is odd when it runs.

    Example:
        >>> images = tf.random.stateless_uniform([2, 8, 12, 3], seed=(0, 0))
        >>> bands = dwt2(images, "haar")  # in mode "periodization"
        >>> bands.tl.shape
        TensorShape([2, 4, 6, 3])
        >>> bool(tf.reduce_max(abs(idwt2(bands, "haar") - images)) < 1e-6)
        True
    """
    images, wavelet = check_images(images, "images"), name_or_bank(wavelet)
    mode = default_mode(wavelet) if mode is None else mode
    filters(wavelet, mode)  # raises its errors here, outside of graphs
    return Bands(*_transformed(_analysis, [images], wavelet, mode))


def idwt2(
    bands: Bands | Sequence[tf.Tensor | None],
    wavelet: WaveletLike = "bior2.2",
    mode: str | None = None,
) -> tf.Tensor:
    """Inverse of `dwt2`: four bands to images.

    Args:
        bands: four tensors [B, h, w, C] of one dtype and shape: TL, TR, BL, BR. None stands for
            zeros; one of them must be a tensor.
        wavelet, mode: see `dwt2`.

    Returns:
        Images, [B, 2h, 2w, C], of the bands' dtype.

    Raises:
        ValueError: there are not four bands, all are None, their dtypes or shapes differ, the
            wavelet or mode is unknown, or the mode does not suit the wavelet.
        TypeError: the bands are of another dtype than `dwt2` allows.

    Example:
        >>> grey = tf.fill([1, 2, 2, 1], 1.0)  # TL of an image of 0.5: its gain is 2
        >>> image = idwt2((grey, None, None, None))
        >>> image.shape, round(float(image[0, 0, 0, 0]), 4)
        (TensorShape([1, 4, 4, 1]), 0.5)
    """
    tensors, wavelet = check_bands(bands), name_or_bank(wavelet)
    mode = default_mode(wavelet) if mode is None else mode
    filters(wavelet, mode)
    return _transformed(_synthesis, tensors, wavelet, mode)


def _transformed(
    function: Callable[..., Any], inputs: Sequence[tf.Tensor], wavelet: str | Bank, mode: str
) -> Any:
    """Calls `_analysis` or `_synthesis`.

    In a graph that knows the sides, XLA compiles the function. Eager calls, and graphs that do not,
    run one program for all sizes: XLA would take 0.4 s for each new one.
    """
    shape = inputs[0].shape if tf.inside_function() else tf.TensorShape([None] * 4)
    specs = tuple(tf.TensorSpec(shape, x.dtype) for x in inputs)
    return _program(function, wavelet, mode, specs)(*inputs)


@functools.cache
def _program(
    function: Callable[..., Any], wavelet: str | Bank, mode: str, specs: tuple[tf.TensorSpec, ...]
) -> Callable[..., Any]:
    # Each has one trace, so that TensorFlow does not warn of many.
    return tf.function(
        functools.partial(function, wavelet=wavelet, mode=mode),
        input_signature=specs,
        jit_compile=None not in specs[0].shape[1:],
        autograph=False,
    )


def _analysis(images: tf.Tensor, wavelet: str | Bank, mode: str) -> list[tf.Tensor]:
    taps = filters(wavelet, mode)
    b, h, w, c = polyphase.shape_of(images)
    x = tf.reshape(tf.cast(images, _sum_dtype(images)), [b, h, w * c])
    along_height = polyphase.analysis(x, taps)  # low, high
    parts = [
        polyphase.analysis(tf.reshape(part, [b * h // 2, w, c]), taps) for part in along_height
    ]
    (tl, bl), (tr, br) = parts
    shape = [b, h // 2, w // 2, c]
    return [tf.cast(tf.reshape(band, shape), images.dtype) for band in (tl, tr, bl, br)]


def _synthesis(
    tl: tf.Tensor, tr: tf.Tensor, bl: tf.Tensor, br: tf.Tensor, wavelet: str | Bank, mode: str
) -> tf.Tensor:
    taps = filters(wavelet, mode)
    b, h, w, c = polyphase.shape_of(tl)

    def along_width(low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
        low, high = [tf.reshape(tf.cast(x, _sum_dtype(x)), [b * h, w, c]) for x in (low, high)]
        return tf.reshape(polyphase.synthesis(low, high, taps), [b, h, 2 * w * c])

    images = polyphase.synthesis(along_width(tl, bl), along_width(tr, br), taps)
    return tf.cast(tf.reshape(images, [b, 2 * h, 2 * w, c]), tl.dtype)


def _sum_dtype(x: tf.Tensor) -> tf.DType:
    return x.dtype if x.dtype == tf.float64 else tf.float32
