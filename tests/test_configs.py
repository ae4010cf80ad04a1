"""The flagfiles of configs/ against Table 4, and the CelebA-HQ one against its real dataset."""

import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image

from cascade_tf.record import load_record

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIGS = sorted((ROOT / "configs").glob("*.flags"))

# SPN paper, Table 4: ImageNet (32, 64, 128, 256), CelebA HQ.
COLUMNS = ("imagenet32", "imagenet64", "imagenet128", "imagenet256", "celeba")
SCHEDULE = "1e-4,3e-5,1e-5"
TABLE_4 = {
    "batch_size": (1024, 2048, 2048, 2048, 256),
    "learning_rate": (SCHEDULE, SCHEDULE, "1e-5", "1e-5", "5e-5"),
    "rmsprop_momentum": (0.9,) * 5,
    "rmsprop_decay": (0.95,) * 5,
    "rmsprop_epsilon": ("1e-8",) * 5,
    "polyak_decay": (0.9999,) * 5,
    "pixelcnn_layers": (15,) * 5,
    "pixelcnn_conv_channels": (256, 256, 384, 384, 128),
    "pixelcnn_residual_channels": (1280,) * 5,
    "pixelcnn_filter_size": (3,) * 5,
    "decoder_attention_layers": (8, 8, 8, 8, 5),
    "decoder_attention_heads": (10, 10, 10, 10, 5),
    "decoder_attention_channels": (128,) * 5,
    "attention_ffn": ("parameter_attention",) * 5,
    "embedder_conv_layers": (5,) * 5,
    "embedder_filter_size": (3,) * 5,
    "embedder_conv_channels": (256,) * 5,
    "embedder_residual_channels": (1024,) * 5,
    "embedder_attention_layers": (6, 6, 8, 8, 6),
    "embedder_attention_heads": (4, 4, 8, 8, 4),
    "embedder_attention_channels": (64, 64, 128, 128, 64),
}


def _flagfile(name: str) -> dict[str, str]:
    return load_record(ROOT / "configs", f"{name}.flags")


@pytest.mark.parametrize("column", range(5), ids=COLUMNS)
def test_a_config_reads_as_its_column_of_table_4(column):
    flags = _flagfile(COLUMNS[column])
    for name, row in TABLE_4.items():
        assert flags[name] == str(row[column]), name
    scheduled = flags["learning_rate"] == SCHEDULE
    assert flags.get("learning_rate_boundaries") == ("50000,100000" if scheduled else None)
    assert "clip_norm" not in flags and "dropout" not in flags  # off in the paper's configs


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_starts_with_the_command_that_runs_it(path):
    assert path.read_text().startswith(f"# bin/train --flagfile=configs/{path.name}\n")


def test_every_flag_of_every_config_is_known_and_fits_the_others():
    code = """
import json, os, sys
sys.path.insert(0, "bin")
sys.argv = ["train"]
import command_line
from absl import flags
import experiment
for path in os.environ["CONFIGS"].split():
    if os.fork() == 0:  # flags can be parsed once in a process
        flags.FLAGS(["train", f"--flagfile={path}"])
        made = experiment.Experiment(training=True)
        stage, data = made.make_stage("spn"), made.data("spn")
        made.training("spn")
        print(json.dumps([path, data.dataset, stage.config.dimensions]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, path
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"CONFIGS": " ".join(map(str, CONFIGS))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = [json.loads(line) for line in done.stdout.splitlines()]
    assert [pathlib.Path(path) for path, *_ in read] == CONFIGS
    assert {d for _, _, d in read} >= {32 * 32, 256 * 256 * 3}


def test_celeba_trains_at_full_width_on_the_real_builders_dataset(tmp_path):
    """Two steps on an archive of CelebA-HQ's layout, as the user places it."""
    manual = tmp_path / "data" / "downloads" / "manual"
    manual.mkdir(parents=True)
    rng = np.random.default_rng(0)
    with tarfile.open(manual / "data256x256.tar", "w") as archive:
        for number in range(1, 11):
            pixels = rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(32, 0).repeat(32, 1)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG")
            entry = tarfile.TarInfo(f"data256x256/{number:05d}.jpg")
            entry.size = file.tell()
            file.seek(0)
            archive.addfile(entry, file)
    done = subprocess.run(
        [
            sys.executable,
            "bin/train",
            "--flagfile=configs/celeba.flags",
            f"--workdir={tmp_path / 'work'}",
            f"--data_dir={tmp_path / 'data'}",
            "--batch_size=1",
            "--steps=2",
            "--jit_compile=false",  # compiling takes longer than two steps
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "62,049,936 parameters" in done.stderr
    assert (tmp_path / "work" / "spn" / "checkpoints" / "ckpt-2.index").exists()
