"""The commands on the systems that the SPN paper compares with."""

import json

import numpy as np
import pytest
from PIL import Image

import spn_tf
from tests.cascade_cli.commands import run, run_forked

TINY_PIXELCNN = (
    "--system=gated_pixelcnn",
    "--dataset=digits",
    "--image_size=8",
    "--channels=1",
    "--batch_size=16",
    "--learning_rate=3e-3",
    "--optimizer=adam",
    "--pixelcnn_layers=2",
    "--pixelcnn_conv_channels=16",
    "--pixelcnn_residual_channels=16",
    "--evaluate_every=0",
    "--sample_every=0",
    "--jit_compile=false",
    "--report=false",
)


@pytest.fixture(scope="module")
def pixelcnn(tmp_path_factory):
    """Workdir of a gated PixelCNN, trained in two parts."""
    workdir = tmp_path_factory.mktemp("pixelcnn")
    for steps in (60, 120):
        run("train", *TINY_PIXELCNN, f"--workdir={workdir}", f"--steps={steps}")
    return workdir


def test_a_gated_pixelcnn_learns_digits_and_is_evaluated_alike_in_python(pixelcnn):
    done = run("evaluate", f"--workdir={pixelcnn}", "--num_images=20", "--nocodecs")
    results = json.loads(done.stdout.splitlines()[-1])
    assert results["bits_per_dim"] < 6  # 8 before training
    model = spn_tf.load(pixelcnn)
    assert not model.stages[0].config.attention
    images = model.sample(3, seed=1)
    again = spn_tf.load(pixelcnn)
    np.testing.assert_array_equal(again.sample(3, seed=1), images)
    np.testing.assert_allclose(again.log_prob(images), model.log_prob(images))


def test_its_samples_are_archived_and_come_back(pixelcnn, tmp_path):
    workdir = f"--workdir={pixelcnn}"
    run("sample", workdir, "--num_samples=2", f"--output_dir={tmp_path}")
    with np.load(tmp_path / "samples.npz") as arrays:
        [image, _] = next(iter(arrays.values()))[..., 0]
    (tmp_path / "folder").mkdir()
    Image.fromarray(image).save(tmp_path / "folder" / "a.png")
    archive = tmp_path / "a.spn"
    run("compress", workdir, f"--from_images={tmp_path / 'folder'}", f"--output={archive}")
    run("decompress", workdir, f"--input={archive}", f"--output_dir={tmp_path / 'again'}")
    np.testing.assert_array_equal(Image.open(tmp_path / "again" / "a.png"), image)


@pytest.mark.parametrize("flag", ["scale=2", "upscaling=depth", "ffn_size=8", "dropout=0.1"])
def test_settings_of_attention_and_slices_are_refused(flag, tmp_path):
    code, _, stderr = run_forked(tmp_path, "train", *TINY_PIXELCNN, "--workdir=W", f"--{flag}")
    name = flag.split("=")[0]
    assert code == 2 and stderr == f"train: --{name} means nothing to --system=gated_pixelcnn\n"
    assert not list(tmp_path.iterdir())
