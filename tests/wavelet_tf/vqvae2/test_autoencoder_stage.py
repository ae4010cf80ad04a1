import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import SettingError
from cascade_tf.sample_request import SampleRequest
from cascade_tf.strategies import make_strategy
from tests.cascade_tf.trainings import final_weights, scalars, trainer
from tests.wavelet_tf.vqvae2.small_vqvae2 import SMALL, autoencoder, digits
from wavelet_tf.vqvae2.code_maps import joined, parted
from wavelet_tf.vqvae2.config import VQVAE2Config


@pytest.fixture(scope="module")
def trained():
    """An autoencoder after 120 steps on 16 digits, its examples, and its errors by step."""
    wider = dataclasses.replace(SMALL, width=16, residual_width=8)
    stage = autoencoder(wider, learning_rate=(5e-3,), codebook_decay=0.9)
    examples = digits(16)
    stage.build()
    step = tf.function(stage.train_step, autograph=False)
    errors = []
    for number in range(120):
        indices = tf.range(16, dtype=tf.int64) + 16 * number
        metrics = step(examples._replace(indices=indices), tf.constant(number, tf.int64))
        errors.append(float(metrics["mse"]))
    return stage, examples, errors


def test_it_learns_digits_and_uses_its_codes(trained):
    stage, examples, errors = trained
    assert np.mean(errors[-5:]) < 0.7 * np.var(examples.images / 255)
    for codebook, codes in zip(stage.codebooks, parted(stage.encode(examples.images)), strict=True):
        assert len(np.unique(codes)) >= 6, codebook.name


def test_two_replicas_equal_one(tmp_path):
    """Codebooks are sums over all replicas, and so are the encodings that restart codes."""
    settings = dict(codebook_restart=0.9, codebook_decay=0.5)
    one = trainer(autoencoder(**settings), tmp_path / "one", summary_every=1)
    spread = autoencoder(**settings)
    two = trainer(spread, tmp_path / "two", make_strategy("mirrored"), summary_every=1)
    for each in (one, two):
        each.train()
    for tag in ("loss", "gradient_norm", "top_perplexity", "bottom_perplexity"):
        curves = [scalars(tmp_path / name, "train", tag).values() for name in ("one", "two")]
        np.testing.assert_allclose(*map(list, curves), rtol=1e-3, err_msg=tag)
    actual = final_weights(two)
    for name, value in final_weights(one).items():
        if not any(kind in name for kind in ("momentum", "velocity", "bias")):
            np.testing.assert_allclose(actual[name], value, rtol=1e-2, atol=1e-3, err_msg=name)


def test_gradients_under_xla_equal_those_without(trained):
    stage, examples, _ = trained
    step = tf.constant(3, tf.int64)
    examples = examples._replace(indices=tf.range(16, dtype=tf.int64) + 3 * 16)
    compiled = tf.function(stage._gradients, jit_compile=True, autograph=False)
    actual, expected = compiled(examples, step), stage._gradients(examples, step)
    assert all(np.any(own.candidates) for own in expected[1])
    for one, other in zip(tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-4)


def test_the_encoder_learns_from_the_image_through_the_codes(trained):
    stage, examples, _ = trained
    _, _, gradients = stage._gradients(examples, tf.constant(0, tf.int64))
    norms = [float(tf.norm(gradient)) for gradient in gradients]
    assert all(norms), "a part of the network has no gradient"


def test_codes_decode_to_the_reconstruction(trained):
    stage, examples, _ = trained
    codes = stage.condition(examples.images)
    made = stage.sample(SampleRequest(16, condition=codes))
    error = stage.evaluate_step(examples)["mse"]
    expected = tf.reduce_mean((made - stage.target(examples.images)) ** 2, [1, 2, 3])
    np.testing.assert_allclose(error, expected, rtol=1e-4)
    np.testing.assert_allclose(made[:2], stage.autoencoder(examples.images[:2] / 255), atol=1e-4)
    np.testing.assert_array_equal(joined(*parted(codes)), codes)


def test_previews_show_codes_and_images(trained):
    stage, examples, _ = trained
    (row,) = stage.previews(examples, lambda: None).values()
    assert row.shape == (16, 32, 4 * 32, 1)
    np.testing.assert_array_equal(row[:, :, 96:], examples.images)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(image_size=20), "not divisible into top codes of 8x8"),
        (dict(image_size=24, stride=6), "use a power of 2"),
        (dict(codes=1), "use 2 or more"),
    ],
)
def test_sizes_that_cannot_work_are_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        VQVAE2Config(**changes)
