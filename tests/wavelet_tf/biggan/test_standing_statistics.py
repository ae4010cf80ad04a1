import numpy as np
import pytest
import tensorflow as tf

from cascade_cli.options import TruncationOptions
from cascade_cli.systems.gan_drawing import settle
from cascade_tf.experiment import Experiment
from cascade_tf.given_settings import GivenSettings
from tests.wavelet_tf.biggan.small_gans import batch, nets
from wavelet_tf.biggan.standing_statistics import standing_statistics
from wavelet_tf.family import BigGANFamily


def test_statistics_of_one_batch_give_the_same_samples_as_training_mode():
    generator, _ = nets("biggan_deep")
    _, z, labels = batch(generator.config)
    expected = generator(z, labels, training=True)
    assert np.abs(generator(z, labels) - expected).max() > 1e-2
    standing_statistics(generator, [(z, labels)])
    np.testing.assert_allclose(generator(z, labels), expected, atol=1e-4)


def test_they_are_means_over_batches():
    generator, _ = nets("biggan")
    _, z, labels = batch(generator.config, 6)
    batches = [(z[:3], labels[:3]), (3 * z[3:], labels[3:])]
    standing_statistics(generator, iter(batches))
    first = generator.stages[0][0].norms[0].normalisation
    inputs = [tf.reshape(generator.dense(z[:, :2]), [-1, 32]) for z, _ in batches]
    means, variances = zip(*(tf.nn.moments(x, 0) for x in inputs), strict=True)
    np.testing.assert_allclose(first.moving_mean, sum(means) / 2, atol=1e-5)
    np.testing.assert_allclose(first.moving_variance, sum(variances) / 2, rtol=1e-4)


def test_commands_take_as_many_samples_in_batches_of_the_users_size(tmp_path, monkeypatch):
    given = GivenSettings({"system": [(None, "biggan")], "batch_size": [("gan", 24)]})
    stage = Experiment(tmp_path, {"biggan": BigGANFamily}, given).make_stage("gan")
    calls = []
    monkeypatch.setattr(stage, "settle", lambda *arguments: calls.append(arguments))
    settle([stage], TruncationOptions(standing_batches=3), 0.5)
    stage.largest_batch = None
    settle([stage], TruncationOptions(standing_batches=3), 0.5)
    assert calls == [(8, 24, 0.5, "scale"), (3, 64, 0.5, "scale")]


def test_without_a_batch_the_statistics_are_unchanged():
    generator, _ = nets("biggan")
    with pytest.raises(ValueError, match="at least one batch"):
        standing_statistics(generator, [])
    assert np.all(generator.norm.moving_variance == 1)
