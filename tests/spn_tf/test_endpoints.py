import functools

import numpy as np
import pytest
import tensorflow as tf

from spn_tf.config import SPNConfig
from spn_tf.endpoints import endpoints
from spn_tf.stages import make_stages
from spn_tf.training_config import SPNTrainingConfig
from spn_tf.upscaling import UpscalingConfig
from tests.spn_tf.random_networks import SHALLOW, randomize

RNG = np.random.default_rng(0)


@functools.cache  # many tests share one trace
def _endpoints(upscaling, bits, scale=2):
    """Returns the exported functions, and the stages."""
    config = SPNConfig(**SHALLOW, height=4, width=4, channels=1, bits=bits, scale=scale)
    stages = make_stages(UpscalingConfig(upscaling, (2,)), config, SPNTrainingConfig())
    for stage in stages:
        stage.build()
        randomize(stage.network)
    functions = {
        name: tf.function(f, spec, autograph=False) for name, (f, spec) in endpoints(stages).items()
    }
    return functions, stages


def _images(side, count=5):
    return tf.constant(RNG.integers(0, 256, [count, side, side, 1]), tf.uint8)


def test_endpoints_quantize_inside_and_give_valid_images():
    functions, _ = _endpoints("none", bits=4)
    images = _images(4)
    nats = functions["log_prob"](images)["nats"]
    np.testing.assert_array_equal(nats, functions["log_prob"](images // 16 * 16)["nats"])
    assert (nats.numpy() <= 0).all() and nats.dtype == tf.float32
    drawn = functions["sample"](2, 0, 1.0)["images"]
    assert drawn.shape == (2, 4, 4, 1) and drawn.dtype == tf.uint8
    assert (drawn.numpy() % 16 == 0).all() and drawn.numpy().any()


def test_log_prob_is_the_sum_over_the_stages():
    functions, stages = _endpoints("multidimensional", bits=4)
    images = _images(4)
    parts = [stage.log_prob(images) for stage in stages]
    np.testing.assert_allclose(functions["log_prob"](images)["nats"], sum(parts), rtol=1e-5)


def test_sample_takes_a_temperature_for_each_stage():
    functions, _ = _endpoints("multidimensional", bits=4)
    sample = functions["sample"]
    drawn = sample(6, 1, [0.0, 0.0, 1.0])["images"].numpy()
    coarse = drawn >> 6
    assert (coarse == coarse[:1]).all()  # temperature 0 always takes the likeliest
    assert (drawn != drawn[:1]).any()
    np.testing.assert_array_equal(sample(6, 1, 0.5)["images"], sample(6, 1, [0.5] * 3)["images"])
    with pytest.raises(tf.errors.InvalidArgumentError):
        sample(6, 1, [1.0, 1.0])


def test_upscale_keeps_the_pixels_of_its_input():
    functions, _ = _endpoints("multidimensional", bits=8)
    small, full = _images(2), _images(4)
    from_small = functions["upscale"](small, 0, 1.0)["images"].numpy()
    np.testing.assert_array_equal(from_small[:, ::2, ::2], small)
    from_full = functions["upscale"](full, 0, 1.0)["images"].numpy()
    np.testing.assert_array_equal(from_full >> 6, full.numpy() >> 6)
    assert (functions["upscale"](full, 1, 1.0)["images"].numpy() != from_full).any()
    with pytest.raises(tf.errors.InvalidArgumentError, match="images must be of 2x2 or 4x4"):
        functions["upscale"](_images(3), 0, 1.0)


def test_a_decoder_baseline_has_nothing_to_upscale():
    functions, _ = _endpoints("none", bits=4, scale=1)
    assert set(functions) == {"log_prob", "sample"}


def test_no_images_have_no_results():
    functions, _ = _endpoints("multidimensional", bits=4)
    assert functions["log_prob"](_images(4, 0))["nats"].shape == (0,)
    assert functions["sample"](0, 1, 1.0)["images"].shape == (0, 4, 4, 1)
    assert functions["upscale"](_images(2, 0), 1, 1.0)["images"].shape == (0, 4, 4, 1)


@pytest.mark.parametrize("temperature", [np.nan, np.inf, -0.5, [1.0, 1.0, np.nan]])
def test_counts_and_temperatures_out_of_range_are_refused(temperature):
    functions, _ = _endpoints("multidimensional", bits=4)
    needed = "temperature must be finite, and 0 or more"
    with pytest.raises(tf.errors.InvalidArgumentError, match=needed):
        functions["sample"](6, 1, temperature)
    with pytest.raises(tf.errors.InvalidArgumentError, match=needed):
        functions["upscale"](_images(2), 1, temperature)
    with pytest.raises(tf.errors.InvalidArgumentError, match="count must be 0 or more"):
        functions["sample"](-1, 1, 1.0)
