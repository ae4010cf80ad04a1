"""Generator and discriminator: sizes stage by stage, and the inputs of noise and classes."""

from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.biggan.small_gans import ARCHITECTURES, batch, nets, shake
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.biggan.discriminator import Discriminator
from wavelet_tf.biggan.generator import Generator

# Parameters in BigGAN-PyTorch for 1,000 classes: architecture, size, attention, generator and
# discriminator.
COUNTS = [
    ("biggan", 64, 32, 70_377_348, 45_511_970),
    ("biggan", 128, 64, 70_433_988, 87_982_370),
    ("biggan_deep", 64, 32, 49_829_636, 20_951_554),
    ("biggan_deep", 128, 64, 50_244_484, 34_590_210),
]


def _count(network):
    """Number of trainable parameters, counted without allocating weights."""
    counts = []

    def add_weight(self, shape=(), trainable=True, **_):
        counts.append(int(np.prod(shape)) if trainable else 0)

    with mock.patch.object(keras.layers.Layer, "add_weight", add_weight):
        network.build()
    return sum(counts)


@pytest.mark.parametrize("architecture, size, attention, generator, discriminator", COUNTS)
def test_parameters_are_the_published_ones(architecture, size, attention, generator, discriminator):
    width, z = {"biggan": (96, 120), "biggan_deep": (128, 128)}[architecture]
    c = BigGANConfig(size, 3, 1000, architecture, width, width, z, 128, attention)
    assert (_count(Generator(c)), _count(Discriminator(c))) == (generator, discriminator)


def _stage_outputs(network):
    """Outputs of the network's stages in its last call, without those of attention."""
    outputs = {}

    def recorded(number, call):
        def wrapped(*args, **kwargs):
            outputs[number] = call(*args, **kwargs)
            return outputs[number]

        return wrapped

    for number, blocks in enumerate(network.stages):
        blocks[-1].call = recorded(number, blocks[-1].call)
    return outputs


# Side and channels after each stage for networks of width 8.
SHAPES = {
    ("biggan", 16): ([(8, 32), (16, 32)], [(8, 32), (8, 32), (8, 32)]),
    ("biggan", 32): ([(8, 32), (16, 32), (32, 32)], [(16, 32), (8, 32), (8, 32), (8, 32)]),
    ("biggan", 64): (
        [(8, 128), (16, 64), (32, 32), (64, 16)],
        [(32, 8), (16, 16), (8, 32), (4, 64), (4, 128)],
    ),
    ("biggan", 128): (
        [(8, 128), (16, 64), (32, 32), (64, 16), (128, 8)],
        [(64, 8), (32, 16), (16, 32), (8, 64), (4, 128), (4, 128)],
    ),
    ("biggan_deep", 16): ([(8, 32), (16, 32)], [(8, 32), (8, 32)]),
    ("biggan_deep", 32): ([(8, 32), (16, 32), (32, 32)], [(16, 32), (8, 32), (8, 32)]),
    ("biggan_deep", 64): (
        [(8, 128), (16, 64), (32, 32), (64, 16)],
        [(32, 16), (16, 32), (8, 64), (4, 128)],
    ),
    ("biggan_deep", 128): (
        [(8, 128), (16, 64), (32, 32), (64, 16), (128, 8)],
        [(64, 16), (32, 32), (16, 64), (8, 128), (4, 128)],
    ),
}


@pytest.mark.parametrize("architecture, size", SHAPES)
def test_shapes_stage_by_stage(architecture, size):
    changes = dict(size=size, attention_size=size // 2, z_size=60, channels=3)
    generator, discriminator = nets(architecture, **changes)
    images, z, labels = batch(generator.config, 1)
    for network, x, expected in zip(
        (generator, discriminator), (z, images), SHAPES[architecture, size], strict=True
    ):
        outputs = _stage_outputs(network)
        output = network(x, labels)
        assert [x.shape[1:] for x in outputs.values()] == [(s, s, units) for s, units in expected]
        assert output.shape == ((1, size, size, 3) if network is generator else (1,))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("size, attention_size", [(32, 8), (16, 0)])
def test_attention_is_applied_once_at_its_side(architecture, size, attention_size):
    for network in nets(architecture, size=size, attention_size=attention_size, z_size=12):
        images, z, labels = batch(network.config, 1)
        inputs = []
        if attention_size:
            call = network.attention.call
            network.attention.call = lambda x, call=call, inputs=inputs: inputs.append(x) or call(x)
        network(z if isinstance(network, Generator) else images, labels)
        assert [x.shape[1] for x in inputs] == ([attention_size] if attention_size else [])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_samples_are_in_range_and_depend_on_noise_and_class(architecture):
    generator, _ = nets(architecture)
    shake(generator)
    _, z, labels = batch(generator.config)
    samples = generator(z, labels)
    assert samples.dtype == tf.float32 and np.abs(samples).max() <= 1
    for other in (generator(-z, labels), generator(z, (labels + 1) % 3)):
        assert np.all(np.abs(other - samples).max(axis=(1, 2, 3)) > 1e-4)


def test_classes_can_be_mixed():
    generator, _ = nets("biggan")
    _, z, labels = batch(generator.config)
    embedding = generator.embed(labels)
    np.testing.assert_array_equal(generator.of_embedding(z, embedding), generator(z, labels))
    mixed = generator.of_embedding(z, (embedding + embedding[::-1]) / 2)
    assert mixed.shape == generator(z, labels).shape


@pytest.mark.parametrize("part", [0, 1, 2])
def test_biggan_gives_each_stage_a_part_of_the_noise(part):
    """The dense layer has the first part; a part changes no output before its stage."""
    generator, _ = nets("biggan")
    shake(generator)
    _, z, labels = batch(generator.config)
    outputs = _stage_outputs(generator)
    generator(z, labels)
    before = dict(outputs)
    generator(z + np.repeat(np.arange(3) == part, 2).astype(np.float32), labels)
    changed = [bool(np.any(outputs[n] != before[n])) for n in (0, 1)]
    assert changed == [part < 2, True]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_discriminator_projects_features_on_the_class(architecture):
    """Logits of two classes differ by the summed features times the difference of their vectors."""
    _, discriminator = nets(architecture)
    shake(discriminator)
    outputs = _stage_outputs(discriminator)
    images, _, labels = batch(discriminator.config)
    logits = discriminator(images, labels)
    last = len(discriminator.stages) - 1
    features = np.maximum(outputs[last], 0).sum((1, 2))
    vectors = (discriminator.projection.kernel / discriminator.projection.sigma()).numpy()
    others = (labels + 1) % 3
    expected = np.sum(features * (vectors[others.numpy()] - vectors[labels.numpy()]), axis=1)
    np.testing.assert_allclose(
        discriminator(images, others) - logits, expected, rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_network_of_one_class_has_finite_outputs(architecture):
    for network in nets(architecture, num_classes=1):
        images, z, labels = batch(network.config)
        output = network(z if isinstance(network, Generator) else images, labels)
        assert np.all(np.isfinite(output))
