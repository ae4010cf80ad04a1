import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.sample_request import SampleRequest
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from tests.cascade_tf.trainings import trainer
from tests.spn_tf.random_networks import SHALLOW, randomize
from tests.wavelet_tf.small_priors import digits, latents
from wavelet_tf.quantized_prior import QuantizedPrior


def _prior(value_range=(-0.5, 2.5), bits=8, **config):
    config = SPNConfig(**SHALLOW, height=16, width=16, channels=1, bits=bits, scale=2, **config)
    training = SPNTrainingConfig(jit_compile=False)
    return QuantizedPrior(SPNStage("prior", config, training), latents(value_range), bits)


@pytest.mark.parametrize("bits,steps", [(8, 255), (3, 7)])
def test_its_target_is_the_latents_within_a_quantization_step(bits, steps):
    prior = _prior(bits=bits)
    prior.build()
    exact = prior.latents.encode(digits().images).numpy()
    quantized = prior.target(digits().images).numpy()
    errors = np.clip(exact, -0.5, 2.5) - quantized
    step = 3 / steps  # of the range
    assert np.abs(errors).max() <= 0.51 * step + 3 / 255
    # Without a bias on average: fewer bits do not darken images.
    images = tf.reshape(tf.range(256), [1, 16, 16, 1])
    stage = prior.model
    restored = prior._latents(stage.to_images(stage.target(tf.cast(images, tf.uint8))))
    assert restored.numpy().mean() == pytest.approx(1, abs=1e-5)
    assert len(np.unique(quantized)) <= steps + 1


def test_it_learns_evaluates_and_samples_latents(tmp_path):
    prior = _prior(value_range=None)
    trained = trainer(prior, tmp_path, steps=2, held_out=True, evaluate_every=2, summary_every=1)
    trained.train()
    low, high = prior.latents.low.numpy(), prior.latents.high.numpy()
    assert low < 0 < 2 < high  # fitted
    figures = prior.evaluate_step(digits())
    # Nearly untrained: about 8 bits per coefficient.
    np.testing.assert_allclose(figures["bits_per_dim"], 8, atol=0.5)
    samples = prior.sample(SampleRequest(2)).numpy()
    assert samples.shape == (2, 16, 16, 1)
    assert low - 1e-5 <= samples.min() and samples.max() <= high + 1e-5
    assert prior.to_images(tf.constant(samples)).dtype == tf.uint8


def test_it_conditions_on_classes():
    prior = _prior(num_classes=2)
    prior.build()
    randomize(prior.model.network)
    assert prior.num_classes == 2
    two = digits(2)
    nats = [
        prior.evaluate_step(two._replace(labels=tf.constant([label, label])))["nats"].numpy()
        for label in (0, 1)
    ]
    assert np.abs(nats[0] - nats[1]).min() > 0.1
    first, second = (
        prior.sample(SampleRequest(2, labels=tf.constant(labels))).numpy()
        for labels in ([0, 0], [0, 1])
    )
    np.testing.assert_array_equal(first[0], second[0])  # the same noise
    assert np.abs(first[1] - second[1]).max() > 0
