"""The commands on VQ-VAE-2: an autoencoder, and models of its codes that need it."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import wavelet_tf
from tests.cascade_cli.commands import TINY_VQVAE2, run, run_forked, train

_FLAGS = (
    "--system=vqvae2",
    "--dataset=digits",
    "--image_size=16",
    "--channels=1",
    *TINY_VQVAE2,
    "--batch_size=8",
    "--learning_rate=1e-3",
    "--evaluate_every=0",
    "--sample_every=0",
    "--jit_compile=false",
)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """One command trains the autoencoder first, though it is the last stage of sampling."""
    directory = tmp_path_factory.mktemp("vqvae2")
    train(*_FLAGS, "--steps=2", f"--workdir={directory}")
    return directory


@pytest.fixture(scope="module")
def sampled(workdir, tmp_path_factory):
    output = tmp_path_factory.mktemp("samples") / "s"
    flags = ("--num_samples=3", "--classes=7", "--seed=2", "--temperature=0.9")
    run("sample", f"--workdir={workdir}", *flags, f"--output_dir={output}")
    return output


def test_samples_show_both_maps_of_codes_and_the_image(workdir, sampled):
    with np.load(sampled / "stages.npz") as arrays:
        shapes = {name: array.shape for name, array in arrays.items()}
    assert shapes == {
        "top": (3, 4, 4, 1),
        "bottom": (3, 8, 8, 1),
        "autoencoder": (3, 16, 16, 1),
    }
    samples = np.load(sampled / "samples.npz")["images"]
    model = wavelet_tf.load(workdir)
    again = model.sample(seed=2, classes=[7, 7, 7], temperature=0.9)
    np.testing.assert_array_equal(again, samples)


def test_evaluate_reports_errors_bits_of_codes_and_distances(workdir):
    done = run("evaluate eagerly", f"--workdir={workdir}", "--num_images=24")
    results = json.loads(done.stdout.splitlines()[-1])
    assert "missing" not in results
    nats = sum(
        results[f"{name}/bits_per_code"] * count * np.log(2)
        for name, count in (("top", 16), ("bottom", 64))
    )
    np.testing.assert_allclose(results["nats_of_codes"], nats, rtol=1e-5)
    expected = nats / (16 * 16 * np.log(2))
    np.testing.assert_allclose(results["bits_per_dim_of_codes"], expected, rtol=1e-5)
    assert 0 < results["mse"] < 1 and results["codes_used"].keys() == {"top", "bottom"}
    figures = results["samples"]["by_truncation"]["1"]
    assert {"pixel_frechet_distance", "pixel_frechet_distance*"} <= figures.keys()


def test_likelihoods_of_other_classes_are_refused(workdir, tmp_path):
    for name in ("first", "second"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(4):
            Image.new("L", (16, 16), number).save(folder / f"{number}.png")
    data = (f"--data_dir={tmp_path / 'images'}", "--dataset=folder", "--split=all")
    arguments = (f"--workdir={workdir}", *data, "--class_shares=even")
    code, stdout, stderr = run_forked(tmp_path, "evaluate eagerly", *arguments)
    assert (code, stdout) == (1, "") and "evaluate images of the same classes" in stderr, stderr


def test_given_images_are_reconstructed(workdir, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, [16, 16], dtype=np.uint8)
    Image.fromarray(pixels).save(images / "a.png")
    flags = (f"--workdir={workdir}", f"--from_images={images}", f"--output_dir={tmp_path / 's'}")
    run("sample", *flags)
    with np.load(tmp_path / "s" / "stages.npz") as arrays:
        assert list(arrays) == ["given", "top", "bottom", "autoencoder"]
        np.testing.assert_array_equal(arrays["given"][0, ..., 0], pixels)
        made = arrays["autoencoder"]
    model = wavelet_tf.load(workdir)
    np.testing.assert_array_equal(model.decode(model.encode(pixels[None, ..., None])), made)


def test_an_exported_model_samples_encodes_and_decodes(workdir, sampled, tmp_path):
    run("export", f"--workdir={workdir}", f"--output_dir={tmp_path / 'm'}")
    model = tf.saved_model.load(tmp_path / "m")
    classes, seed, temperature = np.int32([7, 7, 7]), np.int32(2), np.float32(0.9)
    images = model.sample(classes, seed, temperature)["images"].numpy()
    np.testing.assert_array_equal(images, np.load(sampled / "samples.npz")["images"])
    codes = model.encode(images)["codes"]
    np.testing.assert_array_equal(
        model.decode(codes)["images"], wavelet_tf.load(workdir).decode(codes.numpy())
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="codes must be from 0 to 11"):
        model.decode(codes + 12)


def test_codes_of_an_autoencoder_that_was_trained_further_are_refused(workdir, tmp_path):
    further = tmp_path / "w"
    run_in_steps = (f"--workdir={further}", *_FLAGS, "--stage=autoencoder")
    code, _, stderr = run_forked(tmp_path, "train", f"--workdir={further}", *_FLAGS, "--stage=top")
    assert code == 1
    assert stderr == "train: stage top needs the trained stage autoencoder: train it first\n"
    train(*run_in_steps, "--steps=1")
    for stage in ("top", "bottom"):
        train(f"--workdir={further}", *_FLAGS, f"--stage={stage}", "--steps=1")
    code, _, stderr = run_forked(tmp_path, "train", *run_in_steps, "--steps=2")
    assert code == 1 and "learned from what it computes now: train them alone" in stderr, stderr
    run_in_steps = (f"--workdir={further}", *_FLAGS, "--stage=autoencoder")
    aside = tmp_path / "aside"
    aside.mkdir()
    for stage in ("top", "bottom"):
        (further / stage).rename(aside / stage)
    code, _, stderr = run_forked(tmp_path, "train", f"--workdir={further}")
    assert code == 2 and "w holds no stage top to resume: check --workdir, or add" in stderr, stderr
    train(*run_in_steps, "--steps=2")
    for stage in ("top", "bottom"):
        (aside / stage).rename(further / stage)
    for command, *flags in (
        ("sample", f"--output_dir={tmp_path / 's'}"),
        ("train", *_FLAGS, "--stage=top", "--steps=2"),
    ):
        code, _, stderr = run_forked(tmp_path, command, f"--workdir={further}", *flags)
        assert code == 1 and stderr.endswith(
            "stage top was trained on the codes of another autoencoder, or of this one before it "
            "was trained further: delete its folder, and train it again\n"
        ), stderr


def test_models_that_start_from_others_have_the_codes_of_their_own_autoencoder(workdir, tmp_path):
    train(f"--workdir={tmp_path / 'w'}", *_FLAGS, f"--init_from={workdir}", "--steps=1")
    model = wavelet_tf.load(tmp_path / "w")  # which compares the autoencoders
    assert model.sample(classes=[1]).shape == (1, 16, 16, 1)


@pytest.mark.parametrize(
    ("flag", "line"),
    [
        ("--bits=5", "--bits means nothing to --system=vqvae2"),
        ("--levels=1", "--levels means nothing to --system=vqvae2"),
        ("--scale=2", "--scale means nothing to --system=vqvae2"),
        (
            "--distance_images=20",
            "--distance_images means nothing to --system=vqvae2",
        ),
        ("--vq_stride=3", "--vq_stride=3: use a power of 2"),
    ],
)
def test_settings_that_mean_nothing_or_cannot_work_are_refused(flag, line, tmp_path):
    code, _, stderr = run_forked(tmp_path, "train", *_FLAGS, "--workdir=W", flag)
    assert code == 2 and stderr == f"train: {line}\n"
    assert not list(tmp_path.iterdir())
