import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.small_decoders import KINDS, chain, photographs
from wavelet_tf.endpoints import endpoints
from wavelet_tf.reconstruction import reconstruct
from wavelet_tf.unit_images import unit_range


@pytest.mark.parametrize("kind", KINDS)
def test_endpoints_encode_decode_and_upsample(kind):
    stages, images = chain(kind), photographs()
    functions = {name: function for name, (function, _) in endpoints(stages).items()}
    latents = functions["encode"](images)["latents"]
    np.testing.assert_array_equal(latents, stages[0].condition(images))
    reconstruction = reconstruct(stages, latents)[-1]
    decoded = functions["decode"](latents)["images"]
    np.testing.assert_array_equal(decoded, stages[1].to_images(reconstruction))
    small = tf.cast(tf.image.resize(images, [8, 8], "area"), tf.uint8)
    again = functions["decode"](stages[0].condition_gain * unit_range(small))["images"]
    np.testing.assert_array_equal(functions["upsample"](small)["images"], again)
    # The gain of the filters is undone: a grey image stays unchanged.
    grey = tf.fill([1, 8, 8, 3], tf.constant(100, tf.uint8))
    assert np.abs(np.mean(functions["upsample"](grey)["images"]) - 100) < 10
