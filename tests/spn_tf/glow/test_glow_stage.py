import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.data import ArraySource
from cascade_tf.errors import UserError
from cascade_tf.examples import Examples
from cascade_tf.sample_request import SampleRequest
from spn_tf.glow.config import GlowConfig
from spn_tf.glow.glow_stage import GlowStage
from spn_tf.model import SPNModel
from spn_tf.training_config import LikelihoodTrainingConfig

SIZES = dict(height=4, width=4, glow_levels=2, glow_depth=1, glow_hidden_channels=8)


def _stage(**changes):
    stage = GlowStage("glow", GlowConfig(**SIZES | changes), LikelihoodTrainingConfig())
    stage.build()
    return stage


def _images(count, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, [count, 4, 4, channels]).astype(np.uint8)


def test_preparation_normalises_the_activations_of_the_data():
    stage, images = _stage(), _images(300) // 4 + 100
    before = -stage.log_prob(tf.constant(images)).numpy().mean()
    line = stage.prepare(ArraySource(images))
    assert line == "activation normalisation fitted to 256 images"
    after = -stage.log_prob(tf.constant(images)).numpy().mean()
    # The images fill a quarter of the range: two bits/dim less than eight, or not much more.
    assert after < before and stage.bits_per_dim(after) < 6.7


def test_the_bound_of_uniform_images_is_not_below_their_entropy():
    stage = _stage(channels=1, bits=3)
    stage.prepare(ArraySource(_images(64, channels=1)))
    images = tf.constant(_images(10_000, channels=1, seed=1))
    assert -stage.log_prob(images).numpy().mean() > 16 * np.log(8)


def test_evaluation_keys_its_noise_by_example():
    stage = _stage()
    images, labels = tf.constant(_images(4)), tf.zeros([4], tf.int32)
    whole = stage.evaluate_step(Examples(images, labels, tf.range(4, dtype=tf.int64)))["nats"]
    last = stage.evaluate_step(Examples(images[2:], labels[2:], tf.constant([2, 3], tf.int64)))
    np.testing.assert_allclose(last["nats"], whole[2:], rtol=1e-5)
    other = stage.evaluate_step(Examples(images[2:], labels[2:], tf.constant([7, 8], tf.int64)))
    assert np.abs(other["nats"] - last["nats"]).min() > 1e-4


def test_samples_are_of_their_index_and_seed_and_in_range():
    stage = _stage(bits=5, num_classes=3)
    whole = stage.sample(SampleRequest(4, seed=2, labels=np.array([0, 1, 2, 0])))
    assert whole.dtype == tf.int32 and 0 <= whole.numpy().min() <= whole.numpy().max() < 32
    request = SampleRequest(np.array([2, 3]), seed=2, labels=np.array([2, 0]))
    np.testing.assert_array_equal(stage.sample(request), whole[2:])
    cold = SampleRequest(2, seed=2, temperature=0.0, labels=np.array([1, 1]))
    first, second = stage.sample(cold).numpy()
    np.testing.assert_array_equal(first, second)


def test_a_bound_is_no_code_length():
    model = SPNModel([_stage()])
    assert model.sample(2, seed=1).shape == (2, 4, 4, 3)
    assert model.bits_per_dim(_images(2)).shape == (2,)
    with pytest.raises(UserError, match="archives need an exact likelihood"):
        model.compress([_images(1)[0]])
