"""Train, evaluate, sample and export by the real commands."""

import dataclasses
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cascade_cli.evaluation.likelihood import first_images
from cascade_tf.codecs import TITLES, codec_bits_per_dim
from cascade_tf.data import DataConfig, open_source
from tests.cascade_cli.commands import TINY_MODEL, run, run_forked, start

# Loads a SavedModel in a process that cannot import the project.
_LOADER = """
import sys
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
drawn = {
    f"seed{seed}": model.sample(count=5, seed=seed, temperature=1.0)["images"] for seed in (3, 4)
}
likeliest = model.sample(count=2, seed=3, temperature=0.0)["images"]
np.savez(
    sys.argv[3],
    nats=model.log_prob(images)["nats"],
    nats_of_drawn=model.log_prob(drawn["seed3"])["nats"],
    likeliest=likeliest,
    **drawn,
)
project = {"cascade_tf", "spn_tf"} & {name.split(".")[0] for name in sys.modules}
assert not project, project
"""


def _first_checkpoint_after(step: int, workdir: pathlib.Path, process: subprocess.Popen) -> None:
    """Waits until a training has saved a checkpoint later than `step`."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if _last_step(workdir) > step:
            return
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"no checkpoint: {process.communicate()}")


def _last_step(workdir: pathlib.Path) -> int:
    path = tf.train.latest_checkpoint(str(workdir / "spn" / "checkpoints"))
    return -1 if path is None else int(path.rsplit("-")[-1])


def _checkpoint(workdir: pathlib.Path) -> dict[str, np.ndarray]:
    """Variables of the newest checkpoint, without the training time and the save counter.

    The network's weights are stored under the optimizer's names, as each variable is saved once.
    """
    reader = tf.train.load_checkpoint(str(workdir / "spn" / "checkpoints"))
    names = reader.get_variable_to_shape_map()
    left_out = ("_CHECKPOINTABLE_OBJECT_GRAPH", "seconds/", "save_counter/")
    return {name: reader.get_tensor(name) for name in names if not name.startswith(left_out)}


@dataclasses.dataclass
class _Trained:
    """Workdirs of a training that was stopped three times and of the same without a stop."""

    interrupted: pathlib.Path
    whole: pathlib.Path
    steps: int
    # Exit code and stderr of the training ended by each signal.
    stops: dict[signal.Signals, tuple[int, str]]
    ended: str  # stderr of the interrupted training's end


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pictures) -> _Trained:
    """Models of 8-bit grey images."""
    interrupted, whole = tmp_path_factory.mktemp("interrupted"), tmp_path_factory.mktemp("whole")
    data = ("--dataset=folder", f"--data_dir={pictures}", "--channels=1")
    flags = (*TINY_MODEL, *data, "--checkpoint_every=3")
    again: tuple[str, ...] = (*flags, "--steps=1000000")
    stops = {}
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        process = start("train", f"--workdir={interrupted}", *again)
        _first_checkpoint_after(_last_step(interrupted), interrupted, process)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=300)
        stops[number] = process.returncode, stderr
        again = ()
    # The workdir holds all other flags; the number of steps may change.
    steps = _last_step(interrupted) + 4
    reported = ("--evaluate_every=1000000", "--evaluate_images=2")
    end = run("train", f"--workdir={interrupted}", "--steps=spn:7", f"--steps={steps}", *reported)
    run("train", f"--workdir={whole}", *flags, f"--steps={steps}")
    return _Trained(interrupted, whole, steps, stops, end.stderr)


def test_a_training_stopped_three_times_has_the_same_weights_as_without_a_stop(trained):
    interrupted, whole = _checkpoint(trained.interrupted), _checkpoint(trained.whole)
    assert _last_step(trained.interrupted) == _last_step(trained.whole) == trained.steps
    assert trained.stops[signal.SIGKILL][0] == -signal.SIGKILL
    assert interrupted.keys() == whole.keys()
    assert {name.split("/")[0] for name in whole} >= {"average", "optimizer", "step"}
    for name, value in whole.items():
        np.testing.assert_array_equal(interrupted[name], value, name)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_training_with_one_line_and_a_checkpoint(trained, number, code):
    returned, stderr = trained.stops[number]
    assert returned == code
    *start_lines, last = stderr.splitlines()
    if number == signal.SIGTERM:  # it resumed a training that was killed
        assert start_lines.pop(0).endswith(" ended abnormally")
    start_line, *progress = start_lines
    assert "resumed at step" in start_line and len(progress) <= 1, stderr
    assert last.startswith("train: stopped: stage spn is saved at step ")


def test_a_training_ends_with_held_out_figures_samples_and_how_to_go_on(trained):
    workdir = trained.interrupted
    lines = trained.ended.splitlines()
    figures, samples, train_on, use = [
        next(line for line in lines if line.startswith(f"{title}: "))
        for title in ("held out", "samples", "train on", "use it")
    ]
    own = r"held out: ([\d.]+) ± [\d.]+ bits/dim of 2 images"
    codecs = r"[\w ]+ \(.*\) ([\d.]+), [\w ]+ \(.*\) ([\d.]+), [\w ]+ \(.*\) ([\d.]+)"
    found = re.fullmatch(rf"{own} \([\d.]+ times the best codec\); {codecs}", figures)
    done = run("evaluate", f"--workdir={workdir}", "--num_images=2", "--codecs=false")
    assert found and f"{json.loads(done.stdout.splitlines()[-1])['bits_per_dim']:.4f}" == found[1]
    assert all(title in figures for title in TITLES.values())
    assert [*found.groups()[1:]] == sorted(found.groups()[1:], key=float)
    page = workdir / "samples" / f"step_{trained.steps}" / "samples.png"
    assert samples == f"samples: 16 in {page}"
    assert _images(page.parent).shape == (16, 8, 8, 1)
    assert f"train --workdir={workdir}" in train_on and f"sample --workdir={workdir}" in use
    again = run("train", f"--workdir={workdir}", "--steps=spn:7", f"--steps={trained.steps}")
    assert "samples" not in again.stderr  # no step was left


def test_steps_of_one_stage_override_steps_for_all_stages(colour):
    assert _last_step(colour) == 4


def test_training_starts_from_the_weights_and_with_the_model_of_another_workdir(colour, tmp_path):
    data = ("--dataset=photos", "--seed=1", "--batch_size=2", "--evaluate_every=0", "--noreport")
    arguments = (f"--init_from={colour}", f"--workdir={tmp_path / 'new'}", *data)
    done = run("train eagerly", *arguments, "--steps=1", "--learning_rate=1e-3,1e-4",
               "--learning_rate_boundaries=1")  # fmt: skip
    assert f"starts from the weights of {colour}/spn/checkpoints/ckpt-4" in done.stderr
    record = (tmp_path / "new" / "spn" / "flags.txt").read_text().splitlines()
    assert {"--bits=3", "--image_size=8", "--ffn_size=8", f"--init_from={colour}"} <= {*record}
    assert {"--dataset=photos", "--seed=1", "--learning_rate=0.001,0.0001"} <= {*record}
    again = run("train eagerly", *arguments, "--steps=2")  # the same workdir, already trained
    assert "resumed at step 1" in again.stderr and "starts from" not in again.stderr


def test_the_last_line_of_evaluate_is_json_also_for_another_dataset(trained):
    flags = ("--dataset=digits", "--num_images=10", "--archive")
    done = run("evaluate", f"--workdir={trained.whole}", *flags)
    *table, last = done.stdout.splitlines()
    figures = json.loads(last)
    assert figures["images"] == 10 and figures["steps"] == {"spn": trained.steps}
    assert figures["bits_per_dim"] == figures["stages"]["spn"] > 0
    assert figures["nats"] / np.log(2) / 8**2 == pytest.approx(figures["bits_per_dim"], rel=1e-5)
    source = open_source(DataConfig("digits", None, image_size=8, channels=1), "test")
    (batch,) = source.evaluation_examples(10, limit=10)
    images = batch.images.numpy()
    assert figures | codec_bits_per_dim(images) == figures
    alone = figures["single_files"]
    assert alone | codec_bits_per_dim(images, tiled=False) == alone
    assert alone["bits_per_dim_of_codec_images"] == pytest.approx(figures["bits_per_dim"])
    ratio = alone["bits_per_dim_of_codec_images"] / alone["jpegxl"]
    (line,) = (line for line in table if line.startswith("JPEG XL"))
    assert line.endswith(f"in a file for each image (model: {ratio:.3f} of it)")
    assert f"{figures['bits_per_dim']:.4f}" in "\n".join(table)
    bytes_beside = (figures["archive"] - figures["bits_per_dim"]) * 10 * 8**2 / 8
    assert 4 * 10 < bytes_beside < 4 * 10 + 48 + 8 * 8  # of 8 streams at most
    assert f"archive: {figures['archive']:.4f} bits/dim of 10 images" in "\n".join(table)


def test_model_and_codecs_are_evaluated_on_the_images_that_can_be_decoded(
    colour, pictures, tmp_path
):
    shutil.copytree(pictures, tmp_path / "some")
    for name in ("00.png", "01.png"):
        (tmp_path / "some" / name).write_bytes(b"no image")
    flags = (f"--workdir={colour}", "--split=all", "--bad_images=skip", "--output_dir=out")
    code, stdout, stderr = run_forked(tmp_path, "evaluate eagerly", *flags, "--data_dir=some")
    assert code == 0 and "some/01.png: " in stderr, stderr
    figures = json.loads(stdout.splitlines()[-1])
    assert figures == json.loads((tmp_path / "out" / "evaluation.json").read_text())
    data = DataConfig("folder", str(tmp_path / "some"), 8, 3, bad_images="skip")
    source = open_source(data, "all")
    (batch,) = source.evaluation_examples(12)
    images = batch.images.numpy()[batch.indices >= 0]
    assert figures | codec_bits_per_dim(images >> 5 << 5) == figures
    assert figures["images"] == figures["codec_images"] == figures["fingerprint"]["images"] == 10
    assert figures["bits_per_dim_of_codec_images"] == pytest.approx(figures["bits_per_dim"])
    first, classes = first_images(source, total=12, count=3)
    np.testing.assert_array_equal(first, images[:3])
    assert classes.tolist() == [0, 0, 0]

    for path in (tmp_path / "some").iterdir():
        path.write_bytes(b"no image")
    code, stdout, stderr = run_forked(
        tmp_path, "evaluate eagerly", *flags, "--data_dir=some", "--overwrite"
    )
    assert (code, stdout) == (1, "") and "Traceback" not in stderr
    assert stderr.endswith("evaluate: none of the images to evaluate on can be decoded\n")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, colour):
    """Returns a function that runs bin/sample on the colour model; it returns the directory."""

    def draw(*arguments: str) -> pathlib.Path:
        directory = tmp_path_factory.mktemp("drawn")
        run("sample", f"--workdir={colour}", f"--output_dir={directory}", *arguments)
        return directory

    return draw


@pytest.fixture(scope="module")
def five(drawn) -> pathlib.Path:
    return drawn("--num_samples=5", "--batch_size=2", "--seed=3")


def _images(directory: pathlib.Path) -> np.ndarray:
    with np.load(directory / "samples.npz") as archive:
        assert archive.files == ["images"]
        return archive["images"]


def test_sample_writes_an_array_a_grid_and_the_stages(five):
    images = _images(five)
    assert images.dtype == np.uint8 and images.shape == (5, 8, 8, 3)
    assert sorted(path.name for path in five.iterdir()) == [
        "samples.npz",
        "samples.png",
        "stages.png",
    ]
    for name, rows, columns in (("samples.png", 2, 3), ("stages.png", 3, 2)):
        page = np.asarray(Image.open(five / name))
        height, width = 9 * rows - 1, 9 * columns - 1  # one white pixel between images
        factor = page.shape[0] // height
        assert page.shape == (factor * height, factor * width, 3)
        np.testing.assert_array_equal(page[: 8 * factor : factor, : 8 * factor : factor], images[0])


def test_samples_depend_on_their_seed_and_not_on_the_batch(five, drawn):
    images = _images(five)
    np.testing.assert_array_equal(_images(drawn("--num_samples=3", "--seed=3")), images[:3])
    others = _images(drawn("--num_samples=3", "--seed=4"))
    assert all((a != b).any() for a in others for b in images)
    assert len({image.tobytes() for image in images}) == 5


def test_ctrl_c_keeps_finished_images(colour, five, tmp_path):
    arguments = ("--num_samples=1000000", "--batch_size=2", "--seed=3")
    process = start("sample", f"--workdir={colour}", f"--output_dir={tmp_path}", *arguments)
    assert process.stderr is not None
    assert "slices" in process.stderr.readline()  # the first line of the bar, after 15 seconds
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 130
    images = _images(tmp_path)
    last = stderr.splitlines()[-1]
    assert last.startswith(f"sample: stopped after {len(images)} of 1000000 images: ")
    np.testing.assert_array_equal(images[:4], _images(five)[:4])


def _load_elsewhere(model: pathlib.Path, images: np.ndarray, directory: pathlib.Path):
    """Returns the results of an exported model in a process that cannot import the project."""
    np.save(directory / "images.npy", images)
    arguments = [model, directory / "images.npy", directory / "results.npz"]
    command = [sys.executable, "-I", "-c", _LOADER, *map(str, arguments)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(directory / "results.npz") as results:
        return dict(results)


def _evaluate(workdir: pathlib.Path, folder: pathlib.Path) -> dict:
    """Returns bin/evaluate's figures for all images of a folder."""
    flags = (f"--data_dir={folder}", "--split=all", "--codecs=false")
    return json.loads(run("evaluate", f"--workdir={workdir}", *flags).stdout.splitlines()[-1])


def test_an_exported_model_of_3_bits_draws_what_bin_sample_draws(colour, pictures, five, tmp_path):
    model = tmp_path / "model"
    run("export", f"--workdir={colour}", f"--output_dir={model}")
    images = np.stack([np.asarray(Image.open(path)) for path in sorted(pictures.iterdir())])
    results = _load_elsewhere(model, images, tmp_path)
    figures = _evaluate(colour, pictures)
    assert -results["nats"].mean() == pytest.approx(figures["nats"], abs=1e-4 * 3 * 8**2)

    np.testing.assert_array_equal(results["seed3"], _images(five))
    assert (results["seed3"] != results["seed4"]).any()
    assert (results["seed3"] % 2**5 == 0).all()
    assert np.isfinite(results["nats_of_drawn"]).all() and (results["nats_of_drawn"] <= 0).all()
    np.testing.assert_array_equal(results["likeliest"][0], results["likeliest"][1])

    # The SavedModel compresses, too, and the workdir reads its archives.
    inputs, output = tmp_path / "inputs", tmp_path / "restored"
    inputs.mkdir()
    Image.fromarray(images[0] >> 5 << 5).save(inputs / "a.png")
    archive = tmp_path / "a.spn"
    run("compress", f"--model={model}", f"--from_images={inputs}", f"--output={archive}")
    run("decompress", f"--workdir={colour}", f"--input={archive}", f"--output_dir={output}")
    assert np.array_equal(np.asarray(Image.open(output / "a.png")), images[0] >> 5 << 5)
    shutil.rmtree(inputs), shutil.rmtree(output), archive.unlink()

    # With --overwrite a second export replaces the first and leaves no other files.
    (model / "old").touch()
    run("export", f"--workdir={colour}", f"--output_dir={model}", "--overwrite")
    assert (model / "saved_model.pb").exists() and not (model / "old").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"model", "images.npy", "results.npz"}
