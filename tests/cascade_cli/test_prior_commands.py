"""The commands on unconditional models: decoders with a GAN or SPN prior, and the baseline GAN."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import wavelet_tf
from cascade_cli.command_line import flags_of, open_experiment
from cascade_cli.commands import evaluate as evaluate_command
from cascade_cli.evaluation.report import Report
from cascade_cli.evaluation.samples import SampleEvaluation
from cascade_cli.systems.gan_drawing import settle
from cascade_tf.data import DataConfig, open_source
from cascade_tf.errors import UserError
from cascade_tf.metrics import PixelFeatures
from tests.cascade_cli.commands import TINY_GAN, TINY_MODEL, run, run_forked, train
from wavelet_tf.gan_stage import GANStage

_SHARED = (
    "--dataset=digits",
    "--image_size=32",
    "--channels=1",
    "--evaluate_every=0",
    "--jit_compile=false",
    "--batch_size=8",
    "--learning_rate=1e-3",
    "--checkpoint_every=1",
)
_DECODER = ("--levels=1", "--patch_size=8", "--packet_width=8", "--head_width=4")
_LOADER = """
import sys
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
images = model.sample(np.int32([3, 1]), np.int32(5), np.float32(1))["images"]
np.save(sys.argv[2], images)
project = {"cascade_tf", "wavelet_tf"} & {name.split(".")[0] for name in sys.modules}
assert not project, project
"""


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """The workdir of a decoder trained without --prior, and a GAN prior trained after it."""
    directory = tmp_path_factory.mktemp("nsb")
    train(*_SHARED, *_DECODER, "--system=nsb", f"--workdir={directory}", "--steps=2")
    prior = ("--prior=biggan", "--stage=prior", "--steps=2", "--sample_every=2")
    train(*_SHARED, *_DECODER, *TINY_GAN, "--system=nsb", f"--workdir={directory}", *prior)
    return directory


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    """The workdir of a BigGAN-deep of whole images."""
    directory = tmp_path_factory.mktemp("biggan")
    flags = ("--system=biggan", "--architecture=biggan_deep", "--steps=1", "--image_size=16")
    train(*_SHARED, *TINY_GAN, *flags, f"--workdir={directory}")
    return directory


def _evaluated(workdir, *arguments, command="evaluate eagerly"):
    done = run(command, f"--workdir={workdir}", "--num_images=24", *arguments)
    return json.loads(done.stdout.splitlines()[-1]), done.stdout


def test_evaluate_compares_samples_over_truncations_and_checkpoints(workdir, tmp_path):
    output = tmp_path / "out"
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        noise = np.random.default_rng(number).integers(0, 256, [40, 40], dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    figures, stdout = _evaluated(
        workdir,
        "--truncations=1,0.5",
        "--num_samples=20",
        "--all_checkpoints",
        f"--compare_images={folder}",
        f"--output_dir={output}",
        f"--save_reference={tmp_path / 'reference.npz'}",
    )
    # The decoders' figures are the same as without a prior.
    assert figures["steps"] == {"to32": 2} and figures["mse"] > 0
    samples = figures["samples"]
    assert samples["feature_space"]["sha256"] is None and "fid" not in stdout.lower()
    assert list(samples["by_truncation"]) == ["1", "0.5"]
    for distances in samples["by_truncation"].values():
        assert distances["pixel_frechet_distance"] > 0
        assert 0 <= distances["pixel_recall"] <= 1
        assert distances["pixel_frechet_distance*"] > 0  # to the reconstructions
    real, generated = samples["reconstructions"], samples["by_truncation"]["1"]
    assert real["pixel_frechet_distance"] < generated["pixel_frechet_distance"]
    assert samples["truncation_kind"] == "scale" and "truncation_kind: scale" in stdout
    assert [c["step"] for c in samples["by_checkpoint"]] == [1, 2]
    assert all(c["truncation"] == 1 for c in samples["by_checkpoint"])
    assert samples["by_checkpoint"][1]["pixel_frechet_distance"] == pytest.approx(
        generated["pixel_frechet_distance"]
    )
    assert set(samples["folder"]) == {"as they are", "decoded"}
    assert any("24 images do not determine" in caution for caution in samples["cautions"])
    assert json.loads((output / "evaluation.json").read_text()) == figures
    assert "truncation 0.5: pixel frechet distance" in stdout
    assert samples["classes"] == "in the proportion of the images"
    for name in ("truncations.png", "training.png"):
        with Image.open(output / name) as plot:
            assert plot.size == (720, 480)

    against, _ = _evaluated(workdir, "--num_samples=20", f"--reference={tmp_path}/reference.npz")
    assert against["samples"]["by_truncation"]["1"]["pixel_frechet_distance"] == pytest.approx(
        generated["pixel_frechet_distance"], rel=1e-6
    )
    # The file says all that it is asked for.
    assert not any("npz" in caution for caution in against["samples"]["cautions"])
    with np.load(tmp_path / "reference.npz") as file:
        said = {key: str(file[key]) for key in ("image_size", "channels", "dataset", "split")}
    assert list(said.values()) == ["32x32", "1", "digits", "test"]


def test_sample_draws_classes_and_interpolations_and_decodes_from_images(workdir, tmp_path):
    def sampled(name, *arguments):
        output = tmp_path / name
        run("sample eagerly", f"--workdir={workdir}", f"--output_dir={output}", *arguments)
        with np.load(output / "stages.npz") as archive:
            stages = dict(archive)
        with Image.open(output / "samples.png") as page:
            return stages, page.size

    stages, size = sampled("classes", "--classes=3, 1,4", "--num_samples=6", "--truncation=0.7")
    assert {name: x.shape for name, x in stages.items()} == {
        "prior": (6, 16, 16, 1),
        "to32": (6, 32, 32, 1),
    }
    assert size[0] / size[1] == pytest.approx((3 * 33 - 1) / (2 * 33 - 1))  # a column per class
    one, _ = sampled("one", "--classes=3", "--num_samples=2", "--truncation=0")
    np.testing.assert_array_equal(one["prior"][0], one["prior"][1])

    lines, size = sampled(
        *("lines", "--interpolate=class", "--classes=3,1", "--num_samples=2", "--line_images=4"),
        "--truncation=0",
    )
    assert len(lines["prior"]) == 8 and size[0] > size[1]
    np.testing.assert_array_equal(lines["prior"][0], one["prior"][0])

    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(stages["to32"][0, ..., 0]).save(images / "a.png")
    decoded, _ = sampled("decoded", f"--from_images={images}")
    assert set(decoded) == {"given", "latent", "to32"}


def test_classes_are_those_of_the_folders_and_may_not_change(tmp_path):
    """A prior that joins decoders takes the number of classes from the folders."""
    pictures, workdir = tmp_path / "pictures", tmp_path / "w"
    noise = np.random.default_rng(0).integers(0, 256, [24, 32, 32], dtype=np.uint8)
    for number, pixels in enumerate(noise):
        folder = pictures / ("cat", "dog", "owl")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    flags = (*_SHARED, *_DECODER, "--system=nsb", "--dataset=folder", f"--data_dir={pictures}")
    train(*flags, f"--workdir={workdir}", "--steps=1")
    prior = (*flags, f"--workdir={workdir}", "--prior=biggan", "--stage=prior", *TINY_GAN[1:])

    def refused(command, *arguments) -> str:
        code, _, stderr = run_forked(tmp_path, command, *arguments)
        assert code in (1, 2) and len(stderr.splitlines()) == 1, stderr
        return stderr

    (pictures / "owl").rename(tmp_path / "owl")
    assert "to32 was trained on other classes" in refused("train", *prior, "--steps=1")
    (tmp_path / "owl").rename(pictures / "owl")
    assert "--num_classes=4: the images have 3" in refused("train", *prior, "--num_classes=4")
    done = run("train eagerly", *prior, "--steps=1")
    assert "stage prior: 3 classes: cat (" in done.stderr
    assert "--num_classes=3\n" in (workdir / "prior" / "flags.txt").read_text()
    (pictures / "dog").rename(pictures / "a dog")
    assert "dog is missing and a dog is new" in refused("train", f"--workdir={workdir}")

    sample = ("sample eagerly", f"--workdir={workdir}", "--num_samples=2")
    run(*sample, "--classes=owl,1", f"--output_dir={tmp_path / 'names'}")
    run(*sample, "--classes=2,dog", f"--output_dir={tmp_path / 'numbers'}")
    drawn = [np.load(tmp_path / name / "samples.npz")["images"] for name in ("names", "numbers")]
    np.testing.assert_array_equal(*drawn)
    line = refused("sample", f"--workdir={workdir}", "--output_dir=o", "--classes=cow")
    assert (
        line == "sample: --classes=cow: there is no class cow: the model knows 3 (cat, dog, owl)\n"
    )


def test_the_saved_model_samples_classes_without_the_project(workdir, tmp_path):
    run("export", f"--workdir={workdir}", f"--output_dir={tmp_path / 'model'}")
    (tmp_path / "loader.py").write_text(_LOADER)
    subprocess.run(
        [sys.executable, "-I", "loader.py", "model", "images.npy"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    run(
        "sample",
        f"--workdir={workdir}",
        f"--output_dir={tmp_path / 'out'}",
        *("--classes=3,1", "--num_samples=2", "--seed=5"),
    )
    images = np.load(tmp_path / "images.npy")
    expected = np.load(tmp_path / "out" / "samples.npz")["images"]
    assert images.shape == expected.shape and images.dtype == np.uint8
    assert np.abs(images.astype(int) - expected).max() <= 1


def test_an_spn_as_prior(tmp_path):
    flags = ("--system=nsb", "--prior=spn", "--steps=1", f"--workdir={tmp_path / 'w'}")
    model = [flag for flag in TINY_MODEL if "image_size" not in flag]
    of_classes = ("--num_classes=10", "--steps=prior:3", "--polyak_decay=0")
    train(*model, *_SHARED, *_DECODER, *flags, *of_classes)
    figures, _ = _evaluated(tmp_path / "w", "--num_samples=8", command="evaluate")
    assert figures["prior"]["bits_per_dim_of_latents"] == pytest.approx(8, abs=1)
    assert figures["prior"]["quantization_psnr"] > 40
    assert figures["samples"]["by_truncation"]["1"]["pixel_frechet_distance"] > 0
    sampled = (f"--workdir={tmp_path / 'w'}", f"--output_dir={tmp_path / 'o'}", "--num_samples=10")
    run("sample", *sampled, "--classes=9,8,7,6,5,4,3,2,1,0", "--seed=5")
    images = np.load(tmp_path / "o" / "samples.npz")["images"]
    model = wavelet_tf.load(tmp_path / "w")
    expected = model.sample(classes=range(9, -1, -1), seed=5)
    np.testing.assert_array_equal(images, expected)
    assert (expected != model.sample(classes=range(10), seed=5)).any()


def test_the_baseline_of_whole_images(baseline, tmp_path):
    figures, stdout = _evaluated(
        *(baseline, "--num_images=500", "--num_samples=12", "--truncation_kind=truncate"),
        *("--nearest=4", f"--output_dir={tmp_path}"),
    )
    shown = figures["nearest"]
    assert len(shown["distances"]) == 4 and shown["distances"] == sorted(shown["distances"])
    assert shown["training_images"] == 4500 and 0 <= shown["share_nearer"] <= 1
    assert shown["share_nearer_expected"] == 4500 / 5000
    assert "nearest.png: samples beside the nearest of 4,500 training images; " in stdout
    with Image.open(tmp_path / "nearest.png") as picture:
        strip = 4 * 17 - 1  # a sample and three training images, with gaps
        assert picture.width * (2 * 16 + 4) == picture.height * (2 * strip + 4)
    assert figures["truncation_kind"] == "truncate"
    assert figures["by_truncation"]["1"]["pixel_frechet_distance"] > 0
    assert "reconstructions" not in figures
    run("sample", f"--workdir={baseline}", "--num_samples=3", f"--output_dir={tmp_path / 'o'}")
    assert np.load(tmp_path / "o" / "samples.npz")["images"].shape == (3, 16, 16, 1)


def test_what_is_computed_outlives_a_later_failure(baseline, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in "abcdefg":
        Image.new("L", (16, 16)).save(folder / f"{name}.png")
    (folder / "g.png").write_bytes(b"no image")
    code, stdout, stderr = run_forked(
        *(tmp_path, "evaluate eagerly", f"--workdir={baseline}", "--num_images=12"),
        *("--compare_images=pictures", "--output_dir=out"),
    )
    assert code == 1 and "cannot decode image pictures/g.png" in stderr.splitlines()[-1]
    assert stderr.startswith("evaluate: samples: 12 images do not determine the covariance")
    *lines, last = stdout.splitlines()
    figures = json.loads(last)
    distance = figures["by_truncation"]["1"]["pixel_frechet_distance"]
    assert lines == [f"truncation 1: pixel frechet distance {distance:.4g}"]
    assert figures["missing"] == ["folder", "fingerprint"]
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == figures


def test_too_few_images_are_refused_before_samples_are_drawn(workdir, baseline, tmp_path):
    few = "2 images are too few to compare samples with, 4 are needed"

    def answer(work, *arguments):
        arguments = (f"--workdir={work}", "--num_images=2", "--output_dir=out", *arguments)
        return run_forked(tmp_path, "evaluate eagerly", *arguments)

    for refused in (answer(baseline), answer(workdir, "--truncations=1")):
        assert refused[:2] == (1, "") and few in refused[2] and refused[2].count("\n") == 1
    # The decoders need no more images.
    code, stdout, stderr = answer(workdir)
    figures = json.loads(stdout.splitlines()[-1])
    assert code == 0 and stderr.startswith(f"evaluate: {few}"), stderr
    assert figures["missing"] == ["samples"] and figures["mse"] > 0 and figures["images"] == 2


def test_a_classifier_needs_ten_images(baseline, monkeypatch, tmp_path):
    monkeypatch.setattr(PixelFeatures, "probabilities", lambda _, features: np.ones([1, 1]))
    for flag, message in (
        ("--num_images=9", "9 images are too few to compare samples with, 10 are needed"),
        ("--num_samples=9", "num_samples=9: use 10 or more"),
    ):
        flags = [f"--workdir={baseline}", f"--output_dir={tmp_path}", flag]
        options, experiment = open_experiment(flags, flags_of("evaluate"))
        with pytest.raises(UserError, match=message):
            evaluate_command.main(experiment, options)


def test_classes_are_sampled_in_the_proportion_of_the_images(baseline, monkeypatch, tmp_path):
    drawn, sample = [], GANStage.sample

    def recorded(stage, request):
        drawn.append(request.labels)
        return sample(stage, request)

    monkeypatch.setattr(GANStage, "sample", recorded)
    flags = [f"--workdir={baseline}", "--num_images=9", "--batch_size=9", "--standing_batches=1"]

    def evaluate(*arguments):
        drawn.clear()
        options, experiment = open_experiment([*flags, *arguments], flags_of("evaluate"))
        evaluate_command.main(experiment, options)

    tf.config.run_functions_eagerly(True)
    try:
        evaluate("--truncations=1,0.5", "--all_checkpoints", f"--output_dir={tmp_path}")
        (batch,) = open_source(DataConfig("digits", None, 16, 1), "test").evaluation_examples(9, 9)
        assert len(drawn) == 3  # two truncations, one checkpoint
        for labels in drawn:
            assert sorted(labels.numpy()) == sorted(batch.labels.numpy())
        evaluate("--class_shares=even", f"--output_dir={tmp_path}", "--overwrite")
        assert drawn == [None]
    finally:
        tf.config.run_functions_eagerly(False)


def test_classes_of_other_names_are_refused_unless_they_are_drawn_evenly(baseline, tmp_path):
    """Numbers of the model's classes would stand for others in the proportion of the images."""
    for number in range(10):
        folder = tmp_path / "pictures" / ("0b" if number == 4 else str(number))
        folder.mkdir(parents=True)
        Image.new("L", (16, 16), number).save(folder / "a.png")
    flags = [f"--workdir={baseline}", "--split=all", f"--output_dir={tmp_path}"]
    flags += ["--dataset=folder", f"--data_dir={tmp_path / 'pictures'}"]

    def constructed(*arguments):
        options, experiment = open_experiment([*flags, *arguments], flags_of("evaluate"))
        source = open_source(experiment.data_of_all_stages(), options.split)
        report, strategy = Report(options), tf.distribute.get_strategy()
        SampleEvaluation(experiment, strategy, source, 10, options, report, True, settle)

    advice = "4 is missing and 0b is new .*draw classes evenly with `class_shares`=even"
    with pytest.raises(UserError, match=advice):
        constructed()
    constructed("--class_shares=even")


def test_a_batch_not_divisible_by_the_accumulations_is_refused(tmp_path):
    flags = (*_SHARED, *TINY_GAN, "--system=biggan", "--workdir=new", "--image_size=16")
    code, _, stderr = run_forked(tmp_path, "train", *flags, "--gan_accumulations=3")
    advice = "--batch_size=8: use a multiple of 3, for 1 replica, each with 3 parts"
    assert code == 2 and advice in stderr and not (tmp_path / "new").exists()


def test_weights_of_a_later_stage_are_read_before_the_first_one_trains(tmp_path):
    flags = (*_SHARED, *_DECODER, *TINY_GAN, "--system=nsb", "--prior=biggan", "--workdir=new")
    loss = ("--decoder_loss=mse,perceptual", "--inception=nowhere")
    code, _, stderr = run_forked(tmp_path, "train", *flags, *loss)
    assert (code, stderr) == (1, "train: cannot read nowhere: No such file or directory\n")
    assert not (tmp_path / "new").exists()


def test_mistakes_are_refused_in_one_line(workdir, tmp_path):
    wrong = [
        ("sample", "--classes=10", 2, "there is no class 10: the model knows 10"),
        ("sample", "--classes=3,,4", 2, "--classes=3,,4: use names separated by commas"),
        ("sample", "--temperature=.5", 2, "--temperature means nothing to --system=nsb"),
        ("sample", "--line_images=3", 2, "--line_images means nothing without --interpolate"),
        ("evaluate", "--truncations=-1", 2, "--truncations=-1.0: use 0 to 100"),
        ("evaluate", "--inception=nowhere", 1, "nowhere"),
        ("evaluate", "--reference=nowhere.npz", 1, "nowhere.npz"),
        ("evaluate", "--compare_images=nowhere", 1, "nowhere"),
        ("evaluate", "--save_reference=.", 2, "--save_reference=.: it is a directory: name a file"),
        ("evaluate", "--num_samples=3", 2, "--num_samples=3: use 4 or more"),
        ("sample", ["--interpolate=class", "--classes=3"], 2, "must be two --classes or more"),
        ("train", ["--batch_size=8", "--gan_accumulations=3"], 1, "--gan_accumulations=1, not 3"),
        ("train", "--inception=nowhere", 2, "--inception means nothing without --distance_images"),
        ("train", "--gan_z_size=5", 1, "was trained with --gan_z_size=12, not 5"),
        ("train", "--pixelcnn_layers=2", 2, "means nothing to --system=nsb --prior=biggan"),
    ]  # fmt: skip
    for command, mistake, code, message in wrong:
        arguments = [mistake] if isinstance(mistake, str) else mistake
        output = ["--output_dir=o"] if command == "sample" else []
        done = run_forked(tmp_path, command, f"--workdir={workdir}", *output, *arguments)
        assert done[0] == code and message in done[2] and len(done[2].splitlines()) == 1, done
