import numpy as np
import pytest
import tensorflow as tf

from spn_tf.bit_depth import quantize, to_uint8


@pytest.mark.parametrize("bits", range(1, 9))
def test_quantize_keeps_the_most_significant_bits(bits):
    images = tf.range(256, dtype=tf.int32)
    quantized = quantize(tf.cast(images, tf.uint8), bits)
    np.testing.assert_array_equal(quantized, np.arange(256) // 2 ** (8 - bits))
    np.testing.assert_array_equal(quantize(to_uint8(quantized, bits), bits), quantized)
    assert to_uint8(quantized, bits).dtype == tf.uint8
