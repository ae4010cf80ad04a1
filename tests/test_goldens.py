"""Workdirs written by an earlier commit (tests/goldens/make.sh) load and give the same results.

A failure means that users' workdirs no longer load, or that their settings changed meaning.
"""

import json
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.cascade_cli.commands import run, run_forked, run_side_by_side

GOLDENS = pathlib.Path(__file__).with_name("goldens")
# By golden: the PART of each expected_PART.npz, with the flags of bin/sample that wrote it.
_THREE = "--num_samples=3"
SAMPLES = {
    "spn": {"samples": [_THREE], "upscaled": ["--from_images=given_4x4"]},
    "cascade": {"samples": [_THREE], "upscaled": ["--from_images=given_4x4"]},
    "wavelets": {"samples": ["--from_images=given_32x32"]},
    "pixels": {"samples": ["--from_images=given_32x32"]},
    "spn_prior": {"samples": [_THREE]},
    "gan_prior": {
        "samples": [_THREE, "--classes=1,0,1"],
        "upscaled": ["--from_images=given_32x32"],
    },
    "gan": {"samples": [_THREE, "--classes=1,0,1"]},
}
_SPNS = ("spn", "cascade", "spn_prior")
# Tolerance on the scale of 0 to 255: SPNs sample integers exactly; float images depend on the order
# of sums, which differs between processors.
_ROUNDING = {"spn": 0, "cascade": 0}
_ROUNDED = 2
# Rounding may flip a draw between two nearly equally likely values, which changes all later draws.
_SHARE_OF_TIES = 0.05


@pytest.fixture
def goldens(tmp_path, name) -> pathlib.Path:
    """A copy of a golden and its images, which commands may change."""
    for part in (name, "pictures", "given_4x4", "given_32x32"):
        shutil.copytree(GOLDENS / part, tmp_path / part)
    shutil.unpack_archive(tmp_path / name / "workdir.tar.gz", tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", SAMPLES)
def test_a_golden_evaluates_and_samples_as_the_commit_that_wrote_it(goldens, name):
    # Tracing takes longer than one eager run, but an SPN's sampler is compiled in any case.
    draws_eagerly = "" if name in _SPNS else " eagerly"
    workdir = f"--workdir={name}/workdir"
    flags = ["--nocodecs"] if name in ("spn", "cascade") else []
    flags += ["--class_shares=even"] if name.startswith("gan") else []  # as it was then
    evaluate = {
        "directory": str(goldens),
        "command": "evaluate" + ("" if name == "spn_prior" else " eagerly"),
        "arguments": [workdir, "--data_dir=pictures", *flags],
    }
    sample = [
        {
            "directory": str(goldens),
            "command": "sample" + draws_eagerly,
            "arguments": [workdir, f"--output_dir={part}", *flags],
        }
        for part, flags in SAMPLES[name].items()
    ]
    answers = run_side_by_side([evaluate, *sample])
    for code, _, stderr in answers:
        assert code == 0, stderr
    figures = json.loads(answers[0][1].splitlines()[-1])
    _require_close(figures, json.loads((goldens / name / "expected.json").read_text()))
    for part in SAMPLES[name]:
        with np.load(goldens / name / f"expected_{part}.npz") as archive:
            expected = dict(archive)
        _require_same_images(goldens / part, expected, _ROUNDING.get(name, _ROUNDED))


def _require_close(figures: object, expected: object, name: str = "") -> None:
    """Compares figures with those of a golden; a later version may print more of them."""
    if isinstance(expected, dict):
        assert isinstance(figures, dict), name
        for key, value in expected.items():
            assert key in figures, f"{name} has no {key}"
            _require_close(figures[key], value, f"{name}/{key}")
    elif name.rstrip("*").endswith("deviation") and figures is None:
        assert expected == 0  # that commit gave a deviation to a single subset
    elif isinstance(expected, float):
        assert figures == pytest.approx(expected, rel=1e-4, abs=1e-6), name
    else:
        assert figures == expected, name


def _require_same_images(output: pathlib.Path, expected: dict[str, np.ndarray], most: int) -> None:
    """Compares images written by bin/sample with those of a golden, by stage."""
    file = "samples.npz" if set(expected) == {"images"} else "stages.npz"
    with np.load(output / file) as archive:
        images = dict(archive)
    assert list(images) == list(expected)
    for stage, golden in expected.items():
        assert images[stage].shape == golden.shape and images[stage].dtype == golden.dtype
        differ = np.abs(images[stage].astype(int) - golden) > most
        assert differ.mean() <= _SHARE_OF_TIES, f"{stage}: {differ.mean():.0%} of values differ"


@pytest.mark.parametrize(
    ("name", "stage", "step"),
    [("spn", "spn", 300), ("cascade", "size", 300), ("wavelets", "to16", 20), ("gan", "gan", 20)],
)
def test_training_resumes_from_a_golden(goldens, name, stage, step):
    workdir = goldens / name / "workdir"
    done = run(
        *("train eagerly", f"--workdir={workdir}", f"--data_dir={goldens / 'pictures'}"),
        *(f"--stage={stage}", f"--steps={step + 1}", "--report=false"),
    )
    assert f"resumed at step {step};" in done.stderr
    assert f"trained to step {step + 1}," in done.stderr
    assert (workdir / stage / "checkpoints" / f"ckpt-{step + 1}.index").exists()


@pytest.mark.parametrize(
    ("name", "stage", "flag", "other"),
    [
        ("spn", "spn", "pixelcnn_conv_channels=8", "pixelcnn_conv_channels=12"),
        ("spn", "spn", "decoder_attention_layers=1", "decoder_attention_layers=2"),
        ("gan", "gan", "gan_z_size=6", "gan_z_size=9"),
        ("wavelets", "to16", "packet_width=4", "packet_width=6"),
    ],
)
def test_a_checkpoint_of_another_architecture_is_refused_in_one_line(
    goldens, name, stage, flag, other
):
    """A flag whose meaning changed must not load a part of the weights."""
    record = goldens / name / "workdir" / stage / "flags.txt"
    before = record.read_text()
    record.write_text(before.replace(f"--{flag}\n", f"--{other}\n"))
    assert record.read_text() != before
    arguments = (f"--workdir={name}/workdir", "--data_dir=pictures")
    code, stdout, stderr = run_forked(goldens, "evaluate eagerly", *arguments)
    lines = stderr.splitlines()  # warnings may come before the error
    assert (code, stdout) == (1, "") and all(x.startswith("evaluate: ") for x in lines), stderr
    assert "it was written with other flags than those recorded beside it" in lines[-1]


def test_a_golden_archive_is_read(tmp_path):
    """Of format 1, by `compress --portable`; later versions must read it, or refuse in words."""
    shutil.unpack_archive(GOLDENS / "cascade" / "workdir.tar.gz", tmp_path)
    flags = (f"--workdir={tmp_path / 'workdir'}", f"--output_dir={tmp_path}")
    run("decompress", f"--input={GOLDENS / 'cascade' / 'archive.spn'}", *flags)
    pictures = {"discs": "given_4x4/discs.png", "stripes": "pictures/stripes/00.png"}
    for name, path in pictures.items():
        with Image.open(tmp_path / f"{name}.png") as own, Image.open(GOLDENS / path) as given:
            np.testing.assert_array_equal(np.asarray(own), np.asarray(given))
