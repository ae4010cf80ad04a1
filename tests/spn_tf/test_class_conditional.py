"""Class-conditional SPNs: networks, cascades, the Python API, SavedModels and the commands."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import spn_tf
from cascade_tf.cascade import sample_cascade
from cascade_tf.sample_request import SampleRequest
from spn_tf.endpoints import endpoints
from spn_tf.stages import make_stages
from tests.cascade_cli.commands import TINY_MODEL, files, run, run_forked, train
from tests.spn_tf.random_networks import (
    GATED_PIXELCNN,
    IMAGE_TRANSFORMER,
    PIXELSNAIL,
    SHALLOW,
    all_images_of,
    random_network,
    randomize,
    tiny_config,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "changes",
    [dict(scale=1), dict(scale=2), GATED_PIXELCNN, PIXELSNAIL, IMAGE_TRANSFORMER],
    ids=str,
)
def test_the_probabilities_of_each_class_sum_to_one(changes):
    network = random_network(height=2, width=2, channels=1, bits=2, num_classes=3, **changes)
    images = all_images_of(network.config)
    probabilities = [
        np.exp(-network.image_nats(images, tf.fill([len(images)], label))) for label in range(3)
    ]
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, atol=1e-4)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(probabilities[one] - probabilities[other]).sum() > 0.1


def test_a_network_of_classes_needs_labels():
    network = random_network(height=2, width=2, channels=1, bits=2, scale=1, num_classes=3)
    with pytest.raises(ValueError, match=r"labels: there are none; .* 0 to 2"):
        network.log_prob(tf.zeros([1, 2, 2, 1], tf.uint8))


@pytest.fixture(scope="module")
def stages():
    """Stages of multidimensional upscaling, which know three classes."""
    config = tiny_config(**SHALLOW, height=4, width=4, channels=1, bits=8, scale=2, num_classes=3)
    upscaling = spn_tf.UpscalingConfig("multidimensional")
    stages = make_stages(upscaling, config, spn_tf.SPNTrainingConfig(jit_compile=False))
    for stage in stages:
        stage.build()
        randomize(stage.network, seed=len(stage.name))
    return stages


def test_classes_that_are_not_named_are_drawn_evenly_and_alike_in_all_stages(stages):
    first, *others = (stage._labels(SampleRequest(600, 1)).numpy() for stage in stages)
    for labels in others:
        np.testing.assert_array_equal(labels, first)
    assert np.bincount(first, minlength=3).min() > 150


def test_the_python_api_takes_a_class_for_each_image(stages):
    model = spn_tf.SPNModel(stages)
    images = RNG.integers(0, 256, [3, 4, 4, 1], dtype=np.uint8)
    parts = sum(stage.log_prob(images, tf.constant([2, 0, 1])) for stage in stages)
    np.testing.assert_allclose(model.log_prob(images, [2, 0, 1]), parts, rtol=1e-5)
    assert (model.log_prob(images, [2, 0, 1]) != model.log_prob(images, [1, 2, 0])).all()
    drawn = model.sample(3, seed=4, classes=[2, 0, 1])
    targets = sample_cascade(stages, SampleRequest(3, 4, labels=[2, 0, 1]))
    np.testing.assert_array_equal(drawn, targets[-1])
    assert (drawn != model.sample(3, seed=4, classes=[1, 2, 0])).any()
    upscaled = model.upscale(images[:, ::2, ::2], classes=[2, 0, 1])
    np.testing.assert_array_equal(upscaled[:, ::2, ::2], images[:, ::2, ::2])
    with pytest.raises(ValueError, match="class-conditional; give each image a number from 0 to 2"):
        model.bits_per_dim(images)
    with pytest.raises(ValueError, match=r"classes=.*: use integers from 0 to 2"):
        model.sample(1, classes=[3])
    with pytest.raises(ValueError, match="classes: there are 2, for 3 images"):
        model.upscale(images, classes=[0, 1])


def test_an_unconditional_model_takes_no_classes():
    config = tiny_config(**SHALLOW, height=4, width=4, channels=1, bits=3, scale=2)
    stage = spn_tf.SPNStage("spn", config, spn_tf.SPNTrainingConfig(jit_compile=False))
    stage.build()
    with pytest.raises(ValueError, match="classes: the model is unconditional; leave them out"):
        spn_tf.SPNModel([stage]).sample(1, classes=[0])
    with pytest.raises(ValueError, match="labels: none of the stages can use it; leave it out"):
        sample_cascade([stage], SampleRequest(1, labels=[0]))


def test_endpoints_take_classes(stages):
    functions = {
        name: tf.function(f, spec, autograph=False) for name, (f, spec) in endpoints(stages).items()
    }
    images = tf.constant(RNG.integers(0, 256, [2, 4, 4, 1], dtype=np.uint8))
    model = spn_tf.SPNModel(stages)
    nats = functions["log_prob"](images, [2, 0])["nats"]
    np.testing.assert_allclose(nats, model.log_prob(images.numpy(), [2, 0]), rtol=1e-5)
    drawn = functions["sample"]([2, 0], 4, 1.0)["images"]
    np.testing.assert_array_equal(drawn, model.sample(2, seed=4, classes=[2, 0]))
    assert functions["log_prob"](images[:0], [])["nats"].shape == (0,)
    assert functions["upscale"](images, 0, 1.0, [1, 1])["images"].shape == (2, 4, 4, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="classes must be from 0 to 2"):
        functions["sample"]([3], 0, 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="give a class for each image"):
        functions["log_prob"](images, [0])


def test_the_commands_train_evaluate_sample_and_give_away_classes(tmp_path):
    pictures, workdir = tmp_path / "pictures", tmp_path / "w"
    for number in range(24):
        folder = pictures / ("cat", "dog", "owl")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = RNG.integers(0, 256, [8, 8], dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    folder = ("--dataset=folder", f"--data_dir={pictures}")
    settings = (*TINY_MODEL, *folder, "--channels=1", "--num_classes=3")
    threads = ("--intra_op_threads=1", "--batch_parts=2")
    train(*settings, *threads, "--steps=1", f"--workdir={workdir}")

    run("evaluate eagerly", f"--workdir={workdir}", "--codecs=false", "--num_images=2")
    figures = json.loads((workdir / "evaluation.json").read_text())
    assert np.isfinite(figures["bits_per_dim"])

    def sampled(source, *arguments) -> np.ndarray:
        output = tmp_path / "_".join(arguments).replace("--", "").replace("/", "")
        run("sample eagerly", source, *arguments, f"--output_dir={output}", "--overwrite")
        return np.load(output / "samples.npz")["images"]

    arguments = ("--num_samples=4", "--classes=owl,1")
    own = sampled(f"--workdir={workdir}", *arguments)
    np.testing.assert_array_equal(own, spn_tf.load(workdir).sample(4, classes=[2, 1, 2, 1]))
    export = ("export eagerly", f"--workdir={workdir}")
    run(*export, "--format=safetensors", f"--output_dir={tmp_path}/M")
    assert sampled(f"--model={tmp_path}/M", *arguments).shape == own.shape  # names are known there
    held_out = np.load(tmp_path / "M" / "held_out.npz")
    bits = spn_tf.load(tmp_path / "M").bits_per_dim(held_out["images"], held_out["classes"])
    np.testing.assert_allclose(bits, held_out["bits_per_dim"], rtol=1e-5)

    small = tmp_path / "small"
    small.mkdir()
    Image.fromarray(pixels[::2, ::2]).save(small / "a.png")
    arguments = ("--classes=owl", f"--from_images={small}", "--draws=2")
    upscaled = sampled(f"--workdir={workdir}", *arguments)
    np.testing.assert_array_equal(upscaled[:, ::2, ::2, 0], np.stack(2 * [pixels[::2, ::2]]))

    before = files(workdir)
    sample = ("sample", f"--workdir={workdir}", "--output_dir=o")
    for arguments, message in (
        ((*sample, "--classes=cow"), "there is no class cow: the model knows 3 (cat, dog, owl)"),
        (("train", *settings, f"--workdir={tmp_path}/v", "--num_classes=4"), "have 3 classes"),
        (("evaluate", f"--workdir={workdir}", "--dataset=digits"), "images of the same classes"),
    ):
        code, _, stderr = run_forked(tmp_path, *arguments)
        assert code in (1, 2) and message in stderr and len(stderr.splitlines()) == 1, stderr
    assert files(workdir) == before
