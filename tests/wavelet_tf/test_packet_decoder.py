import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.small_decoders import SMALL_WAVELET as SMALL
from wavelet_tf.config import WaveletConfig
from wavelet_tf.packet_decoder import Heads, PacketDecoder
from wavelet_tf.transform import dwt2, packet2
from wavelet_tf.unet import ConvolutionBlock


def _decoder(config=SMALL, level=2):
    decoder = PacketDecoder(config, level)
    side = decoder.size // 2
    decoder(tf.zeros([1, side, side, config.channels]))
    return decoder


def _fine(level=2, channels=3):
    size = SMALL.size_of(level)
    return tf.constant(
        np.random.default_rng(0).uniform(0, 2, [2, size, size, channels]), tf.float32
    )


@pytest.mark.parametrize("level, heads", [(1, 3 * 1), (2, 3 * 4)])
def test_a_head_for_each_patch_of_each_high_band(level, heads):
    decoder = _decoder(level=level)
    assert decoder.heads.heads == heads
    tl, packets = decoder.split(_fine(level))
    assert decoder(tl).shape == packets.shape == (2, 8, 8, heads * 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_join_inverts_split(channels):
    decoder = _decoder(dataclasses.replace(SMALL, channels=channels))
    fine = _fine(channels=channels)
    np.testing.assert_allclose(decoder.join(*decoder.split(fine)), fine, atol=1e-5)


def test_packets_are_ordered_tr_bl_br():
    decoder, fine = _decoder(), _fine()
    bands = dwt2(fine)
    tl, packets = decoder.split(fine)
    np.testing.assert_array_equal(tl, bands.tl)
    expected = tf.concat([packet2(band, 8) for band in bands[1:]], axis=-1)
    np.testing.assert_array_equal(packets, expected)
    for band, expected in zip(decoder.bands(packets), bands[1:], strict=True):
        np.testing.assert_allclose(band, expected, atol=1e-5)


def test_heads_together_equal_heads_one_after_another():
    """Each head is a convolution, BatchNorm, ReLU, convolution."""
    heads, width, channels = 3, 4, 2
    layer = Heads(heads, width, channels, synchronized=False)
    x = tf.random.stateless_normal([2, 6, 5, 8], [0, 1])
    layer(x)
    for number, weight in enumerate(layer.weights):
        value = tf.random.stateless_normal(weight.shape, [number, 2])
        weight.assign(tf.abs(value) if "variance" in weight.path else value)
    together = layer(x)
    for head in range(heads):
        own = slice(head * width, (head + 1) * width)
        block = ConvolutionBlock(width, synchronized=False)
        block.build(x.shape)
        block(x)
        block.convolution.kernel.assign(layer.hidden.convolution.kernel[..., own])
        for ours, theirs in zip(
            block.normalisation.weights, layer.hidden.normalisation.weights, strict=True
        ):
            ours.assign(theirs[own])
        kernel = tf.reshape(layer.kernel[head], [width, 3, 3, channels])
        alone = tf.nn.conv2d(block(x), tf.transpose(kernel, [1, 2, 0, 3]), 1, "SAME")
        of_head = slice(head * channels, (head + 1) * channels)
        np.testing.assert_allclose(
            together[..., of_head], alone + layer.bias[of_head], rtol=1e-4, atol=1e-4
        )


def test_the_loss_is_the_sum_of_the_heads_mean_squared_errors():
    decoder = _decoder()
    predicted, true = np.random.default_rng(0).standard_normal((2, 5, 8, 8, 12, 3))
    errors = ((predicted - true) ** 2).mean(axis=(1, 2, 4)).sum(axis=1)
    flat = [x.reshape(5, 8, 8, 36) for x in (predicted, true)]
    np.testing.assert_allclose(decoder.loss(*flat), errors)


def test_an_untrained_decoder_predicts_zero_high_bands():
    decoder = _decoder()
    np.testing.assert_array_equal(decoder(_fine()[:, ::2, ::2]), 0)


@pytest.mark.parametrize("level, parameters", [(1, 52.0e6), (2, 94.9e6)])
def test_parameters_at_the_papers_width(level, parameters):
    decoder = _decoder(WaveletConfig(), level)
    count = sum(int(np.prod(weight.shape)) for weight in decoder.trainable_weights)
    assert count == pytest.approx(parameters, rel=0.02)
