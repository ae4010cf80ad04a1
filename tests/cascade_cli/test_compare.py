"""compare: two models, trained and evaluated alike."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.cascade_cli.commands import run, run_forked

_SHARED = """
--dataset=digits
--image_size=8
--channels=1
--batch_size=4
--pixelcnn_layers=1
--pixelcnn_conv_channels=8
--pixelcnn_residual_channels=8
--evaluate_every=0
--jit_compile=false
"""
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
        "--steps=3",
        "--num_images=5",
        "--num_samples=2",
    )


def test_the_table_has_a_row_for_each_model_and_codec_and_finished_models_are_kept(folder):
    done = run("compare", *_flags(folder))
    results = json.loads(done.stdout.splitlines()[-1])
    assert list(results) == ["pixelcnn", "decoder"]
    for figures in results.values():
        assert [*figures["steps"].values()] == [3] and figures["images"] == 5
        assert 0 < figures["bits_per_dim"] < 9 and figures["memory"] > 1e8
        assert figures["minutes"] > 0 and figures["seconds_per_sample"] > 0
    rows = (folder / "W" / "comparison.md").read_text().splitlines()
    assert [row.split(" | ")[0] for row in rows[2:4]] == ["| pixelcnn", "| decoder"]
    assert rows[-1].startswith("| JPEG XL")
    assert np.asarray(Image.open(folder / "W" / "samples.png")).shape[1] > 512
    assert (folder / "W" / "curves.png").exists()
    again = run("compare", *_flags(folder))
    assert again.stdout == done.stdout
    assert "train" not in again.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workdir=W"], "--configs is missing"),
        (["--configs=pixelcnn.flags"], "--workdir is missing"),
        (["--configs=pixelcnn.flags,pixelcnn.flags", "--workdir=W"], "two have the name pixelcnn"),
        (["--configs=pixelcnn.flags", "--workdir=W", "--scale=2"], "--scale means nothing to"),
        (["--configs=gan.flags", "--workdir=W"], "--system=biggan has no likelihood to compare"),
    ],
)
def test_mistakes_get_one_line_and_nothing_is_written(folder, flags, message):
    (folder / "gan.flags").write_text("--system=biggan\n--image_size=16\n")
    code, _, stderr = run_forked(folder, "compare", *flags)
    assert code == 2 and message in stderr and stderr.count("\n") == 1
    assert not (folder / "W" / "gan").exists()


def test_figures_of_other_settings_are_not_overwritten(folder):
    code, _, stderr = run_forked(folder, "compare", *_flags(folder), "--num_samples=3")
    assert code == 1 and "has figures of other settings: use another workdir" in stderr
