import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import SettingError
from cascade_tf.sample_request import SampleRequest
from spn_tf.gated_pixelcnn_config import GatedPixelCNNConfig
from spn_tf.model import SPNModel
from spn_tf.ordering import to_slices
from spn_tf.parallel_multiscale.config import MultiscaleConfig, ParallelConfig
from spn_tf.parallel_multiscale.multiscale_stage import MultiscaleStage
from spn_tf.training_config import LikelihoodTrainingConfig
from tests.spn_tf.random_networks import (
    ABSOLUTE_MIXTURE,
    PARALLEL,
    RELATIVE,
    all_images,
    random_network,
    randomize,
    tiny_config,
)


@pytest.mark.parametrize("changes", [{}, RELATIVE, ABSOLUTE_MIXTURE], ids=str)
def test_a_group_depends_on_groups_before_and_on_earlier_colours_alone(changes):
    sizes = dict(height=4, width=4, channels=3, bits=3, embedder_residual_channels=48)
    network = random_network(dtype="float64", **sizes | PARALLEL | changes)
    image = np.random.default_rng(1).integers(0, 8, 48)
    images = np.repeat(image[None], 49, axis=0)
    images[np.arange(48), np.arange(48)] = (image + 4) % 8
    slices = to_slices(tf.constant(images.reshape(-1, 4, 4, 3), tf.int32), network.config)
    order = to_slices(tf.reshape(tf.range(48), [1, 4, 4, 3]), network.config).numpy().reshape(-1)
    logits = [network(slices, tf.fill([49], group)).numpy() for group in (1, 2, 3)]
    logits = np.stack(logits, axis=1).reshape(49, 36, -1)
    change = np.abs(logits[order] - logits[-1]).max(axis=-1)  # [changed, subpixel of groups 1 to 3]
    pixel, colour = np.arange(48) // 3, np.arange(48) % 3
    group = pixel // 4
    same_pixel = (pixel[:, None] == pixel) & (colour[:, None] < colour)
    seen = ((group[:, None] < group) | same_pixel)[:, 12:]
    assert change[~seen].max() == 0
    assert change[seen].min() > 1e-11


def _stages(image_size, **changes):
    multiscale, training = MultiscaleConfig(base_size=1), LikelihoodTrainingConfig()
    stages = []
    for size in multiscale.sizes(image_size):
        system = "gated_pixelcnn" if size == 1 else "parallel_multiscale"
        config = tiny_config(system, height=size, width=size, **changes)
        name = f"up{size}" if stages else "base"
        stages.append(MultiscaleStage(name, multiscale, config, training, image_size))
        stages[-1].build()
        randomize(stages[-1].network, seed=size)
    return stages


def test_all_stages_together_have_total_probability_one():
    model = SPNModel(_stages(4, channels=1, bits=1))
    nats = -model.log_prob(all_images(4, 4, 1, 1).numpy().astype(np.uint8) * 128)
    assert nats.std() > 0.1 and len(nats) == 2**16
    assert abs(np.exp(-nats.astype(np.float64)).sum() - 1) < 1e-4
    model = SPNModel(_stages(2, channels=1, bits=3))
    nats = -model.log_prob(all_images(2, 2, 1, 3).numpy().astype(np.uint8) * 32)
    assert abs(np.exp(-nats.astype(np.float64)).sum() - 1) < 1e-4


def test_samples_of_all_stages_follow_the_enumerated_probabilities():
    model = SPNModel(_stages(2, channels=1, bits=1), batch_size=20_000)
    images = all_images(2, 2, 1, 1).numpy().astype(np.uint8) * 128
    expected = 20_000 * np.exp(model.log_prob(images).astype(np.float64))
    drawn = model.sample(20_000, seed=3).reshape(-1, 4) // 128 @ 2 ** np.arange(4)
    observed = np.bincount(drawn, minlength=16)
    assert ((observed - expected) ** 2 / expected).sum() < 37.7  # chi-square, 15, p = 0.001


@pytest.mark.parametrize("side", [1, 2])
def test_images_of_any_stage_are_upscaled_and_keep_their_pixels(side):
    model = SPNModel(_stages(4, channels=3, bits=8))
    small = np.random.default_rng(0).integers(0, 256, [3, side, side, 3]).astype(np.uint8)
    large = model.upscale(small, seed=1)
    np.testing.assert_array_equal(large[:, :: 4 // side, :: 4 // side], small)
    assert (model.upscale(small, seed=2) != large).any()


def test_archives_hold_pictures_of_any_size():
    model = SPNModel(_stages(4, channels=3, bits=8))
    image = np.random.default_rng(0).integers(0, 256, [5, 7, 3]).astype(np.uint8)
    [restored] = model.decompress(model.compress([image]))
    np.testing.assert_array_equal(restored, image)


def test_an_upscaling_stage_needs_an_image_of_half_the_size():
    stage = _stages(2, channels=1, bits=1)[1]
    with pytest.raises(ValueError, match="condition: up2 needs images of half the size"):
        stage.sample(SampleRequest(2))


@pytest.mark.parametrize(("image_size", "base"), [(24, 4), (2, 4)])
def test_images_that_doubling_does_not_reach_are_refused(image_size, base):
    with pytest.raises(SettingError, match=f"does not grow to {image_size} by doubling"):
        MultiscaleConfig(base_size=base).sizes(image_size)


def test_the_base_is_a_gated_pixelcnn_and_groups_have_a_network_of_their_own():
    base, up = _stages(2, channels=1, bits=1)
    assert isinstance(base.config, GatedPixelCNNConfig) and isinstance(up.config, ParallelConfig)
    assert "condition" not in base.accepts and "condition" in up.accepts
