"""R3GAN's generator and discriminator, and a stage that trains them."""

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import SettingError
from tests.wavelet_tf.small_priors import R3GAN, built, gan, sample
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.r3gan.discriminator import R3GANDiscriminator
from wavelet_tf.r3gan.generator import R3GANGenerator


def _config(**changes):
    sizes = dict(size=16, channels=1, num_classes=3, generator_width=8, discriminator_width=8)
    return BigGANConfig(**sizes | R3GAN | changes)


def _networks(**changes):
    """Both networks, with residual blocks that are not zero."""
    networks = R3GANGenerator(_config(**changes)), R3GANDiscriminator(_config(**changes))
    for network in networks:
        network.build()
        for number, weight in enumerate(network.trainable_weights):
            weight.assign_add(tf.random.stateless_normal(weight.shape, [number, 1], stddev=0.05))
    return networks


def _z(count=4):
    return tf.random.stateless_normal([count, 4], [1, 2])


def test_both_see_classes_and_noise():
    generator, discriminator = _networks()
    z, labels = _z(), tf.constant([0, 1, 2, 2])
    images = generator(z, labels).numpy()
    by_class = generator(tf.repeat(z[:1], 4, axis=0), labels).numpy()
    assert np.abs(by_class[0] - by_class[1]).max() > 1e-3
    assert np.array_equal(by_class[2], by_class[3])
    logits = discriminator(tf.repeat(images[:1], 3, axis=0), tf.range(3)).numpy()
    assert len(set(np.round(logits, 4))) == 3
    np.testing.assert_allclose(discriminator(images, labels)[0], logits[0], rtol=1e-4)


def test_one_class_has_no_embedding_and_does_not_matter():
    generator, discriminator = _networks(num_classes=1)
    paths = [weight.path for network in (generator, discriminator) for weight in network.weights]
    assert not [path for path in paths if "class" in path]
    images = generator(_z(), tf.zeros(4, tf.int32))
    assert discriminator(images, tf.zeros(4, tf.int32)).shape == [4]


@pytest.mark.parametrize("size", [16, 32, 64])
def test_sides_double_from_4_and_widths_are_those_of_the_config(size):
    c = _config(size=size)
    generator, discriminator = R3GANGenerator(c), R3GANDiscriminator(c)
    assert [stage.width for stage in generator.stages] == c.generator_widths
    assert [stage.width for stage in discriminator.stages] == c.generator_widths[::-1]
    images = generator(_z(2), tf.zeros(2, tf.int32))
    assert images.shape == [2, size, size, 1]
    assert discriminator(images, tf.zeros(2, tf.int32)).shape == [2]


def test_a_fresh_network_is_its_skips():
    """Residual blocks start at zero: the image is linear in the scales of the 4x4 map."""
    generator = R3GANGenerator(_config(num_classes=1))
    labels, z = tf.zeros(4, tf.int32), _z()
    np.testing.assert_allclose(
        generator(3 * z, labels), 3 * generator(z, labels), rtol=1e-4, atol=1e-5
    )


def test_its_stage_interpolates_and_settles_without_statistics():
    stage = built(config=R3GAN)
    labels, ends = tf.constant([[1, 7]] * 2), tf.constant([[4, 9]] * 2, tf.int64)
    between = stage.between(ends, labels, tf.constant([0.0, 1.0]), 0, 1.0).numpy()
    stage.settle(2, 8)
    np.testing.assert_allclose(between, sample(stage, [4, 9], labels=labels[0]), atol=1e-5)


def test_a_penalty_of_spectrally_normalised_layers_is_refused():
    with pytest.raises(SettingError, match="it means nothing to R3GAN"):
        gan(config=R3GAN, orthogonal_regularisation=1e-4)
