import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import SettingError, UsageError, UserError
from cascade_tf.examples import Examples
from cascade_tf.experiment import Experiment
from cascade_tf.given_settings import GivenSettings
from cascade_tf.metrics import PixelFeatures, compare
from cascade_tf.strategies import make_strategy
from cascade_tf.xla_choice import compiled_by_xla
from tests.cascade_tf.trainings import final_weights, scalars, trainer
from tests.wavelet_tf.small_priors import R3GAN, built, digits, gan, sample
from wavelet_tf.family import BigGANFamily
from wavelet_tf.noise import noise

OPTIONS = dict(
    loss="relativistic",
    augmentation=("colour", "translation", "cutout"),
    r1=0.1,
    r2=0.1,
    penalty_every=2,
    lecam=0.3,
    consistency=1.0,
)


def test_two_replicas_equal_one(tmp_path):
    """Noise and classes depend on examples; batch normalisation uses those of both replicas."""
    one = trainer(gan(**OPTIONS), tmp_path / "one", steps=2, summary_every=1)
    spread = gan(jit_compile=True, **OPTIONS)
    two = trainer(spread, tmp_path / "two", make_strategy("mirrored"), steps=2, summary_every=1)
    for trained in (one, two):
        trained.train()
    tags = ("discriminator_loss", "generator_loss", "gradient_norm_generator", "D_fake")
    for tag in (*tags, "r1", "r2", "lecam_fake", "consistency"):
        curves = [scalars(tmp_path / name, "train", tag).values() for name in ("one", "two")]
        np.testing.assert_allclose(*map(list, curves), rtol=5e-3, atol=1e-4, err_msg=tag)
    expected, actual = final_weights(one), final_weights(two)
    for name, value in expected.items():
        if "momentum" in name or "velocity" in name or "bias" in name:
            continue  # a bias before a normalisation has a gradient near zero of random sign
        close = np.isclose(actual[name], value, rtol=1e-2, atol=1e-3)
        assert close.mean() > 0.9, name
    for network in ("generator", "discriminator"):
        # Without decay, Adam's momentum is the last gradient.
        names = [name for name in expected if network in name and "momentum" in name]
        scale = max(np.abs(expected[name]).max() for name in names)
        assert len(names) > 10 and scale > 0
        for name in names:
            np.testing.assert_allclose(actual[name], expected[name], atol=0.01 * scale, rtol=0.05)


def test_gradients_under_xla_equal_those_without():
    """BigGAN-deep; biggan/test_training.py compares BigGAN's."""
    stage = built(config={"architecture": "biggan_deep"})
    figures, plain = stage._discriminator_gradients(digits(4))
    compiled_figures, compiled = compiled_by_xla(stage._discriminator_gradients)(digits(4))
    for name, value in figures.items():
        np.testing.assert_allclose(compiled_figures[name], value, rtol=1e-3, err_msg=name)
    norm = tf.linalg.global_norm(plain)
    errors = [a - b for a, b in zip(compiled, plain, strict=True)]
    assert tf.linalg.global_norm(errors) < 1e-3 * norm


@pytest.mark.parametrize("architecture", ["biggan", "r3gan"])
def test_both_players_learn_from_an_auxiliary_classifier(architecture):
    config = R3GAN if architecture == "r3gan" else {}
    stage = built(config=config | {"conditioning": "auxiliary_classifier"})
    examples = digits()

    def gradients(weight):
        stage.training = dataclasses.replace(stage.training, classification=weight)
        of_players = stage._discriminator_gradients(examples), stage._generator_gradients(examples)
        (figures, of_discriminator), (more, of_generator) = of_players
        flat = [np.ravel(gradient) for gradient in (*of_discriminator, *of_generator)]
        return figures | more, np.concatenate(flat)

    figures, whole = gradients(1.0)
    for kind, (images, labels) in {
        "real": (stage._real(examples), examples.labels),
        "fake": stage._generate_for("discriminator", examples),
        "generator": stage._generate_for("generator", examples),
    }.items():
        logits, classified = stage.discriminator.judge(images, labels)
        assert logits.shape == [8] and classified.shape == [8, 10]
        shares = tf.gather(tf.nn.softmax(classified), labels, batch_dims=1)
        expected = -np.mean(np.log(shares))
        np.testing.assert_allclose(figures[f"classification_{kind}"], expected, rtol=1e-4)
    none, half = gradients(0.0)[1], gradients(0.5)[1]
    np.testing.assert_allclose(half - none, whole - half, atol=1e-3 * np.abs(whole).max())
    assert np.abs(whole - none).max() > 0.01 * np.abs(whole).max()


def test_images_of_a_pair_are_of_one_class():
    stage, examples = built(loss="relativistic"), digits()
    for player in ("discriminator", "generator"):
        _, labels = stage._generate_for(player, examples)
        np.testing.assert_array_equal(labels, examples.labels)
    z = noise(0, "prior/evaluation", examples.indices, stage.config.z_size)
    fake = stage.generator(z, examples.labels)
    expected = stage.discriminator(fake, examples.labels)
    np.testing.assert_allclose(stage.evaluate_step(examples)["D_fake"], expected, rtol=1e-4)


def test_a_weight_of_a_classifier_that_there_is_not_is_refused():
    with pytest.raises(SettingError, match="means nothing without an auxiliary classifier"):
        gan(classification=0.5)


def test_settings_that_change_nothing_are_refused():
    with pytest.raises(SettingError, match=r"augmentation.*: name each change once"):
        gan(augmentation=("flip", "flip"))
    with pytest.raises(SettingError, match="penalty_every=2: it means nothing without R1 or R2"):
        gan(penalty_every=2)


def test_an_unconditional_discriminator_has_no_classifier():
    stage = built(config={"conditioning": "auxiliary_classifier", "num_classes": 1})
    assert stage.discriminator.judge(stage._real(digits()), digits().labels * 0)[1] is None


def test_steps_split_the_batch_and_accumulation_averages_gradients(tmp_path, eagerly):
    stage = built()
    strategy = tf.distribute.get_strategy()
    halves = [Examples(*(x[rows] for x in digits(8))) for rows in (slice(4), slice(4, 8))]
    parts = [stage._generator_gradients(part)[1] for part in halves]
    variables = stage.generator.trainable_variables
    gradients = []
    stage._generating.optimizer.apply = lambda values, _: gradients.extend(values)
    strategy.run(lambda: stage._generating.step(digits(8), 2, 0.0))
    assert len(gradients) == len(variables)
    for gradient, first, second in zip(gradients, *parts, strict=True):
        np.testing.assert_allclose(gradient, (first + second) / 2, atol=1e-5)

    trained = trainer(gan(discriminator_steps=2), tmp_path, steps=2)
    trained.train()
    optimizers = trained.state.stage.optimizers()
    assert int(optimizers["discriminator_optimizer"].iterations) == 4
    assert int(optimizers["generator_optimizer"].iterations) == 2


def test_interrupted_training_equals_whole(tmp_path, eagerly):
    whole = trainer(gan(**OPTIONS), tmp_path / "whole", steps=2)
    whole.train()
    trainer(gan(**OPTIONS), tmp_path / "parts", steps=1).train()
    resumed = trainer(gan(**OPTIONS), tmp_path / "parts", steps=2)
    resumed.train()
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(final_weights(resumed)[name], value, err_msg=name)


def test_samples_depend_on_index_seed_class_and_truncation():
    stage = built()
    first = sample(stage, [0, 1, 2])
    np.testing.assert_allclose(sample(stage, [2, 0]), first[[2, 0]], atol=1e-5)
    assert np.abs(sample(stage, [0], seed=1) - first[0]).max() > 1e-3
    by_class = sample(stage, [0, 0, 0], labels=tf.constant([3, 3, 4]))
    assert np.array_equal(by_class[0], by_class[1])
    assert np.abs(by_class[0] - by_class[2]).max() > 1e-3
    without_noise = sample(stage, [0, 1], truncation=0.0, labels=tf.constant([3, 3]))
    np.testing.assert_allclose(without_noise[0], without_noise[1], atol=1e-6)
    assert first.min() >= -0.5 and first.max() <= 2.5  # the value_range


def test_interpolations_begin_and_end_at_samples():
    stage = built()
    labels = tf.constant([[1, 7]] * 3)
    ends = tf.constant([[4, 9]] * 3, tf.int64)
    between = stage.between(ends, labels, tf.constant([0.0, 0.5, 1.0]), 0, 1.0).numpy()
    expected = sample(stage, [4, 9], labels=labels[0])
    np.testing.assert_allclose(between[[0, 2]], expected, atol=1e-5)
    assert min(np.abs(between[1] - between[end]).max() for end in (0, 2)) > 1e-3


def test_settling_replaces_running_statistics_by_those_of_samples():
    """The running statistics of fresh weights are still zero and one."""
    stage = built()
    stage.settle(4, 16)
    once = sample(stage, [0, 1])
    norm = stage.generator.norm
    spread = norm.moving_variance.numpy()
    stage.settle(0, 16)
    assert np.array_equal(norm.moving_variance, spread)
    stage.settle(4, 16)
    np.testing.assert_array_equal(sample(stage, [0, 1]), once)
    stage.settle(4, 16, truncation=0.1)
    assert np.abs(norm.moving_variance - spread).max() > 1e-4


def test_collapse_stops_the_training_before_a_checkpoint(tmp_path, eagerly):
    trainer(gan(), tmp_path, steps=2, checkpoint_every=1, summary_every=1).train()
    broken = trainer(gan(), tmp_path, steps=6, checkpoint_every=1, summary_every=1)
    kernel = broken.state.stage.generator.output_convolution
    kernel.kernel.assign(tf.zeros_like(kernel.kernel))  # all samples are the same
    with pytest.raises(UserError, match=r"samples are nearly all the same.*ckpt-2"):
        broken.train()
    assert broken.state.checkpoints.newest.endswith("ckpt-2")


def test_a_collapse_is_measured_over_all_parts_and_replicas(tmp_path, eagerly):
    """A replica's part has two images, of a batch of eight."""
    stage = gan(accumulations=2)
    broken = trainer(stage, tmp_path, make_strategy("mirrored"), steps=1, summary_every=1)
    kernel = stage.generator.output_convolution
    kernel.kernel.assign(tf.zeros_like(kernel.kernel))
    with pytest.raises(UserError, match="samples are nearly all the same"):
        broken.train()


def test_a_biggan_of_whole_images_sees_them_in_their_full_range(tmp_path):
    given = {"system": "biggan", "image_size": 16, "channels": 1}
    settings = GivenSettings({name: [(None, value)] for name, value in given.items()})
    stage = Experiment(tmp_path, {"biggan": BigGANFamily}, settings).make_stage("gan")
    stage.latents.build()
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    target = stage.target(tf.constant(images))
    np.testing.assert_array_equal(stage.to_images(target), images)
    normalised = stage.latents.normalise(target).numpy()
    assert (normalised.min(), normalised.max()) == (-1, 1)


def test_previews_keep_to_the_batch_size_and_show_a_row_for_each_class(monkeypatch, eagerly):
    stage = built()
    whole = stage.previews(digits(2), lambda: None)
    sizes = []
    sample_all = stage.sample
    monkeypatch.setattr(
        stage, "sample", lambda request: sizes.append(len(request.indices)) or sample_all(request)
    )
    stage.largest_batch = 6
    parts = stage.previews(digits(2), lambda: None)
    assert sizes == [6, 6, 4]
    for title, images in whole.items():
        assert np.abs(parts[title].astype(int) - images).max() <= 1


def test_a_number_of_classes_other_than_the_datasets_is_refused(tmp_path, eagerly):
    with pytest.raises(UsageError, match="num_classes=4: the images have 10"):
        trainer(gan(config={"num_classes": 4}), tmp_path / "few").train()
    trainer(gan(config={"num_classes": 1}), tmp_path / "none", steps=1).train()


@pytest.mark.parametrize(
    ("options", "steps"),
    [({}, 60), (dict(config=R3GAN, loss="relativistic", r1=0.1, r2=0.1), 20)],
    ids=["biggan", "r3gan"],
)
def test_it_learns_real_digits(options, steps, tmp_path):
    """Samples of the averaged weights come nearer to real digits."""
    real = digits(256).images
    features = PixelFeatures((16, 16, 1))

    stage = gan(value_range=None, discriminator_rate=1.0, **options)
    trained = trainer(stage, tmp_path, steps=steps, batch_size=32)

    def distance():
        trained.state.average.apply()
        stage.settle(4, 32)
        samples = stage.to_images(tf.constant(sample(stage, range(256)))).numpy()
        true = stage.to_images(stage.target(real)).numpy()
        comparison = compare(features, features(samples), features(true))
        return comparison.figures["pixel_frechet_distance"]

    before = distance()
    trained.train()
    assert distance() < 0.5 * before
