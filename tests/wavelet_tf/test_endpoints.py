import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.small_decoders import KINDS, chain, photographs
from tests.wavelet_tf.small_priors import gan
from wavelet_tf.endpoints import endpoints, sampling_endpoint
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


def test_no_images_have_no_results_and_latents_must_be_finite():
    functions = {name: function for name, (function, _) in endpoints(chain(KINDS[0])).items()}
    latents = functions["encode"](photographs()[:0])["latents"]
    assert latents.shape == (0, 8, 8, 3)
    assert functions["decode"](latents)["images"].shape == (0, 32, 32, 3)
    assert functions["upsample"](tf.zeros([0, 8, 8, 3], tf.uint8))["images"].shape == (0, 32, 32, 3)
    for value in (np.nan, np.inf):
        latents = np.zeros([2, 8, 8, 3], np.float32)
        latents[1, 2, 3, 1] = value
        with pytest.raises(tf.errors.InvalidArgumentError, match="latents must be finite"):
            functions["decode"](tf.constant(latents))


def test_classes_and_truncations_out_of_range_are_refused():
    prior = gan()
    prior.build()
    function, specs = sampling_endpoint([prior])["sample"]
    sample = tf.function(function, specs, autograph=False)
    assert sample([3, 9], 0, 1.0)["images"].shape == (2, 16, 16, 1)
    assert sample(np.zeros([0], np.int32), 0, 1.0)["images"].shape == (0, 16, 16, 1)
    for classes in ([99], [0, 10], [-1]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="classes must be from 0 to 9"):
            sample(classes, 0, 1.0)
    for truncation in (np.nan, np.inf, -1.0, 1e5):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="truncation must be from 0 to 100"
        ):
            sample([3], 0, truncation)
