"""Conversions to and from the order of PyWavelets' coefficients, which ptwt shares.

The same bands have two names: TL is cA, TR is cH, BL is cV and BR is cD. PyWavelets nests them as
(cA, (cH, cV, cD)), and levels as [cA, (cH, cV, cD), ...], coarsest first. Its functions take the
wavelet before the level; those of this package take the level first, `wavedec2(x, 2, "haar")`.

These functions only reorder. Coefficients equal PyWavelets' in mode "periodization", if PyWavelets
is called with `axes=(1, 2)`. Its mode "reflect" returns bands with margins; ours does not.
"""

from collections.abc import Sequence
from typing import Any

from wavelet_tf.transform.dwt import Bands
from wavelet_tf.transform.multilevel import Details

PywtDetails = tuple[Any, Any, Any]  # cH, cV, cD


def to_pywt(bands: Bands | Sequence[Any]) -> tuple[Any, PywtDetails]:
    """Returns the bands of `dwt2` as `pywt.idwt2` takes them: (cA, (cH, cV, cD)).

    Args:
        bands: TL, TR, BL, BR, tensors or arrays.

    Raises:
        ValueError: there are not four bands.

    Example:
        >>> import numpy as np, pywt
        >>> from wavelet_tf.transform import dwt2
        >>> image = np.random.default_rng(0).normal(size=[1, 4, 4, 1])
        >>> coefficients = to_pywt(dwt2(image, "haar"))
        >>> bool(np.allclose(pywt.idwt2(coefficients, "haar", axes=(1, 2)), image))
        True
    """
    tl, tr, bl, br = bands
    return tl, (tr, bl, br)


def from_pywt(coefficients: tuple[Any, PywtDetails]) -> Bands:
    """Returns the coefficients of `pywt.dwt2`, (cA, (cH, cV, cD)), as `idwt2` takes them.

    Args:
        coefficients: [B, h, w, C] each, tensors or arrays.

    Raises:
        ValueError: the coefficients are nested differently.

    Example:
        >>> import numpy as np, pywt
        >>> from wavelet_tf.transform import idwt2
        >>> image = np.random.default_rng(0).normal(size=[1, 4, 4, 1])
        >>> bands = from_pywt(pywt.dwt2(image, "haar", axes=(1, 2)))
        >>> bool(np.allclose(idwt2(bands, "haar"), image))
        True
    """
    approximation, (horizontal, vertical, diagonal) = coefficients
    return Bands(approximation, horizontal, vertical, diagonal)


def levels_to_pywt(tl: Any, details: Sequence[Details | PywtDetails]) -> list[Any]:
    """Returns the result of `wavedec2` as `pywt.waverec2` takes it: [cA, (cH, cV, cD), ...].

    Args:
        tl: the coarsest TL, [B, h, w, C].
        details: (TR, BL, BR) of each level, coarsest first.

    Example:
        >>> import numpy as np, pywt
        >>> from wavelet_tf.transform import wavedec2
        >>> image = np.random.default_rng(0).normal(size=[1, 8, 8, 1])
        >>> coefficients = levels_to_pywt(*wavedec2(image, 2, "haar"))
        >>> bool(np.allclose(pywt.waverec2(coefficients, "haar", axes=(1, 2)), image))
        True
    """
    return [tl, *(tuple(level) for level in details)]


def levels_from_pywt(coefficients: Sequence[Any]) -> tuple[Any, list[PywtDetails]]:
    """Returns the result of `pywt.wavedec2` as the arguments TL and details of `waverec2`.

    Args:
        coefficients: [cA, (cH, cV, cD), ...], coarsest first; a band [B, h, w, C].

    Raises:
        ValueError: there is no cA, or a level does not have three bands.

    Example:
        >>> import numpy as np, pywt
        >>> from wavelet_tf.transform import waverec2
        >>> image = np.random.default_rng(0).normal(size=[1, 8, 8, 1])
        >>> coefficients = pywt.wavedec2(image, "haar", level=2, axes=(1, 2))
        >>> bool(np.allclose(waverec2(*levels_from_pywt(coefficients), "haar"), image))
        True
    """
    approximation, *levels = coefficients
    return approximation, [
        (horizontal, vertical, diagonal) for horizontal, vertical, diagonal in levels
    ]
