import keras
import numpy as np
import tensorflow as tf

from tests.wavelet_tf.small_decoders import SMALL_PIXEL as SMALL
from wavelet_tf.pixel_decoder import PixelDecoder, enlarged, halved


def _fine():
    return tf.constant(np.random.default_rng(0).uniform(0, 1, [2, 32, 32, 3]), tf.float32)


def _decoder():
    decoder = PixelDecoder(SMALL, 2)
    decoder(tf.zeros([1, 16, 16, 3]))
    return decoder


def test_join_inverts_split_and_an_untrained_decoder_is_a_bilinear_resize():
    decoder, fine = _decoder(), _fine()
    coarse, residual = decoder.split(fine)
    np.testing.assert_allclose(decoder.join(coarse, residual), fine, atol=1e-6)
    np.testing.assert_array_equal(decoder(coarse), 0)
    np.testing.assert_allclose(residual, fine - enlarged(coarse, 32), atol=1e-6)


def test_halving_averages_four_pixels_or_more_with_antialias():
    fine = _fine()
    means = fine.numpy().reshape(2, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(halved(fine, antialias=False), means, atol=1e-6)
    assert np.abs(halved(fine, antialias=True) - means).max() > 0.05


def test_the_decoder_has_nineteen_convolutions_as_in_table_4():
    layers = _decoder()._flatten_layers()
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in layers) == 19
