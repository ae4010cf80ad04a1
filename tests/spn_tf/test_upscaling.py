import dataclasses
import functools
import math

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from cascade_tf.errors import SettingError
from cascade_tf.examples import Examples
from cascade_tf.sample_request import SampleRequest
from spn_tf.bit_depth import quantize
from spn_tf.config import SPNConfig
from spn_tf.given_pictures import accepted_sizes, known_targets, spread
from spn_tf.ordering import image_to_slices
from spn_tf.sampling import UNKNOWN
from spn_tf.stages import make_stages
from spn_tf.training_config import SPNTrainingConfig
from spn_tf.upscaling import UpscalingConfig
from tests.spn_tf.random_networks import SHALLOW, randomize

CONFIG = SPNConfig(**SHALLOW, height=6, width=8, channels=3, bits=8, scale=2)
RNG = np.random.default_rng(0)


@functools.cache  # many tests share one trace
def _stages(upscaling, bits=8, coarse_bits=(3,), config=CONFIG, **training):
    config = dataclasses.replace(config, bits=bits)
    upscaling = UpscalingConfig(upscaling, coarse_bits)
    stages = make_stages(upscaling, config, SPNTrainingConfig(**training))
    for stage in stages:
        stage.build()
        randomize(stage.network)
    return stages


def _images(count=3):
    return tf.constant(RNG.integers(0, 256, [count, 6, 8, 3]), tf.uint8)


def _sample(stages, count, seed=0, known=None):
    return sample_cascade(stages, SampleRequest(count, seed), known=known)


@pytest.mark.parametrize(
    "upscaling,coarse_bits,expected",
    [
        ("none", (3,), [("spn", 8, 0)]),
        ("size", (3,), [("slice", 8, 0), ("size", 8, 0)]),
        ("depth", (3,), [("spn", 3, 0), ("depth", 8, 3)]),
        ("depth", (1, 3), [("spn", 1, 0), ("depth3", 3, 1), ("depth8", 8, 3)]),
        ("multidimensional", (3,), [("slice", 3, 0), ("size", 3, 0), ("depth", 8, 3)]),
    ],
)
def test_steps_of_each_upscaling(upscaling, coarse_bits, expected):
    steps = UpscalingConfig(upscaling, coarse_bits).steps(bits=8, scale=2)
    assert [(step.name, step.bits, step.coarse_bits) for step in steps] == expected


@pytest.mark.parametrize(
    "coarse_bits,bits", [((3,), 3), ((5, 3), 8), ((), 8), ((0,), 8), ((3,), 9)]
)
def test_bits_that_do_not_increase_are_refused(coarse_bits, bits):
    with pytest.raises(SettingError, match="coarse_bits"):
        UpscalingConfig("depth", coarse_bits).steps(bits, scale=2)


def test_size_upscaling_needs_slices():
    with pytest.raises(SettingError, match="scale=1"):
        UpscalingConfig("size").steps(8, scale=1)


def test_each_stage_has_its_own_target():
    images = _images()
    slice_, size, depth = _stages("multidimensional")
    np.testing.assert_array_equal(slice_.target(images), images.numpy()[:, ::2, ::2] >> 5)
    np.testing.assert_array_equal(size.target(images), images.numpy() >> 5)
    np.testing.assert_array_equal(depth.target(images), images)
    assert slice_.network.embedder is None  # it is a decoder without an embedder
    assert depth.config.classes == 2**5


def test_bits_per_dim_are_of_the_whole_image():
    for stage in _stages("multidimensional"):
        assert stage.bits_per_dim(6 * 8 * 3 * math.log(2)) == pytest.approx(1)


def test_a_size_stage_adds_the_slices_after_the_first():
    _, size = _stages("size")
    images = _images()
    nats = size.network.all_slice_nats(size.target(images)).numpy()
    np.testing.assert_allclose(-size.log_prob(images), nats[:, 1:].sum(axis=1), rtol=1e-5)
    figures = size.evaluate_step(Examples(images, None, None))
    np.testing.assert_allclose(figures["nats"], nats[:, 1:].sum(axis=1), rtol=1e-5)
    whole = nats.sum(axis=1) / (6 * 8 * 3 * math.log(2))
    np.testing.assert_allclose(figures["bits_per_dim"], whole, rtol=1e-5)


@pytest.mark.parametrize("positions", ["first", "all"])
def test_a_slice_stage_trains_on_slices_of_the_chosen_positions(positions):
    stage, _ = _stages("size", slice_positions=positions)
    count = 64
    image = _images(1)
    examples = Examples(
        tf.repeat(image, count, axis=0), tf.zeros([count]), tf.range(count, dtype=tf.int64)
    )
    nats, _ = stage._gradients(examples)
    by_slice = [
        float(stage.network.image_nats(tf.cast(part[None], tf.int32))[0])
        for part in image_to_slices(image, 2)[0]
    ]
    expected = by_slice if positions == "all" else by_slice[:1]
    np.testing.assert_allclose(np.unique(nats.numpy().round(2)), np.sort(expected), atol=0.02)


def test_a_sample_contains_the_samples_of_the_stages_before():
    slice_, size, middle, image = _sample(_stages("multidimensional", coarse_bits=(2, 5)), 4)
    np.testing.assert_array_equal(size[:, ::2, ::2], slice_)
    np.testing.assert_array_equal(middle // 2**3, size)
    np.testing.assert_array_equal(image // 2**3, middle)
    assert len(np.unique(image.numpy() % 2**3)) == 8  # the further bits are drawn
    assert slice_.numpy().max() < 4 and middle.numpy().max() < 2**5


def test_spread_leaves_room_between_the_pixels():
    small = tf.constant(RNG.integers(0, 256, [2, 3, 4, 3]), tf.uint8)
    images = spread(small, 6, 8).numpy()
    np.testing.assert_array_equal(images[:, ::2, ::2], small)
    images[:, ::2, ::2] = UNKNOWN
    assert (images == UNKNOWN).all()


@pytest.mark.parametrize("upscaling", ["none", "size", "depth", "multidimensional"])
def test_a_small_image_keeps_its_pixels_at_all_bits(upscaling):
    stages = _stages(upscaling)
    assert accepted_sizes(stages)[3, 4] == 8
    inputs = tf.constant(RNG.integers(0, 256, [4, 3, 4, 3]), tf.uint8)
    known = known_targets(stages, spread(inputs, 6, 8), tf.constant(8))
    image = _sample(stages, 4, known=known)[-1].numpy()
    np.testing.assert_array_equal(image[:, ::2, ::2], inputs)
    assert len(np.unique(image[:, 1::2])) > 30


@pytest.mark.parametrize("upscaling", ["depth", "multidimensional"])
def test_an_image_of_full_size_keeps_its_coarse_bits(upscaling):
    stages = _stages(upscaling, coarse_bits=(1, 3))
    assert accepted_sizes(stages) == {(3, 4): 8, (6, 8): 3}
    inputs = _images(4)
    known = known_targets(stages, spread(inputs, 6, 8), tf.constant(3))
    *_, coarse, image = _sample(stages, 4, known=known)
    np.testing.assert_array_equal(coarse, quantize(inputs, 3))
    np.testing.assert_array_equal(quantize(image, 3), quantize(inputs, 3))
    assert (image.numpy() != inputs.numpy()).mean() > 0.5


def test_depth_upscaling_without_slices():
    config = SPNConfig(**SHALLOW, height=3, width=4, channels=3, bits=8, scale=1)
    stages = _stages("depth", config=config)
    inputs = tf.constant(RNG.integers(0, 256, [3, 3, 4, 3]), tf.uint8)
    coarse, image = _sample(stages, 3)
    np.testing.assert_array_equal(image // 2**5, coarse)
    known = known_targets(stages, spread(inputs, 3, 4), tf.constant(3))
    coarse, image = _sample(stages, 3, known=known)
    np.testing.assert_array_equal(coarse, quantize(inputs, 3))
    np.testing.assert_array_equal(image // 2**5, coarse)


def test_stages_have_noise_of_their_own():
    """Stages with equal networks still draw different noise."""
    spn, depth3, depth8 = _stages("depth", bits=3, coarse_bits=(1, 2))
    assert len({stage.sampler._stream for stage in (spn, depth3, depth8)}) == 3


def test_known_images_of_a_batch_may_have_different_bits():
    stages = _stages("depth", coarse_bits=(1, 3))
    inputs = tf.repeat(_images(1), 2, axis=0)
    known = known_targets(stages, spread(inputs, 6, 8), tf.constant([1, 3]))
    image = _sample(stages, 2, known=known)[-1]
    np.testing.assert_array_equal(quantize(image, 1), quantize(inputs, 1))
    np.testing.assert_array_equal(quantize(image, 3)[1], quantize(inputs, 3)[1])
    assert (quantize(image, 3)[0] != quantize(inputs, 3)[0]).numpy().any()


def test_a_decoder_baseline_upscales_nothing():
    config = SPNConfig(**SHALLOW, height=2, width=2, channels=1, scale=1)
    assert accepted_sizes(_stages("none", config=config)) == {}
    assert accepted_sizes(_stages("depth", config=config)) == {(2, 2): 3}
