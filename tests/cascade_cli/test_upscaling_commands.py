"""The commands on a cascade of three stages: multidimensional upscaling."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cascade_cli.options import SampleOptions
from cascade_cli.systems.spn import Upscaling
from cascade_tf.sample_request import SampleRequest
from spn_tf import SPNConfig, SPNStage, SPNTrainingConfig
from tests.cascade_cli.commands import TINY_MODEL, run

# Loads a SavedModel in a process that cannot import the project.
_LOADER = """
import sys
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
temperature = [1.0, 1.0, 1.0]
np.savez(
    sys.argv[3],
    nats=model.log_prob(images)["nats"],
    drawn=model.sample(count=3, seed=5, temperature=temperature)["images"],
    from_small=model.upscale(images[:, ::2, ::2], seed=5, temperature=temperature)["images"],
    from_full=model.upscale(images, seed=5, temperature=temperature)["images"],
)
project = {"cascade_tf", "spn_tf"} & {name.split(".")[0] for name in sys.modules}
assert not project, project
"""


def _arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return dict(archive)


def test_train_runs_all_stages_each_for_its_own_steps(cascade):
    steps = {
        name: tf.train.latest_checkpoint(str(cascade / name / "checkpoints")).rsplit("-")[-1]
        for name in ("slice", "size", "depth")
    }
    assert steps == {"slice": "2", "size": "2", "depth": "3"}


def test_one_stage_trains_alone_and_the_next_command_reads_the_workdirs_flags(pictures, tmp_path):
    flags = ("--dataset=folder", f"--data_dir={pictures}", "--upscaling=depth", "--steps=2")
    workdir = f"--workdir={tmp_path}"
    run("train", *TINY_MODEL, *flags, workdir, "--stage=depth", "--sample_every=2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["depth"]
    # The flags that all stages share are read from the workdir, those of one stage are not.
    done = run("train", *TINY_MODEL, *flags[:2], workdir, "--steps=2", "--stage=spn")
    assert "stage spn: " in done.stderr
    figures = json.loads(run("evaluate eagerly", workdir, "--codecs=false").stdout.splitlines()[-1])
    assert list(figures["stages"]) == ["spn", "depth"]


def test_a_stage_has_widths_and_rates_of_its_own_beside_trained_ones(cascade, pictures, tmp_path):
    """Flags without a scope concern the stage trained; its stale record does not matter."""
    work = tmp_path / "work"
    shutil.copytree(cascade, work)
    shutil.rmtree(work / "depth" / "checkpoints")
    record = work / "depth" / "flags.txt"
    record.write_text(record.read_text().replace("--scale=2", "--scale=4"))
    own = ("--learning_rate=5e-4", "--pixelcnn_conv_channels=24", "--steps=1", "--noreport")
    run("train", f"--workdir={work}", "--stage=depth", *own)
    flags = record.read_text()
    assert "--scale=2\n" in flags and "--pixelcnn_conv_channels=24\n" in flags
    run("evaluate eagerly", f"--workdir={work}", "--num_images=1", "--codecs=false")


def test_evaluate_prints_the_total_and_its_parts_like_the_papers_tables(cascade):
    done = run("evaluate eagerly", f"--workdir={cascade}", "--split=all", "--codecs=false")
    *table, last = done.stdout.splitlines()
    figures = json.loads(last)
    parts = list(figures["stages"].values())
    assert list(figures["stages"]) == ["slice", "size", "depth"]
    assert figures["steps"] == {"slice": 2, "size": 2, "depth": 3}
    assert sum(parts) == pytest.approx(figures["bits_per_dim"], rel=1e-5)
    assert figures["size_stage_alone"] > parts[1]
    texts = ", ".join(f"{part:.4f}" for part in parts)
    assert f"({texts})" in "\n".join(table)
    assert f"{figures['size_stage_alone']:.4f}" in "\n".join(table)


def test_sample_writes_the_samples_of_each_stage(cascade, tmp_path):
    temperatures = "--temperature=0.99,1,1"
    run(
        "sample",
        f"--workdir={cascade}",
        "--num_samples=3",
        temperatures,
        f"--output_dir={tmp_path}",
    )
    images = _arrays(tmp_path / "samples.npz")["images"]
    stages = _arrays(tmp_path / "stages.npz")
    assert {name: array.shape for name, array in stages.items()} == {
        "slice": (3, 4, 4, 3), "size": (3, 8, 8, 3), "depth": (3, 8, 8, 3)
    }  # fmt: skip
    np.testing.assert_array_equal(stages["depth"], images)
    np.testing.assert_array_equal(images >> 5 << 5, stages["size"])
    np.testing.assert_array_equal(stages["size"][:, ::2, ::2], stages["slice"])
    page = np.asarray(Image.open(tmp_path / "stages.png"))
    factor = page.shape[0] // (9 * 3 - 1)
    assert page.shape == (factor * (9 * 3 - 1), factor * (9 * 3 - 1), 3)
    np.testing.assert_array_equal(
        page[: 8 * factor : 2 * factor, : 8 * factor : 2 * factor], stages["slice"][0]
    )


def test_stages_begin_with_the_given_images_if_there_is_one_stage(tmp_path):
    config = SPNConfig.small(height=4, width=4, channels=1, scale=2)
    stage = SPNStage("spn", config, SPNTrainingConfig())
    stage.build()
    Image.new("L", (2, 2), 77).save(tmp_path / "small.png")
    options = SampleOptions(workdir="W", from_images=str(tmp_path))
    drawing = Upscaling([stage], options, str(tmp_path), SampleRequest(0, 0), [1.0], [])
    columns = drawing.draw(np.arange(1), lambda: None)
    assert drawing.in_a_row is None  # a square, though there is one draw of each
    assert list(columns) == ["given", "spn"]
    np.testing.assert_array_equal(columns["given"], np.full([1, 2, 2, 1], 77))
    np.testing.assert_array_equal(columns["spn"][:, ::2, ::2], columns["given"])


def test_from_images_are_upscaled_and_their_pixels_kept(cascade, tmp_path):
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, [2, 4, 4, 3], dtype=np.uint8)
    full = rng.integers(0, 256, [1, 8, 8, 3], dtype=np.uint8)
    folder = tmp_path / "images"
    folder.mkdir()
    for name, image in zip("abc", (*small, *full), strict=True):
        Image.fromarray(image).save(folder / f"{name}.png")
    arguments = (f"--from_images={folder}", "--draws=2", "--batch_size=4")
    run("sample", f"--workdir={cascade}", *arguments, f"--output_dir={tmp_path / 'out'}")
    images = _arrays(tmp_path / "out" / "samples.npz")["images"]
    assert images.shape == (6, 8, 8, 3)
    np.testing.assert_array_equal(images[:4, ::2, ::2], small.repeat(2, axis=0))
    np.testing.assert_array_equal(images[4:] >> 5, full.repeat(2, axis=0) >> 5)
    for first, second in zip(images[::2], images[1::2], strict=True):
        assert (first != second).any()

    (folder / "c.png").unlink()
    run(
        *("sample", f"--workdir={cascade}", *arguments[:2], "--given_bits=3"),
        f"--output_dir={tmp_path / 'coarse'}",
    )
    coarse = _arrays(tmp_path / "coarse" / "samples.npz")["images"][:, ::2, ::2]
    np.testing.assert_array_equal(coarse >> 5, small.repeat(2, axis=0) >> 5)
    assert (coarse != small.repeat(2, axis=0)).any()


def test_the_exported_cascade_agrees_with_the_commands(cascade, pictures, tmp_path):
    run("export", f"--workdir={cascade}", f"--output_dir={tmp_path / 'model'}")
    images = np.stack([np.asarray(Image.open(path)) for path in sorted(pictures.iterdir())])
    np.save(tmp_path / "images.npy", images)
    paths = [tmp_path / name for name in ("model", "images.npy", "results.npz")]
    command = [sys.executable, "-I", "-c", _LOADER, *map(str, paths)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = _arrays(tmp_path / "results.npz")
    figures = json.loads(
        run(
            "evaluate eagerly", f"--workdir={cascade}", "--split=all", "--codecs=false"
        ).stdout.splitlines()[-1]
    )
    assert -results["nats"].mean() == pytest.approx(figures["nats"], abs=1e-4 * 3 * 8**2)
    out = f"--output_dir={tmp_path / 'out'}"
    run("sample", f"--workdir={cascade}", "--num_samples=3", "--seed=5", out)
    np.testing.assert_array_equal(
        results["drawn"], _arrays(tmp_path / "out" / "samples.npz")["images"]
    )
    np.testing.assert_array_equal(results["from_small"][:, ::2, ::2], images[:, ::2, ::2])
    np.testing.assert_array_equal(results["from_full"] >> 5, images >> 5)
