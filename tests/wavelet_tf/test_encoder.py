import dataclasses

import numpy as np
import pytest
import pywt

from tests.wavelet_tf.small_decoders import SMALL, photographs
from wavelet_tf.encoder import pixel_pyramid, unit_range, wavelet_pyramid


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_the_wavelet_pyramid_is_tl_of_tl(levels):
    images = unit_range(photographs())
    config = dataclasses.replace(SMALL, levels=levels, wavelet_mode="periodization")
    pyramid = wavelet_pyramid(images, config)
    assert len(pyramid) == levels + 1
    np.testing.assert_array_equal(pyramid[-1], images)
    expected = pywt.wavedec2(images.numpy(), "bior2.2", "periodization", levels, axes=(1, 2))
    np.testing.assert_allclose(pyramid[0], expected[0], atol=1e-5)


@pytest.mark.parametrize("pyramid, gain", [(wavelet_pyramid, 2), (pixel_pyramid, 1)])
def test_representations_look_like_the_picture_divided_by_their_gain(pyramid, gain):
    grey = np.full([1, 32, 32, 3], 0.25, np.float32)
    sizes = []
    for number, representation in enumerate(reversed(pyramid(grey, SMALL))):
        np.testing.assert_allclose(representation, 0.25 * gain**number, rtol=1e-5)
        sizes.append(representation.shape[1])
    assert sizes == [32, 16, 8]
