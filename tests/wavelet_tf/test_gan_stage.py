import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import UsageError, UserError
from cascade_tf.metrics import PixelFeatures, compare
from cascade_tf.strategies import make_strategy
from tests.cascade_tf.trainings import final_weights, scalars, trainer
from tests.wavelet_tf.small_priors import built, digits, gan, sample
from wavelet_tf.players import shares


def test_two_replicas_equal_one(tmp_path):
    """Noise and classes belong to examples, and batch normalisation counts those of both."""
    one = trainer(gan(), tmp_path / "one", steps=2, summary_every=1)
    two = trainer(
        gan(jit_compile=True), tmp_path / "two", make_strategy("mirrored"), steps=2, summary_every=1
    )
    for trained in (one, two):
        trained.train()
    for tag in ("discriminator_loss", "generator_loss", "gradient_norm_generator", "D_fake"):
        curves = [scalars(tmp_path / name, "train", tag).values() for name in ("one", "two")]
        np.testing.assert_allclose(*map(list, curves), rtol=5e-3, atol=1e-4, err_msg=tag)
    expected, actual = final_weights(one), final_weights(two)
    for name, value in expected.items():
        if "momentum" in name or "velocity" in name or "bias" in name:
            continue  # the signs of what is nearly zero: a bias before a normalisation
        close = np.isclose(actual[name], value, rtol=1e-2, atol=1e-3)
        assert close.mean() > 0.9, name
    for network in ("generator", "discriminator"):
        # Adam's momentum: without decay, the last gradient.
        names = [name for name in expected if network in name and "momentum" in name]
        scale = max(np.abs(expected[name]).max() for name in names)
        assert len(names) > 10 and scale > 0
        for name in names:
            np.testing.assert_allclose(actual[name], expected[name], atol=0.01 * scale, rtol=0.05)


def test_gradients_under_xla_equal_those_without():
    """Of BigGAN-deep; those of BigGAN are compared in biggan/test_training.py."""
    made = built(config={"architecture": "biggan_deep"})
    figures, plain = made._discriminator_gradients(digits(4))
    compiled_figures, compiled = tf.function(
        made._discriminator_gradients, jit_compile=True, autograph=False
    )(digits(4))
    for name, value in figures.items():
        np.testing.assert_allclose(compiled_figures[name], value, rtol=1e-3, err_msg=name)
    norm = tf.linalg.global_norm(plain)
    errors = [a - b for a, b in zip(compiled, plain, strict=True)]
    assert tf.linalg.global_norm(errors) < 1e-3 * norm


def test_steps_share_out_the_batch_and_accumulation_takes_means(tmp_path, eagerly):
    made = built()
    strategy = tf.distribute.get_strategy()
    parts = [made._generator_gradients(part)[1] for part in shares(digits(8), 2)]
    variables = made.generator.trainable_variables
    seen = []
    made._generating.optimizer.apply = lambda gradients, _: seen.extend(gradients)
    strategy.run(lambda: made._generating.step(digits(8), 2, 0.0))
    assert len(seen) == len(variables)
    for gradient, first, second in zip(seen, *parts, strict=True):
        np.testing.assert_allclose(gradient, (first + second) / 2, atol=1e-5)

    trained = trainer(gan(discriminator_steps=2), tmp_path, steps=2)
    trained.train()
    optimizers = trained.state.stage.optimizers()
    assert int(optimizers["discriminator_optimizer"].iterations) == 4
    assert int(optimizers["generator_optimizer"].iterations) == 2


def test_interrupted_training_equals_whole(tmp_path, eagerly):
    whole = trainer(gan(), tmp_path / "whole", steps=2)
    whole.train()
    trainer(gan(), tmp_path / "parts", steps=1).train()
    resumed = trainer(gan(), tmp_path / "parts", steps=2)
    resumed.train()
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(final_weights(resumed)[name], value, err_msg=name)


def test_samples_belong_to_index_seed_class_and_truncation():
    made = built()
    first = sample(made, [0, 1, 2])
    np.testing.assert_allclose(sample(made, [2, 0]), first[[2, 0]], atol=1e-5)
    assert np.abs(sample(made, [0], seed=1) - first[0]).max() > 1e-3
    by_class = sample(made, [0, 0, 0], labels=tf.constant([3, 3, 4]))
    assert np.array_equal(by_class[0], by_class[1])
    assert np.abs(by_class[0] - by_class[2]).max() > 1e-3
    without_noise = sample(made, [0, 1], truncation=0.0, labels=tf.constant([3, 3]))
    np.testing.assert_allclose(without_noise[0], without_noise[1], atol=1e-6)
    assert first.min() >= -0.5 and first.max() <= 2.5  # the range that was given


def test_lines_go_from_sample_to_sample():
    made = built()
    labels = tf.constant([[1, 7]] * 3)
    ends = tf.constant([[4, 9]] * 3, tf.int64)
    between = made.between(ends, labels, tf.constant([0.0, 0.5, 1.0]), 0, 1.0).numpy()
    expected = sample(made, [4, 9], labels=labels[0])
    np.testing.assert_allclose(between[[0, 2]], expected, atol=1e-5)
    assert min(np.abs(between[1] - between[end]).max() for end in (0, 2)) > 1e-3


def test_settling_makes_statistics_those_of_samples():
    """Of fresh weights the running ones are still zero and one; samples know better."""
    made = built()
    made.settle(4, 16)
    once = sample(made, [0, 1])
    norm = made.generator.norm
    spread = norm.moving_variance.numpy()
    made.settle(0, 16)
    assert np.array_equal(norm.moving_variance, spread)
    made.settle(4, 16)
    np.testing.assert_array_equal(sample(made, [0, 1]), once)
    made.settle(4, 16, truncation=0.1)
    assert np.abs(norm.moving_variance - spread).max() > 1e-4


def test_collapse_stops_the_training_before_a_checkpoint(tmp_path, eagerly):
    trainer(gan(), tmp_path, steps=2, checkpoint_every=1, summary_every=1).train()
    broken = trainer(gan(), tmp_path, steps=6, checkpoint_every=1, summary_every=1)
    kernel = broken.state.stage.generator.output_convolution
    kernel.kernel.assign(tf.zeros_like(kernel.kernel))  # all samples are the same
    with pytest.raises(UserError, match=r"samples are nearly all the same.*ckpt-2"):
        broken.train()
    assert broken.state.checkpoints.newest.endswith("ckpt-2")


def test_classes_that_are_not_known_are_refused(tmp_path, eagerly):
    with pytest.raises(UsageError, match="num_classes=4: the images have 10"):
        trainer(gan(config={"num_classes": 4}), tmp_path / "few").train()
    trainer(gan(config={"num_classes": 1}), tmp_path / "none", steps=1).train()


def test_it_learns_real_digits(tmp_path):
    """Samples come nearer to held-out digits; of the average of weights, as users see them."""
    real = digits(256).images
    features = PixelFeatures((16, 16, 1))

    stage = gan(value_range=None, discriminator_rate=1.0)
    trained = trainer(stage, tmp_path, steps=60, batch_size=32)

    def distance():
        trained.state.average.apply()
        stage.settle(4, 32)
        made = stage.to_images(tf.constant(sample(stage, range(256)))).numpy()
        true = stage.to_images(stage.target(real)).numpy()
        found = compare(features, features(made), features(true))
        return found.figures["pixel_frechet_distance"]

    before = distance()
    trained.train()
    assert distance() < 0.5 * before
