"""The order of coefficients equals that of PyWavelets."""

import numpy as np
import pytest
import pywt

from wavelet_tf.transform import (
    dwt2,
    from_pywt,
    idwt2,
    levels_from_pywt,
    levels_to_pywt,
    to_pywt,
    wavedec2,
    waverec2,
)

IMAGES = np.random.default_rng(0).standard_normal((2, 8, 12, 3))
SAME = dict(wavelet="db2", mode="periodization", axes=(1, 2))


def _flat(coefficients):
    approximation, *levels = coefficients
    return [approximation, *(band for level in levels for band in level)]


def _assert_equal(ours, theirs):
    for band, other in zip(_flat(ours), _flat(theirs), strict=True):
        np.testing.assert_allclose(band, other, rtol=0, atol=1e-12)


def test_one_level():
    theirs = pywt.dwt2(IMAGES, **SAME)
    ours = to_pywt(dwt2(IMAGES, "db2"))
    _assert_equal(ours, theirs)
    np.testing.assert_allclose(pywt.idwt2(ours, **SAME), IMAGES, atol=1e-12)
    np.testing.assert_allclose(idwt2(from_pywt(theirs), "db2"), IMAGES, atol=1e-12)


@pytest.mark.parametrize("levels", [0, 2])
def test_several_levels(levels):
    theirs = pywt.wavedec2(IMAGES, level=levels, **SAME)
    ours = levels_to_pywt(*wavedec2(IMAGES, levels, "db2"))
    _assert_equal(ours, theirs)
    np.testing.assert_allclose(pywt.waverec2(ours, **SAME), IMAGES, atol=1e-12)
    np.testing.assert_allclose(waverec2(*levels_from_pywt(theirs), "db2"), IMAGES, atol=1e-12)


def test_the_conversions_are_inverse():
    bands = dwt2(IMAGES)
    assert all(a is b for a, b in zip(from_pywt(to_pywt(bands)), bands, strict=True))
    with pytest.raises(ValueError):
        from_pywt((bands.tl, (bands.tr, bands.bl)))
