"""The commands on the systems that the SPN paper compares with."""

import json

import numpy as np
import pytest
from PIL import Image

import spn_tf
from tests.cascade_cli.commands import run, run_forked

TRAINING = (
    "--dataset=digits",
    "--image_size=8",
    "--channels=1",
    "--batch_size=16",
    "--learning_rate=3e-3",
    "--optimizer=adam",
    "--evaluate_every=0",
    "--sample_every=0",
    "--jit_compile=false",
    "--report=false",
)
TINY_PIXELCNN = (
    "--pixelcnn_layers=2",
    "--pixelcnn_conv_channels=16",
    "--pixelcnn_residual_channels=16",
)
# Flags of each system, its stages, and bits/dim that 120 steps reach; 8 before training.
BASELINES = {
    "gated_pixelcnn": (TINY_PIXELCNN, ["pixelcnn"], 6),
    "pixelsnail": (
        (
            "--pixelsnail_blocks=1",
            "--pixelsnail_residual_blocks=1",
            "--pixelsnail_filters=16",
            "--pixelsnail_key_channels=4",
        ),
        ["pixelsnail"],
        6,
    ),
    "image_transformer": (
        (
            "--transformer_layers=1",
            "--transformer_width=16",
            "--transformer_heads=2",
            "--transformer_ffn_size=16",
            "--transformer_block_rows=4",
            "--transformer_block_columns=4",
            "--transformer_memory_rows=2",
            "--transformer_memory_columns=2",
        ),
        ["transformer"],
        6,
    ),
    "parallel_multiscale": (
        (
            *TINY_PIXELCNN,
            "--embedder_conv_layers=1",
            "--embedder_conv_channels=16",
            "--embedder_residual_channels=16",
        ),
        ["base", "up8"],
        6,
    ),
    "glow": (
        ("--glow_levels=2", "--glow_depth=1", "--glow_hidden_channels=16"),
        ["glow"],
        7,
    ),
}


@pytest.fixture(scope="module", params=BASELINES)
def trained(request, tmp_path_factory):
    """A system's name and a workdir; the first system is trained in two parts."""
    flags, stages, _ = BASELINES[request.param]
    workdir = tmp_path_factory.mktemp(request.param)
    for steps in (60, 120) if request.param == "gated_pixelcnn" else (120,):
        for stage in stages:
            given = (f"--system={request.param}", *flags, f"--stage={stage}", f"--steps={steps}")
            run("train", *TRAINING, *given, f"--workdir={workdir}")
    return request.param, workdir


def test_it_learns_digits_and_is_evaluated_and_sampled_alike_in_python(trained, tmp_path):
    system, workdir = trained
    done = run("evaluate", f"--workdir={workdir}", "--num_images=20", "--nocodecs")
    results = json.loads(done.stdout.splitlines()[-1])
    assert results["bits_per_dim"] < BASELINES[system][2]
    assert list(results["stages"]) == BASELINES[system][1]
    assert results["is_exact"] == (system != "glow")
    run("sample", f"--workdir={workdir}", "--num_samples=2", "--seed=1", f"--output_dir={tmp_path}")
    with np.load(tmp_path / "samples.npz") as arrays:
        samples = next(iter(arrays.values()))
    model = spn_tf.load(workdir)
    np.testing.assert_array_equal(model.sample(2, seed=1), samples)
    assert np.isfinite(model.log_prob(samples)).all()


def test_its_samples_are_archived_and_come_back(trained, tmp_path):
    system, workdir = trained
    image = spn_tf.load(workdir).sample(1, seed=2)[0, ..., 0]
    (tmp_path / "folder").mkdir()
    Image.fromarray(image).save(tmp_path / "folder" / "a.png")
    flags = f"--workdir={workdir}", f"--from_images={tmp_path / 'folder'}"
    if system == "glow":
        code, _, stderr = run_forked(tmp_path, "compress", *flags, "--output=a.spn")
        assert code == 2 and stderr.startswith("compress: archives need an exact likelihood")
        return
    archive = tmp_path / "a.spn"
    run("compress", *flags, f"--output={archive}")
    again = tmp_path / "again"
    run("decompress", f"--workdir={workdir}", f"--input={archive}", f"--output_dir={again}")
    np.testing.assert_array_equal(Image.open(again / "a.png"), image)


@pytest.mark.parametrize(
    ("system", "flag"),
    [
        ("gated_pixelcnn", "scale=2"),
        ("gated_pixelcnn", "upscaling=depth"),
        ("gated_pixelcnn", "fused_attention=true"),
        ("pixelsnail", "ffn_size=8"),
        ("image_transformer", "pixelcnn_layers=2"),
        ("parallel_multiscale", "dropout=0.1"),
        ("glow", "intensity_distribution=softmax"),
    ],
)
def test_settings_of_other_systems_are_refused(system, flag, tmp_path):
    given = (*TRAINING, f"--system={system}", "--workdir=W", f"--{flag}")
    code, _, stderr = run_forked(tmp_path, "train", *given)
    name = flag.split("=")[0]
    assert code == 2 and stderr == f"train: --{name} means nothing to --system={system}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (
            ("--system=glow", "--glow_levels=4"),
            "--glow_levels=4: images of 8x8 pixels cannot be halved as often; use fewer levels, or "
            "sides divisible by 16",
        ),
        (
            ("--system=image_transformer", "--transformer_block_rows=3"),
            "--transformer_block_rows=3: images of 8x8 pixels do not divide into blocks; use a "
            "divisor of the side",
        ),
        (
            ("--system=parallel_multiscale", "--base_size=3"),
            "--base_size=3: it does not grow to 8 by doubling; use an image size divided by a "
            "power of two",
        ),
    ],
)
def test_images_that_a_model_cannot_have_are_refused_in_a_line(flags, line, tmp_path):
    code, _, stderr = run_forked(tmp_path, "train", *TRAINING, *flags, "--workdir=W")
    assert code == 2 and stderr == f"train: {line}\n"
