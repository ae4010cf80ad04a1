import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf import xla_ops
from cascade_tf.strategies import make_strategy
from spn_tf.sampling import UNKNOWN, Sampler, plain_sample, sampler
from spn_tf.sampling.cpu_kernels import CpuKernels
from spn_tf.sampling.plain_kernels import PlainKernels
from spn_tf.sampling.sampler import count_parts
from tests.spn_tf.random_networks import (
    GATED_PIXELCNN,
    IMAGE_TRANSFORMER,
    MIXTURE,
    PARALLEL,
    PIXELSNAIL,
    RELATIVE,
    SHALLOW,
    SOFTMAX,
    all_images,
    all_images_of,
    random_network,
)


def _soft_network(**changes):
    """A random network in which no intensity has a probability near 0 or 1."""
    network = random_network(**changes)
    for weight in [w for w in network.decoder.weights if "/logits/" in w.path]:
        weight.assign(0.3 * weight)
    return network


def _draw(network, count):
    sampler = Sampler(network, stream="test")
    return sampler.sample(tf.range(count, dtype=tf.int64), tf.constant(0), tf.constant(1.0)).numpy()


def _assert_drawn_from(observed, probabilities):
    """Chi-square test with cells of small expectation merged and a normal tail approximation."""
    expected = probabilities / probabilities.sum() * observed.sum()
    rare = expected < 10
    cells = [(observed[~rare], expected[~rare])]
    if rare.any():
        cells.append(([observed[rare].sum()], [expected[rare].sum()]))
    o, e = (np.concatenate(part) for part in zip(*cells, strict=True))
    statistic, freedom = ((o - e) ** 2 / e).sum(), len(e) - 1
    assert freedom >= 5
    assert statistic < freedom + 4 * np.sqrt(2 * freedom) + 4


def _numbers(images, bits):
    """Index of each image in `all_images`."""
    flat = np.reshape(images, [len(images), -1])
    return (flat * (2**bits) ** np.arange(flat.shape[1])).sum(axis=1)


def _probabilities(nats):
    return np.exp(-np.asarray(nats, np.float64))


@pytest.mark.parametrize(
    "changes",
    [
        dict(height=2, width=2, channels=1, bits=1, scale=2),
        dict(height=2, width=2, channels=1, bits=1, scale=1),
        dict(height=1, width=2, channels=3, bits=1, scale=1) | RELATIVE,
        dict(height=2, width=2, channels=1, bits=2) | GATED_PIXELCNN,
        dict(height=1, width=2, channels=3, bits=1) | PIXELSNAIL | SOFTMAX,
        dict(height=2, width=2, channels=1, bits=2) | IMAGE_TRANSFORMER,
        dict(height=2, width=2, channels=1, bits=2, scale=2) | MIXTURE,
    ],
    ids=str,
)
def test_samples_follow_the_enumerated_probabilities(changes):
    network = _soft_network(**changes)
    bits, images = network.config.bits, all_images_of(network.config)
    observed = np.bincount(_numbers(_draw(network, 20_000), bits), minlength=len(images))
    _assert_drawn_from(observed, _probabilities(network.image_nats(images)))


@pytest.mark.parametrize("scale", [1, 2])
def test_further_bits_follow_their_probabilities_given_the_coarse_image(scale):
    network = _soft_network(height=2, width=2, channels=1, bits=3, coarse_bits=1, scale=scale)
    coarse = tf.constant([[[[1], [0]], [[0], [1]]]])
    images = coarse * 4 + all_images(2, 2, 1, 2)
    sampler = Sampler(network, stream="test")
    count = 20_000
    drawn = sampler.sample(
        tf.range(count, dtype=tf.int64),
        tf.constant(0),
        tf.constant(1.0),
        coarse=tf.repeat(coarse, count, axis=0),
    )
    np.testing.assert_array_equal(drawn // 4, np.repeat(coarse, count, axis=0))
    observed = np.bincount(_numbers(drawn.numpy() % 4, 2), minlength=len(images))
    _assert_drawn_from(observed, _probabilities(network.image_nats(images)))


def test_samples_follow_the_probabilities_conditioned_on_known_intensities():
    """The two pixels of slice 0 of 4x2 are known, so the rest is drawn from p(rest | slice 0)."""
    network = _soft_network(height=4, width=2, channels=1, bits=1, scale=2)
    images = all_images(4, 2, 1, 1)
    first_slice = images.numpy()[:, ::2, ::2].reshape(-1, 2)
    images = images[(first_slice == [1, 0]).all(axis=1)]
    known = np.full([1, 4, 2, 1], UNKNOWN)
    known[0, ::2, 0, 0] = 1, 0
    sampler = Sampler(network, stream="test")
    count = 20_000
    drawn = sampler.sample(
        tf.range(count, dtype=tf.int64),
        tf.constant(0),
        tf.constant(1.0),
        known=tf.constant(known.repeat(count, axis=0), tf.int32),
    ).numpy()
    numbers, places = _numbers(drawn, 1), _numbers(images.numpy(), 1)
    assert set(numbers) <= set(places)
    observed = np.array([(numbers == place).sum() for place in places])
    _assert_drawn_from(observed, _probabilities(network.image_nats(images)))


def test_samplers_of_different_streams_do_not_share_noise():
    network = _soft_network(height=4, width=4, channels=1, bits=3, scale=2)
    drawn = [
        Sampler(network, stream).sample(
            tf.range(20, dtype=tf.int64), tf.constant(0), tf.constant(1.0)
        )
        for stream in ("one", "other")
    ]
    assert (drawn[0] != drawn[1]).numpy().mean() > 0.5


def test_temperature_sharpens_and_zero_takes_the_likeliest():
    network = _soft_network(height=1, width=1, channels=1, bits=2, scale=1)
    probability = np.exp(-network.image_nats(all_images(1, 1, 1, 2)).numpy())
    sampler = Sampler(network, stream="test")

    def draw(temperature):
        indices = tf.range(20_000, dtype=tf.int64)
        return sampler.sample(indices, tf.constant(0), tf.constant(temperature)).numpy()

    for temperature in (0.5, 1.0, 2.0):
        expected = probability ** (1 / temperature)
        expected /= expected.sum()
        samples = draw(temperature)
        np.testing.assert_allclose(
            np.bincount(samples.ravel(), minlength=4) / 20_000, expected, atol=0.02
        )
    assert (draw(0.0) == probability.argmax()).all()


def test_a_sample_depends_only_on_seed_and_index():
    network = random_network(height=4, width=4, channels=3, bits=3, scale=2)
    sampler = Sampler(network, stream="test")

    def draw(indices, seed):
        return sampler.sample(
            tf.constant(indices, tf.int64), tf.constant(seed), tf.constant(1.0)
        ).numpy()

    together = draw([0, 1, 2, 7], seed=3)
    np.testing.assert_array_equal(together, draw([0, 1, 2, 7], seed=3))
    np.testing.assert_array_equal(together[[3, 1]], draw([7, 1, 8, 9], seed=3)[:2])
    assert (together != draw([0, 1, 2, 7], seed=4)).any(axis=(1, 2, 3)).all()
    assert (together[0] != together[1]).any()


def test_another_seed_or_temperature_is_not_traced_again():
    network = _soft_network(height=2, width=2, channels=1, bits=3, scale=1)
    sampler = Sampler(network, stream="test")
    first = sampler.sample(range(8))
    assert (first != sampler.sample([*range(8)], seed=1)).numpy().any()
    for seed, temperature in ((0, 1), (np.int64(0), np.float64(1)), (tf.constant(0), 1.0)):
        again = sampler.sample(np.arange(8), seed, temperature)
        np.testing.assert_array_equal(first, again)
    sampler.sample(tf.range(8), seed=7, temperature=0.5)  # int32 indices
    assert sampler._compiled_decode.experimental_get_tracing_count() == 1


def test_graph_and_eager_loops_agree_and_every_slice_is_reported():
    network = random_network(height=4, width=6, channels=1, bits=3, scale=2)
    sampler = Sampler(network, stream="test")
    arguments = (tf.range(3, dtype=tf.int64), tf.constant(5), tf.constant(0.9))
    slices = []
    eager = sampler.sample(*arguments, on_slice=lambda: slices.append(1))
    np.testing.assert_array_equal(eager, tf.function(sampler.sample, autograph=False)(*arguments))
    assert len(slices) == 4


@pytest.mark.parametrize(
    ("changes", "indices"),
    [
        (dict(scale=1, channels=1, num_classes=3), [4]),
        (dict(scale=2, channels=3, num_classes=10), [4, 0, 9]),
        (dict(scale=2, coarse_bits=1), [4, 0, 9]),
        (dict(num_classes=3) | GATED_PIXELCNN, [4, 0, 9]),
        (dict(num_classes=3, channels=3) | PIXELSNAIL, [4, 0, 9]),
        (dict(num_classes=3, channels=3) | IMAGE_TRANSFORMER, [4, 0, 9]),
        (dict(num_classes=3, channels=3) | PARALLEL, [4, 0, 9]),
    ],
)
def test_samples_equal_those_of_the_plain_sampler(changes, indices):
    network = random_network(**(dict(height=4, width=6, channels=1, bits=3) | changes))
    c = network.config
    rng = np.random.default_rng(0)
    shape = [len(indices), c.height, c.width, c.channels]
    known = rng.integers(0, c.levels, shape)
    coarse = tf.constant(known // c.classes, tf.int32) if c.coarse_bits else None
    known = tf.constant(np.where(rng.random(shape) < 0.8, UNKNOWN, known), tf.int32)
    arguments = (tf.constant(indices, tf.int64), tf.constant(5), tf.constant(0.9), coarse, known)
    labels = None if c.num_classes == 1 else np.array(indices) % c.num_classes
    expected = plain_sample(network, "test", *arguments, labels=labels)
    # test_cached_decoder.py has the plain kernels of the other decoders.
    for kernels in (CpuKernels, PlainKernels) if c.system == "spn" else (CpuKernels,):
        drawn = Sampler(network, "test", kernels("float32")).sample(*arguments, labels=labels)
        np.testing.assert_array_equal(drawn, expected)


def test_only_cpus_use_the_layouts_for_cpus(monkeypatch):
    assert isinstance(sampler.kernels_of_this_machine("float32"), CpuKernels)
    monkeypatch.setattr(sampler, "has_accelerators", lambda: True)
    assert isinstance(sampler.kernels_of_this_machine("float32"), PlainKernels)


def test_samples_are_the_same_in_a_tensorflow_without_the_private_modules(monkeypatch, caplog):
    network = random_network(**SHALLOW | dict(height=2, width=3, channels=3, bits=3, scale=1))
    expected = plain_sample(network, "test", range(3))
    monkeypatch.setitem(sys.modules, "tensorflow.compiler.tf2xla.python.xla", None)
    xla_ops.warn_of_missing_ops.cache_clear()
    samplers = [Sampler(network, "test") for _ in range(2)]
    assert isinstance(samplers[0]._kernels, PlainKernels)
    np.testing.assert_array_equal(samplers[0].sample(range(3)), expected)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "lacks dynamic_update_slice, optimization_barrier, dot_general: sampling" in line


def test_known_slices_are_not_computed():
    network = random_network(height=4, width=4, channels=1, bits=2, scale=2)
    sampler = Sampler(network, stream="test")
    arguments = (tf.range(2, dtype=tf.int64), tf.constant(5), tf.constant(1.0), None)
    whole = sampler.sample(*arguments)
    sampler._compiled_fill_slice = None
    np.testing.assert_array_equal(sampler.sample(*arguments, known=whole), whole)


def test_two_replicas_draw_the_same_samples_as_one():
    count = 3  # not divisible by two
    strategy = make_strategy("mirrored")
    assert strategy.num_replicas_in_sync == 2
    changes = dict(height=4, width=4, channels=1, bits=2, coarse_bits=1, scale=2)
    with strategy.scope():
        spread = Sampler(random_network(**changes), stream="test")
    keras.utils.set_random_seed(0)  # the same initial weights as above
    alone = Sampler(random_network(**changes), stream="test")
    coarse = tf.constant(np.random.default_rng(0).integers(0, 2, [count, 4, 4, 1]), tf.int32)
    arguments = (tf.range(count, dtype=tf.int64), tf.constant(5), tf.constant(1.0), coarse)
    np.testing.assert_array_equal(spread.sample(*arguments), alone.sample(*arguments))


def test_parts_sampled_in_parallel_equal_the_whole_batch(monkeypatch):
    network = random_network(height=4, width=4, channels=1, bits=3, coarse_bits=1, scale=2)
    count = 7  # not divisible by three
    rng = np.random.default_rng(0)
    coarse = tf.constant(rng.integers(0, 2, [count, 4, 4, 1]), tf.int32)
    arguments = (tf.range(count, dtype=tf.int64), tf.constant(5), tf.constant(1.0), coarse)
    traced, decode = [], Sampler._decode

    def counting_decode(self, pixels, *others):
        traced.append(pixels.shape[0])
        return decode(self, pixels, *others)

    monkeypatch.setattr(Sampler, "_decode", counting_decode)
    drawn = []
    for cores in (1, 3):
        sampler = Sampler(network, stream="test")
        sampler._cores = cores
        drawn.append(sampler.sample(*arguments))
    assert traced == [7, 3]  # one program per sampler, for the images of a part
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize(
    "batch,weights,cores,parts",
    [
        (16, 1_000_000, 1, 1),
        (16, 1_000_000, 2, 2),
        (1, 1_000_000, 2, 1),
        (3, 1_000_000, 2, 2),
        (5, 1_000_000, 4, 3),  # 2, 2 and 1: four parts would take as long
        (3, 30_000_000, 2, 1),  # a part of one image would read 30 million weights
        (4, 30_000_000, 2, 2),
        (64, 30_000_000, 64, 32),
    ],
)
def test_a_batch_has_parts_for_all_cores_unless_weights_outweigh_its_images(
    batch, weights, cores, parts
):
    assert count_parts(batch, weights, cores) == parts
