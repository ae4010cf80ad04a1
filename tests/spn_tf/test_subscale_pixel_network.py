import math

import numpy as np
import pytest
import tensorflow as tf

from tests.spn_tf.random_networks import random_network


@pytest.mark.parametrize("bits", [1, 5, 8])
@pytest.mark.parametrize("scale", [1, 2])
def test_uniform_logits_give_exactly_bits_bits_per_dim(bits, scale):
    network = random_network(height=4, width=6, channels=3, bits=bits, scale=scale)
    for weight in network.decoder.pixelcnn.logits.weights:
        weight.assign(tf.zeros_like(weight))
    images = tf.random.uniform([5, 4, 6, 3], 0, 2**bits, tf.int32)
    nats = network.image_nats(images)
    np.testing.assert_allclose(nats / (4 * 6 * 3 * math.log(2)), bits, rtol=1e-6)


def test_image_nats_are_the_sum_over_all_slices():
    network = random_network(height=4, width=6, channels=3, bits=2, scale=2)
    images = tf.random.uniform([5, 4, 6, 3], 0, 4, tf.int32)
    by_slice = [network.slice_nats(images, tf.fill([5], m)) for m in range(4)]
    np.testing.assert_allclose(network.image_nats(images), sum(by_slice), rtol=1e-5)


def test_the_embedding_depends_only_on_slices_before_the_target():
    network = random_network(height=4, width=6, channels=3, bits=2, scale=2)
    slices = tf.random.uniform([1, 4, 2, 3, 3], 0, 4, tf.int32)
    other = tf.concat([slices[:, :2], (slices[:, 2:] + 1) % 4], axis=1)
    target = tf.constant([2])
    np.testing.assert_array_equal(network.embed(slices, target), network.embed(other, target))


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 1, "num_classes": 3},
        {"scale": 2},
        {"coarse_bits": 1, "scale": 1},
        {"coarse_bits": 1, "scale": 2, "num_classes": 3},
    ],
)
def test_every_weight_has_a_gradient(change):
    network = random_network(**({"height": 6, "width": 6, "channels": 3, "bits": 2} | change))
    slices = network.config.scale**2
    images = tf.random.uniform([8, 6, 6, 3], 0, 4, tf.int32)
    with tf.GradientTape() as tape:
        labels = tf.range(8) % network.config.num_classes
        nats = tf.reduce_sum(network.slice_nats(images, tf.range(8) % slices, labels=labels))
    for weight, gradient in zip(
        network.trainable_variables,
        tape.gradient(nats, network.trainable_variables),
        strict=True,
    ):
        assert gradient is not None, weight.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, weight.path


@pytest.mark.parametrize("scale", [1, 2])
def test_a_depth_network_models_only_the_further_bits(scale):
    network = random_network(height=4, width=6, channels=3, bits=5, coarse_bits=2, scale=scale)
    for weight in network.decoder.pixelcnn.logits.weights:
        weight.assign(tf.zeros_like(weight))
    images = tf.random.uniform([5, 4, 6, 3], 0, 32, tf.int32)
    nats = network.image_nats(images)
    np.testing.assert_allclose(nats / (4 * 6 * 3 * math.log(2)), 5 - 2, rtol=1e-6)


@pytest.mark.parametrize("change", [{"scale": 1}, {"scale": 2}, {"scale": 1, "coarse_bits": 1}])
def test_log_prob_takes_8_bit_images_at_the_network_s_depth(change):
    network = random_network(height=4, width=6, channels=3, bits=3, **change)
    images = tf.cast(tf.random.uniform([2, 4, 6, 3], 0, 256, tf.int32), tf.uint8)
    log_prob = network.log_prob(images)
    assert log_prob.shape == (2,) and log_prob.dtype == tf.float32
    assert np.all(log_prob < 0)
    np.testing.assert_array_equal(log_prob, -network.image_nats(images // 32))


def test_images_of_wrong_range_type_or_shape_are_refused():
    network = random_network(height=4, width=6, channels=3, bits=3, scale=1)
    images = np.full([2, 4, 6, 3], 217, np.uint8)
    with pytest.raises(
        ValueError, match=r"from 217 to 217; at 3 bits the range is 0 to 7.* use log_prob"
    ):
        network.image_nats(images)
    with pytest.raises(ValueError, match="intensities from -1 to 0"):
        network.image_nats(np.minimum(np.arange(-1, 143), 0).reshape(2, 4, 6, 3))
    with pytest.raises(ValueError, match=r"int32 \(2, 4, 6, 3\); use uint8 \[None, 4, 6, 3\]"):
        network.log_prob(images.astype(np.int32))
    with pytest.raises(ValueError, match=r"uint8 \(2, 4, 4, 3\); use"):
        network.log_prob(images[:, :, :4])
