import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from cascade_tf.errors import UserError
from cascade_tf.sample_request import SampleRequest
from tests.spn_tf.random_networks import randomize
from tests.wavelet_tf.vqvae2.small_vqvae2 import SMALL, autoencoder, digits, prior
from wavelet_tf.vqvae2.code_maps import parted
from wavelet_tf.vqvae2.model import VQVAE2Model
from wavelet_tf.vqvae2.priors import require_codes_of_the_autoencoder


@pytest.fixture(scope="module")
def stages():
    """Top and bottom with ten classes, and their autoencoder; none is trained."""
    last = autoencoder()
    last.build()
    made = [prior("top", 10), prior("bottom", 10)]
    for stage in made:
        stage.build()
        randomize(stage.model.network, gain=0.5)
        stage.load_needed = {"autoencoder": last}.get
        stage.prepare(None)
    return [*made, last]


def test_targets_are_the_autoencoders_codes(stages):
    top, bottom, last = stages
    images = digits().images
    codes = last.encode(images)
    np.testing.assert_array_equal(bottom.target(images), codes)
    np.testing.assert_array_equal(top.target(images)[..., 0], parted(codes)[0])
    np.testing.assert_array_equal(bottom.condition(images), top.target(images))
    assert top.condition(images) is None and top.image_shape == (32, 32, 1)


def test_a_step_learns_the_codes_and_leaves_the_autoencoder(stages):
    bottom, examples = stages[1], digits()
    before = [w.numpy() for w in bottom.autoencoder.weights]
    step = tf.function(bottom.train_step, autograph=False)
    bits = [float(step(examples, tf.constant(n, tf.int64))["bits_per_dim"]) for n in range(20)]
    assert bits[-1] < 0.8 * bits[0]
    for weight, value in zip(bottom.autoencoder.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    figures = bottom.evaluate_step(examples)
    in_bits = figures["nats"] / np.log(2) / SMALL.bottom_size**2
    np.testing.assert_allclose(figures["bits_per_dim"], in_bits, rtol=1e-5)
    trainable = sum(int(np.prod(w.shape)) for w in bottom.model.network.trainable_weights)
    assert bottom.parameters() == trainable


def test_samples_of_the_cascade_depend_on_the_class_and_on_the_top_codes(stages):
    def sampled(label):
        request = SampleRequest(4, labels=tf.fill([4], label))
        return sample_cascade(stages, request)

    (top, both, images), (other, _, _) = sampled(3), sampled(7)
    assert images.shape == (4, 32, 32, 1) and np.any(top != other)
    np.testing.assert_array_equal(parted(both)[0], top[..., 0])
    assert [stage.to_images(x).shape for stage, x in zip(stages, (top, both), strict=False)] == [
        (4, 4, 4, 1),
        (4, 8, 8, 1),
    ]
    with pytest.raises(ValueError, match="condition: the bottom codes need the top codes"):
        stages[1].sample(SampleRequest(1, labels=tf.constant([0])))


def test_in_python_images_are_sampled_encoded_and_decoded(stages):
    model = VQVAE2Model(stages, batch_size=3)
    samples = model.sample(classes=[0, 1, 2, 3], temperature=0.9)
    assert samples.shape == (4, 32, 32, 1) and samples.dtype == np.uint8
    codes = model.encode(samples)
    assert codes.shape == (4, 8, 8, 2)
    np.testing.assert_array_equal(model.encode(samples[1:2]), codes[1:2])
    assert model.decode(codes).shape == samples.shape
    with pytest.raises(ValueError, match="codes: use 0 to 11"):
        model.decode(codes + 12)
    with pytest.raises(ValueError, match="codes: float64"):
        model.decode(codes / 2)
    with pytest.raises(ValueError, match="use top, bottom, autoencoder"):
        VQVAE2Model(stages[1:])


def test_codes_of_another_autoencoder_are_refused(stages):
    other = autoencoder()
    other.build()
    other.autoencoder.top.counts.assign_add(tf.ones([12]))  # as a training step would
    with pytest.raises(UserError, match="stage top was trained on the codes of another"):
        require_codes_of_the_autoencoder([*stages[:2], other])
