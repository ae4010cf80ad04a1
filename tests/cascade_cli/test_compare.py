"""compare: two models, trained and evaluated alike."""

import json
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cascade_cli.command_line import flags_of
from cascade_cli.compared_models import compared_models
from cascade_tf.errors import UsageError
from tests.cascade_cli.commands import run, run_forked, start

_SHARED = """
--dataset=digits
--image_size=8
--channels=1
--batch_size=4
--pixelcnn_layers=1
--pixelcnn_conv_channels=8
--pixelcnn_residual_channels=8
--evaluate_every=0
--checkpoint_every=20
--jit_compile=false
"""
_STEP = "step/.ATTRIBUTES/VARIABLE_VALUE"
_DECODER = "--scale=1\n--decoder_attention_layers=0\n--decoder_attention_channels=4\n--ffn_size=4\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Has a flagfile of each model, and the workdir of a comparison."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "pixelcnn.flags").write_text(f"--system=gated_pixelcnn{_SHARED}")
    (folder / "decoder.flags").write_text(_DECODER + _SHARED)
    return folder


def _flags(folder):
    return (
        f"--configs={folder / 'pixelcnn.flags'},{folder / 'decoder.flags'}",
        f"--workdir={folder / 'W'}",
        "--num_images=5",
        "--num_samples=2",
    )


@pytest.fixture(scope="module")
def stopped_at(folder):
    """The step at which the first training of a comparison was stopped."""
    process = start("compare", *_flags(folder), "--steps=1000000")
    directory = folder / "W" / "pixelcnn" / "pixelcnn"
    while not list(directory.glob("checkpoints/*.index")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    process.terminate()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "compare: pixelcnn is not finished; the same command goes on" in stderr
    return int(tf.train.load_variable(str(directory / "checkpoints"), _STEP))


@pytest.fixture(scope="module")
def compared(folder, stopped_at):
    """A comparison that was stopped, and then finished."""
    return run("compare", *_flags(folder), f"--steps={stopped_at}")


def test_the_table_has_a_row_for_each_model_and_codec_and_finished_models_are_kept(
    folder, compared, stopped_at
):
    results = json.loads(compared.stdout.splitlines()[-1])
    assert list(results) == ["pixelcnn", "decoder"]
    for figures in results.values():
        assert [*figures["steps"].values()] == [stopped_at] and figures["images"] == 5
        assert 0 < figures["bits_per_dim"] < 9 and figures["memory"] > 1e8
        assert figures["minutes"] > 0 and figures["seconds_per_sample"] > 0
    rows = (folder / "W" / "comparison.md").read_text().splitlines()
    assert [row.split(" | ")[0] for row in rows[2:4]] == ["| pixelcnn", "| decoder"]
    assert rows[-1].startswith("| JPEG XL")
    assert np.asarray(Image.open(folder / "W" / "samples.png")).shape[1] > 512
    assert (folder / "W" / "curves.png").exists()
    again = run("compare", *_flags(folder), f"--steps={stopped_at}")
    assert again.stdout == compared.stdout
    assert "train" not in again.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workdir=N"], "--configs is missing"),
        (["--configs=pixelcnn.flags"], "--workdir is missing"),
        (["--configs=pixelcnn.flags,pixelcnn.flags", "--workdir=N"], "two have the name pixelcnn"),
        (["--configs=pixelcnn.flags", "--workdir=N", "--scale=2"], "--scale means nothing to"),
        (["--configs=gan.flags", "--workdir=N"], "--system=biggan has no likelihood to compare"),
        (["--configs=one.flags", "--workdir=N"], "one.flags: leave out --stage and --split"),
        (["--configs=pixelcnn.flags,deep.flags", "--workdir=N"], "--bits is 8 for pixelcnn and 5"),
    ],
)
def test_mistakes_get_one_line_and_nothing_is_written(folder, flags, message):
    (folder / "gan.flags").write_text("--system=biggan\n--image_size=16\n")
    (folder / "one.flags").write_text(f"--split=all\n{_DECODER}{_SHARED}")
    (folder / "deep.flags").write_text(f"--bits=5\n{_DECODER}{_SHARED}")
    code, _, stderr = run_forked(folder, "compare", *flags)
    assert code == 2 and message in stderr and stderr.count("\n") == 1
    assert not (folder / "N").exists()


@pytest.mark.parametrize(
    ("flags", "limits"),
    [
        (["--max_minutes=6"], ["--max_minutes=3.0", "--steps=1000000000"]),
        (["--max_minutes=6", "--steps=9"], ["--max_minutes=3.0"]),
        (["--steps=9"], ["--max_minutes=0"]),
        (["--max_minutes=spn:30", "--max_minutes=depth:10"], []),
        ([], []),
    ],
)
def test_limits_of_all_models_replace_those_of_flagfiles(folder, flags, limits):
    config = folder / "cascade.flags"
    config.write_text(f"--upscaling=depth\n--max_minutes=1\n--steps=7\n{_DECODER}{_SHARED}")
    parser = flags_of("compare")
    own = [f"--configs={config}", "--workdir=W", *flags]
    (of_train,) = compared_models(*parser.parse(own)).values()
    assert of_train[4 + len(flags) :] == limits


def test_stages_share_the_time_in_proportion_to_limits_of_their_own(folder):
    config = folder / "cascade.flags"
    own = f"--upscaling=depth\n--max_minutes=spn:1\n{_DECODER}{_SHARED}"
    config.write_text(f"{own}\n--max_minutes=depth:2\n")
    arguments = [f"--configs={config}", "--workdir=W", "--max_minutes=6"]
    (of_train,) = compared_models(*flags_of("compare").parse(arguments)).values()
    assert of_train[5:] == [
        "--max_minutes=spn:2.0",
        "--max_minutes=depth:4.0",
        "--steps=1000000000",
    ]
    config.write_text(own)
    with pytest.raises(UsageError, match="give each stage a `max_minutes` above 0, or none"):
        compared_models(*flags_of("compare").parse(arguments))


def test_figures_of_other_settings_are_not_overwritten(folder, compared):
    code, _, stderr = run_forked(folder, "compare", *_flags(folder), "--steps=1")
    assert code == 1 and "has figures of other settings: use another workdir" in stderr
