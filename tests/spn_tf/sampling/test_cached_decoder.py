import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.ordering import image_to_slices, to_slices
from spn_tf.sampling.cached_prediction import CachedPrediction
from spn_tf.sampling.cpu_kernels import CpuKernels, few_rows, tiled_cache
from spn_tf.sampling.decode import decode
from spn_tf.sampling.plain_kernels import PlainKernels
from tests.spn_tf.random_networks import (
    ABSOLUTE_MIXTURE,
    ANCHORED,
    GATED_PIXELCNN,
    IMAGE_TRANSFORMER,
    MIXTURE,
    PARALLEL,
    PIXELSNAIL,
    RELATIVE,
    random_network,
)


class _TeacherForcing:
    """A `Chooser` that returns the true intensities and stores the logits."""

    def __init__(self, config, true):
        self._config, self._true = config, true

    def start(self):
        c = self._config
        batch = self._true.shape[0]
        return tf.zeros([batch, c.slice_height, c.slice_width, c.channels, c.classes])

    def start_row(self, row):
        return self._true[:, row]

    def choose(self, kept, true_row, place, logits):
        here = tf.stack([0, *place, 0])
        kept = dynamic_update_slice(kept, logits[:, None, None, None], here)
        return kept, true_row[:, place.column, place.colour]


def _cached(network, kernels=CpuKernels):
    """Returns a compiled function like `network` that computes the logits subpixel by subpixel."""

    @tf.function(jit_compile=True, autograph=False)
    def logits(slices, target, coarse=None):
        interpolated = network.interpolation(slices, target)
        embedding = network.embed(slices, target, coarse, interpolated)
        prediction = None
        if interpolated is not None:
            own_coarse = None if coarse is None else tf.gather(coarse, target, batch_dims=1)
            prediction = CachedPrediction(network.config, target[0], interpolated, own_coarse)
        chooser = _TeacherForcing(network.config, tf.gather(slices, target, batch_dims=1))
        of_device = kernels(network.compute_dtype)
        decoder, batch = network.decoder, slices.shape[0]
        return decode(decoder, embedding, batch, chooser, of_device, prediction)

    return logits


@pytest.mark.parametrize(
    "changes",
    [
        dict(scale=1, channels=3, height=6, width=4, pixelcnn_conv_channels=4),
        dict(scale=1, channels=1, height=4, width=6, attention_ffn="dense", pixelcnn_filter_size=1),
        dict(scale=2, channels=3, height=12, width=8, pixelcnn_filter_size=5),
        dict(scale=4, channels=3, height=12, width=16, pixelcnn_filter_size=1),
        dict(scale=1, channels=3, height=4, width=6, coarse_bits=2),
        dict(scale=2, channels=1, height=8, width=6, coarse_bits=1),
        dict(scale=2, channels=3, height=8, width=6, coarse_bits=2),
        dict(scale=1, channels=3, height=4, width=6, pixelcnn_layers=3, pixelcnn_filter_size=5),
        dict(scale=1, channels=1, height=4, width=6, decoder_attention_channels=40),
        dict(scale=1, channels=3, height=1, width=6, pixelcnn_layers=1, pixelcnn_conv_channels=2),
        dict(scale=1, channels=3, height=4, width=6) | RELATIVE,
        dict(channels=3, height=4, width=6, pixelcnn_filter_size=5) | GATED_PIXELCNN,
        dict(channels=1, height=6, width=4) | GATED_PIXELCNN | MIXTURE,
        dict(channels=3, height=4, width=6) | PIXELSNAIL,
        dict(channels=3, height=4, width=6) | PIXELSNAIL | RELATIVE,
        dict(channels=3, height=4, width=6) | IMAGE_TRANSFORMER | RELATIVE,
        dict(channels=3, height=6, width=4) | IMAGE_TRANSFORMER | MIXTURE,
        dict(channels=3, height=4, width=6) | PARALLEL,
        dict(channels=3, height=4, width=6) | PARALLEL | RELATIVE,
        dict(channels=3, height=4, width=6) | PARALLEL | ABSOLUTE_MIXTURE,
        dict(scale=4, channels=3, height=12, width=16) | MIXTURE,
        dict(scale=2, channels=3, height=8, width=6, coarse_bits=1) | MIXTURE,
        dict(scale=2, channels=3, height=4, width=4) | ABSOLUTE_MIXTURE,
        dict(scale=2, channels=1, height=8, width=6, coarse_bits=2) | RELATIVE,
        dict(scale=2, channels=3, height=8, width=6, coarse_bits=1) | ANCHORED,
    ],
    ids=str,
)
def test_cached_logits_equal_teacher_forced_ones_on_every_slice(changes):
    # Narrower logistics would multiply the error of float32 in their means.
    gain = 1 if "mixture" in changes.get("intensity_distribution", "") else 2
    network = random_network(**dict(bits=3, gain=gain) | changes)
    c = network.config
    images = np.random.default_rng(0).integers(0, 8, [3, c.height, c.width, c.channels])
    slices = to_slices(tf.constant(images, tf.int32), c)
    coarse = slices // c.classes if c.coarse_bits else None
    cached = _cached(network)
    numbers = {0, c.scale**2 // 2, c.scale**2 - 1}
    for number in numbers - {0} if c.system == "parallel_multiscale" else numbers:
        target = tf.fill([3], number)
        expected = network(slices, target, coarse)
        np.testing.assert_allclose(cached(slices, target, coarse), expected, rtol=1e-4, atol=2e-4)
        assert np.ptp(expected) > 1  # the logits differ


@pytest.mark.parametrize(("chunk", "width"), [(64, 3), (64, 20), (192, 12), (512, 20)])
def test_the_cache_is_read_in_chunks_of_several_sizes(chunk, width, monkeypatch):
    monkeypatch.setattr(tiled_cache, "_CHUNK_BYTES", chunk)
    network = random_network(bits=2, scale=1, channels=1, height=12, width=width)
    images = tf.constant(np.random.default_rng(0).integers(0, 4, [2, 12, width, 1]), tf.int32)
    slices = image_to_slices(images, 1)
    target = tf.zeros([2], tf.int32)
    expected = network(slices, target)
    np.testing.assert_allclose(_cached(network)(slices, target), expected, atol=2e-4)


@pytest.mark.parametrize("batch", [1, 8])
def test_cached_logits_equal_teacher_forced_ones_of_one_image_and_of_many(batch, monkeypatch):
    monkeypatch.setattr(few_rows, "_LARGE", 1000)
    network = random_network(bits=3, scale=2, channels=3, height=8, width=12)
    images = np.random.default_rng(0).integers(0, 8, [batch, 8, 12, 3])
    slices, target = image_to_slices(tf.constant(images, tf.int32), 2), tf.fill([batch], 2)
    np.testing.assert_allclose(_cached(network)(slices, target), network(slices, target), atol=2e-4)


@pytest.mark.parametrize(
    "changes",
    [
        dict(scale=2, attention_ffn="dense"),
        dict(scale=2, attention_ffn="parameter_attention"),
        PIXELSNAIL,
        IMAGE_TRANSFORMER,
    ],
    ids=str,
)
def test_plain_kernels_give_teacher_forced_logits_as_well(changes):
    network = random_network(bits=3, channels=3, height=8, width=12, **changes)
    c = network.config
    images = np.random.default_rng(0).integers(0, 8, [2, 8, 12, 3])
    slices = to_slices(tf.constant(images, tf.int32), c)
    target = tf.fill([2], c.scale**2 - 1)
    cached = _cached(network, PlainKernels)
    np.testing.assert_allclose(cached(slices, target), network(slices, target), atol=2e-4)


@pytest.mark.parametrize(
    ("batch", "kernels"), [(1, CpuKernels), (2, CpuKernels), (2, PlainKernels)]
)
def test_bfloat16_logits_agree_to_its_precision(batch, kernels, monkeypatch):
    monkeypatch.setattr(few_rows, "_LARGE", 0)
    changes = dict(bits=3, scale=2, channels=3, height=8, width=8)
    networks = [random_network(dtype=d, **changes) for d in ("float32", "mixed_bfloat16")]
    images = tf.constant(np.random.default_rng(0).integers(0, 8, [batch, 8, 8, 3]), tf.int32)
    slices = image_to_slices(images, 2)
    target = tf.fill([batch], 3)
    exact, plain = (network(slices, target).numpy() for network in networks)
    cached = _cached(networks[1], kernels)(slices, target).numpy()
    # The cache's error is at most that of plain bfloat16 arithmetic.
    assert np.abs(cached - exact).mean() < 1.5 * np.abs(plain - exact).mean()


@pytest.mark.parametrize("kernels", [CpuKernels, PlainKernels])
def test_in_bfloat16_keys_and_values_take_half_the_memory(kernels):
    def size(dtype):
        memory = kernels(dtype).key_value_cache(heads=2, channels=6, height=16, width=12)
        kept = [x for x in memory.start(batch=1) if x.shape[2] != 12]  # not a current row's keys
        return sum(x.dtype.size * x.shape.num_elements() for x in kept)

    assert size("bfloat16") == size("float32") / 2
