"""Blocks against the paper's figures, written out layer by layer."""

import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.biggan.small_gans import shake
from wavelet_tf.biggan.blocks import DiscriminatorBlock, GeneratorBlock
from wavelet_tf.biggan.deep_blocks import DeepDiscriminatorBlock, DeepGeneratorBlock
from wavelet_tf.biggan.resampling import doubled

X = tf.random.stateless_normal([2, 6, 4, 8], [1, 2])
Y = tf.random.stateless_normal([2, 5], [3, 4])


def _built(block):
    block.build()
    shake(block)
    return block


def _up(x):
    return np.repeat(np.repeat(x, 2, axis=1), 2, axis=2)


def _down(x):
    return tf.nn.avg_pool2d(x, 2, 2, "VALID")


def test_generator_block():
    block = _built(GeneratorBlock(8, 6, condition=5))
    h = block.convolutions[0](_up(tf.nn.relu(block.norms[0](X, Y))))
    h = block.convolutions[1](tf.nn.relu(block.norms[1](h, Y)))
    np.testing.assert_allclose(block(X, Y), h + block.skip(_up(X)), atol=1e-5)


@pytest.mark.parametrize("first", [False, True])
def test_discriminator_block(first):
    block = _built(DiscriminatorBlock(8, 6, halve=True, first=first))
    h = block.convolutions[0](X if first else tf.nn.relu(X))
    h = block.convolutions[1](tf.nn.relu(h))
    np.testing.assert_allclose(block(X), _down(h) + _down(block.skip(X)), atol=1e-5)


def test_discriminator_block_of_equal_shapes_has_an_identity_skip():
    block = _built(DiscriminatorBlock(8, 8, halve=False))
    h = block.convolutions[1](tf.nn.relu(block.convolutions[0](tf.nn.relu(X))))
    np.testing.assert_allclose(block(X), X + h, atol=1e-5)


@pytest.mark.parametrize("double", [False, True])
def test_deep_generator_block(double):
    block = _built(DeepGeneratorBlock(8, 6, condition=5, double=double))
    up = _up if double else tf.identity
    h = block.convolutions[0](tf.nn.relu(block.norms[0](X, Y)))
    h = block.convolutions[1](up(tf.nn.relu(block.norms[1](h, Y))))
    h = block.convolutions[2](tf.nn.relu(block.norms[2](h, Y)))
    h = block.convolutions[3](tf.nn.relu(block.norms[3](h, Y)))
    np.testing.assert_allclose(block(X, Y), h + up(X[..., :6]), atol=1e-5)


@pytest.mark.parametrize("halve", [False, True])
def test_deep_discriminator_block(halve):
    block = _built(DeepDiscriminatorBlock(8, 12, halve=halve))
    down = _down if halve else tf.identity
    h = X
    for convolution in block.convolutions[:3]:
        h = convolution(tf.nn.relu(h))
    h = block.convolutions[3](down(tf.nn.relu(h)))
    skip = tf.concat([down(X), block.skip(down(X))], axis=-1)
    np.testing.assert_allclose(block(X), h + skip, atol=1e-5)


def test_the_gradient_of_doubling_is_that_of_repeating_rows_and_columns():
    x = tf.random.stateless_normal([2, 3, 5, 4], [1, 2])
    upstream = tf.random.stateless_normal([2, 6, 10, 4], [3, 4])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        ours, expected = doubled(x), tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
    np.testing.assert_array_equal(ours, expected)
    gradients = [tape.gradient(y, x, output_gradients=upstream) for y in (ours, expected)]
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-6)
