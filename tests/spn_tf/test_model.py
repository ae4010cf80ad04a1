"""The Python API of SPNs: a model trained from Python is loaded by it and by the commands."""

import dataclasses
import json

import numpy as np
import pytest

import wavelet_tf
from cascade_tf import Trainer, TrainingConfig
from cascade_tf.data import ArraySource
from cascade_tf.errors import SettingError, UserError
from spn_tf import (
    SliceStage,
    SPNConfig,
    SPNModel,
    SPNStage,
    SPNTrainingConfig,
    UpscalingConfig,
    load,
    make_stages,
)
from tests.cascade_cli.commands import run, run_forked
from tests.spn_tf.random_networks import SHALLOW

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, [40, 4, 4, 1], dtype=np.uint8)
CONFIG = SPNConfig(**SHALLOW, height=4, width=4, channels=1, scale=2, bits=3)
DEEP = dataclasses.replace(CONFIG, bits=8)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A cascade of three stages, trained from Python on an array."""
    directory = tmp_path_factory.mktemp("model")
    training = SPNTrainingConfig(learning_rate=(1e-3,), jit_compile=False)
    for stage in make_stages(UpscalingConfig("multidimensional"), DEEP, training):
        config = TrainingConfig(batch_size=8, steps=1, evaluate_every=0)
        Trainer(stage, config, ArraySource(IMAGES), str(directory / stage.name)).train()
    return directory


@pytest.fixture(scope="module")
def model(workdir):
    return load(workdir)


def test_a_model_trained_from_python_is_evaluated_by_the_commands(workdir, model, tmp_path):
    done = run("evaluate eagerly", f"--workdir={workdir}", "--dataset=digits", "--num_images=3")
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["images"] == 3 and list(figures["stages"]) == ["slice", "size", "depth"]
    code, _, stderr = run_forked(
        tmp_path, "train", f"--workdir={workdir}", "--steps=2", "--noreport"
    )
    assert code == 2 and "--dataset=arrays: the images were in memory" in stderr


def test_the_weights_of_a_cascade_are_given_away_in_float16(workdir, model, tmp_path):
    flags = (f"--workdir={workdir}", "--format=safetensors", f"--output_dir={tmp_path}/M")
    done = run("export eagerly", *flags)
    assert "export: no held_out.npz: --dataset=arrays: the images were in memory" in done.stderr
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    stages = ("slice", "size", "depth")
    files = {f"M/{name}/{file}" for name in stages for file in ("flags.txt", "weights.safetensors")}
    assert names == files | {"M/README.md"}
    card = (tmp_path / "M" / "README.md").read_text()
    assert "4x4, grey, 8 bits" in card and "--workdir=W --stage=depth`" in card
    written = load(tmp_path / "M")
    for own, other in zip(model.stages, written.stages, strict=True):
        before, after = (stage.networks()["network"].weights for stage in (own, other))
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(np.float16(a), b)
    np.testing.assert_allclose(written.log_prob(IMAGES), model.log_prob(IMAGES), rtol=1e-3)


def test_samples_are_images_that_depend_only_on_their_seed(model):
    images = model.sample(3, seed=1)
    assert images.shape == (3, 4, 4, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(images, model.sample(3, seed=np.int64(1)))
    assert (images != model.sample(3, seed=2)).any()
    assert model.sample(0).shape == (0, 4, 4, 1)


def test_log_prob_is_the_sum_over_the_stages_for_any_batch_size(model):
    nats = model.log_prob(IMAGES)
    assert nats.shape == (40,) and (nats < 0).all()
    stages = sum(stage.log_prob(IMAGES).numpy() for stage in model.stages)
    np.testing.assert_allclose(nats, stages, rtol=1e-5)
    np.testing.assert_allclose(model.bits_per_dim(IMAGES), -nats / (16 * np.log(2)), rtol=1e-6)
    assert model.log_prob(IMAGES[:0]).shape == (0,)
    with pytest.raises(ValueError, match=r"images: float32 .* use uint8 \[N, 4, 4, 1\]"):
        model.log_prob(IMAGES.astype(np.float32))


def test_upscaled_images_keep_their_pixels(model):
    small = IMAGES[:3, ::2, ::2]
    np.testing.assert_array_equal(model.upscale(small)[:, ::2, ::2], small)
    np.testing.assert_array_equal(model.upscale(IMAGES[:3]) >> 5, IMAGES[:3] >> 5)
    with pytest.raises(ValueError, match="upscales 2x2 or 4x4 images of 1 channels"):
        model.upscale(IMAGES[:, :3, :3])


@pytest.mark.parametrize("count", [-1, 1.0, True])
def test_counts_are_integers_from_0(model, count):
    with pytest.raises(ValueError, match=r"count=.*: use an integer, 0 or more"):
        model.sample(count)
    with pytest.raises(ValueError, match=r"batch_size=.*: use an integer, 1 or more"):
        SPNModel(model.stages, batch_size=count)


@pytest.mark.parametrize("temperature", [np.nan, -1, np.inf, [1.0, 1.0], [1.0, 1.0, np.nan]])
def test_temperatures_are_finite_numbers_for_all_stages_or_each(model, temperature):
    for draw in (
        lambda: model.sample(0, 0, temperature),
        lambda: model.upscale(IMAGES, 0, temperature),
    ):
        with pytest.raises(ValueError, match="finite number, 0 or more, or 3 of them"):
            draw()


@pytest.mark.parametrize("images", [IMAGES[..., None], IMAGES[0], IMAGES / 255, [IMAGES, 1], None])
def test_images_of_another_rank_or_type_are_not_upscaled(model, images):
    with pytest.raises(ValueError, match="upscales 2x2 or 4x4 images of 1 channels, uint8"):
        model.upscale(images)


def test_a_model_needs_stages(model):
    with pytest.raises(ValueError, match="stages: there are none"):
        SPNModel([])
    with pytest.raises(ValueError, match="stages: size is out of place"):
        SPNModel(model.stages[1:])


def test_images_of_another_size_than_the_stages_are_refused(tmp_path):
    source = ArraySource(np.zeros([2, 8, 8, 3], np.uint8))
    for stage in make_stages(UpscalingConfig("size"), CONFIG, SPNTrainingConfig()):
        with pytest.raises(SettingError, match=f"images=8x8x3: stage {stage.name} takes .* 4x4x1"):
            Trainer(stage, TrainingConfig(), source, tmp_path / stage.name)


def test_workdirs_of_other_models_and_names_are_explained(tmp_path):
    for name, record in {"nsb/to16": "--system=nsb\n", "mine/other": "--system=spn\n"}.items():
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        (tmp_path / name / "flags.txt").write_text(record)
        (tmp_path / name / "checkpoints" / "ckpt-1.index").touch()
    with pytest.raises(UserError, match=r"to16 was trained with `system`=nsb: use wavelet_tf.load"):
        load(tmp_path / "nsb")
    with pytest.raises(UserError, match=r"no trained stage spn \(there is other\): train"):
        load(tmp_path / "mine")
    with pytest.raises(UserError, match=r"`system`=spn: use spn_tf.load"):
        wavelet_tf.load(tmp_path / "mine")


def test_a_stage_of_a_cascade_is_not_recorded_without_its_description(tmp_path):
    training = SPNTrainingConfig(jit_compile=False)
    depth = dataclasses.replace(DEEP, coarse_bits=3)
    for stage in (
        SPNStage("depth", depth, training),
        SPNStage("size", DEEP, training, first_slice_given=True),
        SliceStage("slice", DEEP, training),
    ):
        with pytest.raises(ValueError, match=r"description: .*make_stages"):
            Trainer(stage, TrainingConfig(steps=1), ArraySource(IMAGES), str(tmp_path)).train()
        assert not (tmp_path / "flags.txt").exists()


def test_another_seed_or_temperature_is_not_traced_again(model):
    model.sample(2, seed=1)
    traces = _traces(model)
    for seed in range(2, 5):
        model.sample(2, seed=seed, temperature=1 / seed)
    assert _traces(model) == traces


def _traces(model) -> int:
    return sum(
        stage.sampler._compiled_decode.experimental_get_tracing_count() for stage in model.stages
    )


def test_a_workdir_without_a_model_is_refused(tmp_path):
    with pytest.raises(UserError, match="there is no workdir"):
        load(tmp_path / "missing")


def test_a_path_that_tensorflow_reads_as_a_pattern_is_refused(model, tmp_path):
    path = tmp_path / "run [1]" / "spn"
    with pytest.raises(SettingError, match=r"directory=.*run \[1\]/spn: use a path without"):
        Trainer(model.stages[0], TrainingConfig(steps=1), ArraySource(IMAGES), path)
    with pytest.raises(SettingError, match=r"workdir=.*run \[1\]: use a path without"):
        load(path.parent)
    assert not path.parent.exists()
