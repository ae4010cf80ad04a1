import dataclasses

import numpy as np
import pytest
import pywt

from tests.wavelet_tf.small_decoders import SMALL_PIXEL, SMALL_WAVELET, photographs
from wavelet_tf.encoder import PixelEncoder, WaveletEncoder
from wavelet_tf.unit_images import unit_range


@pytest.mark.parametrize("levels", [1, 2])
def test_the_wavelet_pyramid_is_tl_of_tl(levels):
    images = unit_range(photographs())
    config = dataclasses.replace(SMALL_WAVELET, levels=levels, wavelet_mode="periodization")
    encoder = WaveletEncoder(config)
    pyramid = encoder.pyramid(images)
    for level, representation in enumerate(pyramid):
        np.testing.assert_array_equal(representation, encoder.at_level(images, level))
    assert len(pyramid) == levels + 1
    np.testing.assert_array_equal(pyramid[-1], images)
    expected = pywt.wavedec2(images.numpy(), "bior2.2", "periodization", levels, axes=(1, 2))
    np.testing.assert_allclose(pyramid[0], expected[0], atol=1e-5)


@pytest.mark.parametrize("encoder", [WaveletEncoder(SMALL_WAVELET), PixelEncoder(SMALL_PIXEL)])
def test_a_representation_of_a_grey_image_is_grey_times_its_gain(encoder):
    grey = np.full([1, 32, 32, 3], 0.25, np.float32)
    sizes = []
    for number, representation in enumerate(reversed(encoder.pyramid(grey))):
        gain = encoder.gain(encoder.config.levels - number)
        np.testing.assert_allclose(representation, 0.25 * gain, rtol=1e-5)
        sizes.append(representation.shape[1])
    assert sizes == [32, 16, 8]
