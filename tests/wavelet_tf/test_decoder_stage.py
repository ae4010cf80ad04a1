import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.data import open_source
from cascade_tf.errors import UsageError
from cascade_tf.strategies import make_strategy
from cascade_tf.training import Trainer
from cascade_tf.training_config import TrainingConfig
from tests.cascade_tf.trainings import final_weights, scalars
from tests.wavelet_tf.small_decoders import KINDS, PHOTOS, SMALL, built, chain, photographs, stage
from wavelet_tf.config import NSBConfig
from wavelet_tf.decoder_stage import PixelDecoderStage, WaveletDecoderStage


def _trained(directory, made, strategy=None, **config):
    directory.mkdir(exist_ok=True)
    trainer = Trainer(
        made,
        TrainingConfig(
            **{"batch_size": 8, "steps": 3, "evaluate_every": 0, "summary_every": 1} | config
        ),
        open_source(PHOTOS, "train"),
        open_source(PHOTOS, "test"),
        directory,
        strategy or tf.distribute.get_strategy(),
        preview_images=3,
    )
    trainer.train()
    return trainer


@pytest.mark.parametrize("kind", KINDS)
def test_two_replicas_equal_one(tmp_path, kind):
    """BatchNorm counts the examples of both. --jit_compile is given up, not an error."""
    one = _trained(tmp_path / "one", stage(kind), steps=2)
    two = _trained(
        tmp_path / "two", stage(kind, jit_compile=True), make_strategy("mirrored"), steps=2
    )
    losses = [
        list(scalars(tmp_path / name / "", "train", "loss").values()) for name in ("one", "two")
    ]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    actual = final_weights(two)
    for name, value in final_weights(one).items():
        if "velocity" in name or "momentum" in name:
            continue  # of gradients that are nearly zero
        np.testing.assert_allclose(actual[name], value, rtol=1e-2, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_under_xla_equals_one_without(tmp_path, kind):
    plain = _trained(tmp_path / "plain", stage(kind))
    compiled = _trained(tmp_path / "compiled", stage(kind, jit_compile=True))
    assert compiled.step == plain.step == 3
    expected = list(scalars(tmp_path / "plain", "train", "loss").values())
    actual = list(scalars(tmp_path / "compiled", "train", "loss").values())
    np.testing.assert_allclose(actual, expected, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_photographs_and_shows_what_it_makes(tmp_path, kind):
    config = dataclasses.replace(SMALL, packet_width=32, head_width=16, pixel_width=8)
    made = stage(kind, config=config, learning_rates=(3e-3,))
    _trained(
        tmp_path, made, steps=100, batch_size=16, evaluate_every=100, sample_every=100,
        polyak_decay=0.9,
    )  # fmt: skip
    floor = float(np.mean(built(kind).evaluate_step(_examples(114))["mse"]))  # nothing learned
    assert scalars(tmp_path, "test", "mse")[100] < 0.93 * floor
    tags = _image_tags(tmp_path / "test")
    bands = {"bands, made and true"} if kind is WaveletDecoderStage else set()
    assert tags == {"given, made, true"} | bands


def _examples(count):
    return next(iter(open_source(PHOTOS, "test").evaluation_examples(count, limit=count)))


def _image_tags(directory):
    events = [
        event
        for path in directory.glob("events.*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
    ]
    return {
        v.tag
        for e in events
        for v in e.summary.value
        if v.metadata.plugin_data.plugin_name == "images"
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_training_ends_like_one_never_interrupted(tmp_path, kind):
    whole = final_weights(_trained(tmp_path / "whole", stage(kind), steps=4))
    _trained(tmp_path / "parts", stage(kind), steps=2)
    parts = final_weights(_trained(tmp_path / "parts", stage(kind), steps=4))
    for name, value in whole.items():
        np.testing.assert_array_equal(value, parts[name], name)


def test_averages_hold_the_statistics_of_batch_normalisation():
    averaged = {variable.path for variable in built(WaveletDecoderStage).averaged_variables()}
    assert sum("moving_variance" in path for path in averaged) == 14 + 1


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_trains_on_float32_weights(tmp_path, kind):
    made = stage(kind, precision="bfloat16")
    _trained(tmp_path / "bfloat16", made)
    assert made.decoder.unet.compute_dtype == "bfloat16"
    assert {weight.dtype for weight in made.decoder.weights} == {"float32"}
    _trained(tmp_path / "float32", stage(kind))
    bfloat16, float32 = (
        list(scalars(tmp_path / name, "train", "loss").values()) for name in ("bfloat16", "float32")
    )
    np.testing.assert_allclose(bfloat16, float32, rtol=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stage_is_given_what_the_one_before_makes(kind):
    first, second = chain(kind)
    images = photographs()
    np.testing.assert_array_equal(first.target(images), second.condition(images))
    made = second.sample(
        tf.range(4, dtype=tf.int64), tf.constant(0), tf.constant(1.0), second.condition(images)
    )
    assert made.shape == second.target(images).shape == (4, 32, 32, 3)
    assert (first.name, second.name) == ("to16", "to32")
    with pytest.raises(ValueError, match="to16 makes nothing of nothing"):
        first.sample(tf.range(4, dtype=tf.int64), tf.constant(0), tf.constant(1.0))


@pytest.mark.parametrize("kind", KINDS)
def test_true_targets_are_the_pictures_themselves(kind):
    images = photographs()
    np.testing.assert_array_equal(built(kind).to_images(built(kind).target(images)), images)


@pytest.mark.parametrize(
    "kind, change, told",
    [
        (WaveletDecoderStage, dict(patch_size=12), "--patch_size=12: TL after 2 transforms is 8"),
        (WaveletDecoderStage, dict(patch_size=16), "--patch_size=16: TL after 2 transforms is 8"),
        (WaveletDecoderStage, dict(patch_size=4), "--patch_size=4: the UNet halves it 3 times"),
        (WaveletDecoderStage, dict(wavelet="db0"), "--wavelet=db0: 'db0' is not a discrete"),
        (WaveletDecoderStage, dict(wavelet="haar"), "--wavelet=haar: mode 'reflect' is for"),
        (WaveletDecoderStage, dict(levels=6), "--levels=6: images of 32x32 pixels cannot be"),
        (WaveletDecoderStage, dict(levels=0), "--levels=0: images of"),
        (WaveletDecoderStage, dict(channels=2), "--channels=2: use 1"),
        (WaveletDecoderStage, dict(head_width=0), "--head_width=0: use 1 or more"),
        (PixelDecoderStage, dict(levels=3), "--image_size=32 --levels=3: the UNet of the first"),
    ],
)
def test_sizes_that_cannot_work_are_told_by_their_flags(kind, change, told):
    with pytest.raises(UsageError) as error:
        stage(kind, config=NSBConfig(**(vars(SMALL) | change)))
    assert str(error.value).startswith(told)
