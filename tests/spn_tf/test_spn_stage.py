import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.data import open_source
from cascade_tf.errors import SettingError
from cascade_tf.examples import Examples
from cascade_tf.optimizers import apply_gradients
from cascade_tf.strategies import make_strategy
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from tests.cascade_tf.trainings import DIGITS, final_weights, scalars, trainer
from tests.spn_tf.random_networks import SHALLOW, TINY, randomize

SIZE = {"height": 32, "width": 32, "channels": 1, "bits": 4, "scale": 4}
CONFIG = SPNConfig(**SHALLOW | SIZE)


def _stage(config=CONFIG, **training):
    return SPNStage(
        "spn",
        config,
        SPNTrainingConfig(**{"seed": 1, "jit_compile": False} | training),
    )


def _train(directory, stage=None, **config):
    strategy = config.pop("strategy", None)
    trained = trainer(stage or _stage(), directory, strategy, summary_every=1, **config)
    trained.train()
    return trained


def _examples(count=8):
    return next(iter(open_source(DIGITS, "train").training_examples(count, 0)))


def _bits_per_dim(directory, run="train"):
    return scalars(directory, run, "bits_per_dim")


def test_two_replicas_under_xla_with_two_parts_each_equal_one(tmp_path):
    one = _train(tmp_path / "one", _stage(), steps=3)
    two = _train(
        tmp_path / "two",
        _stage(jit_compile=True, batch_parts=2),
        steps=3,
        strategy=make_strategy("mirrored"),
    )
    expected = list(_bits_per_dim(tmp_path / "one").values())
    assert len(expected) == 3
    np.testing.assert_allclose(list(_bits_per_dim(tmp_path / "two").values()), expected, rtol=1e-5)
    actual = final_weights(two)
    for name, value in final_weights(one).items():
        np.testing.assert_allclose(actual[name], value, rtol=1e-3, atol=1e-5, err_msg=name)


def test_an_interrupted_training_ends_like_one_never_interrupted(tmp_path):
    """Under XLA; tests/cascade_cli/test_commands.py tests it without XLA and with signals."""
    settings = {"optimizer": "muon", "weight_decay": 0.1, "warmup": 3, "clip_norm": 1.0}
    stage = lambda: _stage(jit_compile=True, **settings)  # noqa: E731
    whole = _train(tmp_path / "whole", stage(), steps=4)
    _train(tmp_path / "parts", stage(), steps=2)
    parts = final_weights(_train(tmp_path / "parts", stage(), steps=4))
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(value, parts[name], name)


def test_muon_updates_all_kernels_but_the_last_layers():
    stage = _stage(optimizer="muon")
    stage.build()
    by_muon = {
        weight.path
        for weight, velocity in zip(
            stage.network.trainable_variables, stage.optimizer._velocities, strict=True
        )
        if velocity is None
    }
    kernels = {w.path for w in stage.network.trainable_variables if w.path.endswith("/kernel")}
    assert kernels - by_muon == {"spn/decoder/pixelcnn/logits/kernel"}
    assert by_muon < kernels


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "muon"])
def test_weight_decay_shrinks_kernels_alone(optimizer):
    stage = _stage(optimizer=optimizer, weight_decay=0.1, learning_rate=(0.5,))
    stage.build()
    randomize(stage.network)
    weights = stage.network.trainable_variables
    before = [weight.numpy() for weight in weights]
    apply_gradients(stage.optimizer, [tf.zeros(weight.shape) for weight in weights], weights)
    for weight, old in zip(weights, before, strict=True):
        share = 0.95 if weight.path.endswith("/kernel") else 1.0
        np.testing.assert_allclose(weight.value, share * old, rtol=1e-6, err_msg=weight.path)


def test_bfloat16_trains_on_float32_weights(tmp_path):
    stage = _stage(precision="bfloat16")
    _train(tmp_path / "bfloat16", stage, steps=3)
    layers = list(stage.network._flatten_layers())
    assert len(layers) > 30
    assert {layer.compute_dtype for layer in layers} == {"bfloat16"}
    assert all(weight.dtype == "float32" for weight in stage.network.trainable_variables)
    _train(tmp_path / "float32", steps=3)
    np.testing.assert_allclose(
        list(_bits_per_dim(tmp_path / "bfloat16").values()),
        list(_bits_per_dim(tmp_path / "float32").values()),
        rtol=0.02,
    )


def test_the_estimate_is_unbiased_over_slices():
    """The mean of S*S times a slice's nats over all slices is the image's nats."""
    stage = _stage()
    stage.build()
    randomize(stage.network)
    images = tf.cast(tf.random.uniform([1, 32, 32, 1], 0, 256, tf.int32), tf.uint8)
    exact = -float(stage.log_prob(images)[0])
    example = _examples(1)
    draws = 800
    repeated = example._replace(
        images=tf.repeat(images, draws, axis=0), indices=tf.range(draws, dtype=tf.int64)
    )
    estimates, _ = stage._gradients(repeated)
    error = np.std(estimates) / math.sqrt(draws)
    assert (
        len(np.unique(np.round(estimates.numpy(), 2))) == 16
    )  # every slice is drawn at least once
    assert abs(np.mean(estimates) - exact) < 4 * error


def test_slices_are_drawn_uniformly_by_example_and_seed():
    count = 800
    image = _examples(1).images

    def drawn(seed, first_index):
        """Estimates for copies of one image; each slice has its own value."""
        keras.utils.set_random_seed(0)
        stage = _stage(seed=seed)
        stage.build()
        randomize(stage.network)
        indices = tf.range(first_index, first_index + count, dtype=tf.int64)
        labels = tf.zeros([count], tf.int32)
        nats, _ = stage._gradients(Examples(tf.repeat(image, count, axis=0), labels, indices))
        return nats.numpy().round(2)

    estimates = drawn(1, 0)
    _, counts = np.unique(estimates, return_counts=True)
    assert len(counts) == 16
    expected = count / 16
    assert ((counts - expected) ** 2 / expected).sum() < 50  # chi-square, 15 degrees of freedom
    assert (drawn(1, 0) == estimates).all()
    assert (drawn(2, 0) != estimates).any()
    assert (drawn(1, count) != estimates).any()


@pytest.mark.parametrize("kind", ["attention", "convolution"])
def test_dropout_masks_differ_by_layer_and_example_and_are_reproducible(kind):
    field = {"attention": "dropout", "convolution": "convolution_dropout"}[kind]
    stage, plain = (_stage(SPNConfig(**TINY | SIZE, **{field: rate})) for rate in (0.5, 0.0))
    for s in (stage, plain):
        keras.utils.set_random_seed(0)
        s.build()
        randomize(s.network)
    examples = _examples()
    first, again = stage._gradients(examples)[0], stage._gradients(examples)[0]
    np.testing.assert_array_equal(first, again)
    assert (first.numpy() != plain._gradients(examples)[0].numpy()).all()
    np.testing.assert_allclose(  # evaluation drops nothing
        stage.log_prob(examples.images), plain.log_prob(examples.images), rtol=1e-6
    )
    mask = getattr(stage._dropout(examples.indices), kind)
    ones = tf.ones([8, 5, 6])
    assert (mask(ones).numpy() != mask(ones).numpy()).any()


def test_the_metrics_of_a_step(tmp_path):
    stage = _stage(learning_rate=(1e-3, 1e-4), learning_rate_boundaries=(2,))
    _train(tmp_path, stage, steps=3)
    rates = scalars(tmp_path, "train", "learning_rate")
    np.testing.assert_allclose(list(rates.values()), [1e-3, 1e-3, 1e-4], rtol=1e-5)
    assert all(norm > 0 for norm in scalars(tmp_path, "train", "gradient_norm").values())
    assert len(scalars(tmp_path, "train", "images_per_second")) == 3


def test_a_short_training_learns_real_digits(tmp_path):
    """Held-out bits/dim of the averaged weights fall far below a uniform model's."""
    wider = TINY | {"pixelcnn_residual_channels": 96, "pixelcnn_conv_channels": 48}
    config = SPNConfig(**(wider | {"height": 32, "width": 32, "channels": 1, "scale": 4}))
    stage = _stage(config, learning_rate=(1e-3,))
    _train(
        tmp_path, stage, steps=100, batch_size=16, held_out=True, evaluate_every=100,
        evaluate_images=50,
    )  # fmt: skip
    assert _bits_per_dim(tmp_path, "test")[100] < 2.0  # of 8


@pytest.mark.parametrize(
    "change",
    [{"bits": 0}, {"bits": 9}, {"channels": 2}, {"scale": 3}, {"scale": 0},
     {"attention_ffn": "x"}, {"pixelcnn_conv_channels": 7}, {"embedder_filter_size": 2},
     {"dropout": 1.0}, {"height": 0}, {"width": -8}, {"height": 32.0}, {"width": True},
     {"coarse_bits": -1}, {"coarse_bits": 1.5}, {"coarse_bits": 8}],
)  # fmt: skip
def test_invalid_settings_are_refused(change):
    (name,) = change
    with pytest.raises(SettingError, match=f"^{name}="):
        SPNConfig(**({"height": 32, "width": 32, "scale": 4} | change))
