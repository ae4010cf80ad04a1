"""The commands on not-so-BigGAN's wavelet and pixel decoders, without a prior."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.cascade_cli.commands import run, run_forked, train
from tests.wavelet_tf.small_decoders import photographs

_TINY = (
    "--image_size=32",
    "--dataset=photos",
    "--batch_size=4",
    "--learning_rate=1e-3",
    "--evaluate_every=0",
    "--jit_compile=false",
    "--polyak_decay=0.5",
)

_WIDTHS = {
    "nsb": ("--patch_size=8", "--packet_width=8", "--head_width=4"),
    "nsb_pixel": ("--pixel_width=4",),
}

# Loads a SavedModel in a process that cannot import the project.
_LOADER = """
import sys
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
latents = model.encode(images)["latents"]
np.savez(
    sys.argv[3],
    latents=latents,
    decoded=model.decode(latents)["images"],
    upsampled=model.upsample(images[:, ::4, ::4])["images"],
)
project = {"cascade_tf", "wavelet_tf"} & {name.split(".")[0] for name in sys.modules}
assert not project, project
"""


def _train(system, workdir, *arguments):
    flags = (*_TINY, *_WIDTHS[system], f"--system={system}", f"--workdir={workdir}")
    train(*flags, "--steps=to16:3", "--steps=to32:2", *arguments)


@pytest.fixture(scope="module")
def wavelets(tmp_path_factory):
    """The workdir of two wavelet decoders, trained separately, the finer first."""
    workdir = tmp_path_factory.mktemp("nsb")
    for stage in ("to32", "to16"):
        _train("nsb", workdir, f"--stage={stage}")
    return workdir


@pytest.fixture(scope="module", params=["nsb", "nsb_pixel"])
def decoders(request, tmp_path_factory):
    """The workdir of two decoders, for each kind."""
    if request.param == "nsb":
        return request.getfixturevalue("wavelets")
    workdir = tmp_path_factory.mktemp("nsb_pixel")
    _train("nsb_pixel", workdir)
    return workdir


@pytest.fixture
def folder(tmp_path):
    """A folder of three images of full size and a small one."""
    directory = tmp_path / "images"
    directory.mkdir()
    for number, image in enumerate(photographs(3).numpy()):
        Image.fromarray(image).save(directory / f"{number}.png")
    Image.fromarray(photographs().numpy()[3, ::4, ::4]).save(directory / "small.png")
    return directory


def _evaluated(workdir, *arguments):
    return json.loads(
        run("evaluate eagerly", f"--workdir={workdir}", *arguments).stdout.splitlines()[-1]
    )


def test_evaluate_prints_errors_of_the_cascade_its_stages_and_the_baselines(decoders):
    held_out = _evaluated(decoders, "--num_images=24")
    assert held_out["steps"] == {"to16": 3, "to32": 2}
    assert 0 < held_out["mse/from to32"] < held_out["mse"]
    assert held_out["mse/bicubic"] > 0 and 0 < held_out["ssim"] < 1
    # Nearly untrained decoders are close to their baselines: a linear filter, a bilinear resize.
    floor = "mse/zero bands" if "to32/TR" in held_out else "mse/bilinear"
    assert held_out["mse"] == pytest.approx(held_out[floor], rel=0.5)
    few = _evaluated(decoders, "--split=train", "--num_images=8")
    assert (few["images"], few["split"]) == (8, "train")


def test_sample_decodes_from_images_and_upsamples_small_ones(decoders, folder, tmp_path):
    output = tmp_path / "out"
    arguments = (f"--from_images={folder}", f"--output_dir={output}")
    run("sample eagerly", f"--workdir={decoders}", *arguments)
    with np.load(output / "stages.npz") as archive:
        columns = dict(archive)
    assert {name: x.shape[1:3] for name, x in columns.items()} == {
        "given": (32, 32),
        "latent": (8, 8),
        "to16": (16, 16),
        "to32": (32, 32),
    }
    images = photographs().numpy()
    np.testing.assert_array_equal(columns["given"][:3], images[:3])
    np.testing.assert_array_equal(columns["latent"][3], images[3, ::4, ::4])
    np.testing.assert_array_equal(np.load(output / "samples.npz")["images"], columns["to32"])
    error = np.abs(columns["to32"].astype(float) - columns["given"]).mean(axis=(1, 2, 3))
    assert error.max() < 25
    with Image.open(output / "stages.png") as sheet:
        assert sheet.size[0] == sheet.size[1]  # four rows, four columns


def test_the_saved_model_runs_without_the_project(wavelets, folder, tmp_path):
    run("export", f"--workdir={wavelets}", f"--output_dir={tmp_path / 'model'}")
    images = photographs(3).numpy()
    np.save(tmp_path / "images.npy", images)
    (tmp_path / "loader.py").write_text(_LOADER)
    subprocess.run(
        [sys.executable, "-I", "loader.py", "model", "images.npy", "results.npz"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    results = np.load(tmp_path / "results.npz")
    run("sample", f"--workdir={wavelets}", f"--from_images={folder}", f"--output_dir={tmp_path}/o")
    decoded = np.load(tmp_path / "o" / "samples.npz")["images"]
    difference = np.abs(results["decoded"].astype(int) - decoded[:3])
    assert difference.max() <= 1  # the batch sizes differ
    assert results["upsampled"].shape == (3, 32, 32, 3)
    assert results["latents"].shape == (3, 8, 8, 3)


def test_mistakes_are_refused_in_one_line(decoders, folder, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "9.png")
    odd = tmp_path / "odd"
    odd.mkdir()
    shutil.move(tmp_path / "9.png", odd)
    wrong = [
        (["--output_dir=o"], 2, "--from_images is missing: there is no prior"),
        (["--output_dir=o", f"--from_images={odd}"], 1, "9x9 pixels: use images of 8x8 or 32"),
        (["--output_dir=o", f"--from_images={folder}", "--temperature=.5"], 2, "--temperature"),
        (["--output_dir=o", f"--from_images={folder}", "--image_size=64"], 1, "=32, not 64"),
    ]  # fmt: skip
    for arguments, code, message in wrong:
        done = run_forked(tmp_path, "sample", f"--workdir={decoders}", *arguments)
        assert done[0] == code and message in done[2] and len(done[2].splitlines()) == 1, done


def test_train_refuses_invalid_settings_in_one_line(tmp_path):
    for mistakes, message in (
        ("--patch_size=5", "--patch_size=5: TL after 2 transforms is 8 pixels wide"),
        ("--levels=9", "--levels=9: images of 32x32 pixels cannot be halved so often"),
        ("--wavelet=haar", "--wavelet=haar: mode 'reflect' is for biorthogonal wavelets"),
        ("--adam_beta_1=1", "--adam_beta_1=1.0: use a number from 0, below 1"),
        ("--adam_epsilon=0", "--adam_epsilon=0.0: use a number above 0"),
        ("--bits=3", "--bits means nothing to --system=nsb"),
        ("--antialias", "--antialias means nothing to --system=nsb"),
        ("--steps=to64:1", "there is no stage to64; the stages are to16, to32"),
        (
            "--prior=biggan --gan_r1=to16:1",
            "--gan_r1=to16:...: it means nothing to stage to16",
        ),
    ):
        flags = (*_TINY, *_WIDTHS["nsb"], "--system=nsb", "--workdir=new", *mistakes.split())
        code, stdout, stderr = run_forked(tmp_path, "train", *flags)
        assert (code, stdout, len(stderr.splitlines())) == (2, "", 1)
        assert message in stderr
        assert not (tmp_path / "new").exists()
