#!/usr/bin/env python3
"""Measures memory over many training steps: the resident set should not grow.

    python benchmarks/memory_over_steps.py [--steps=10000]

bin/train trains a small SPN on the digits with frequent summaries, checkpoints, evaluations and
samples. Memory is read at every progress line.
"""

import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

from absl import app, flags

flags.DEFINE_integer("steps", 10_000, "Training steps.")
FLAGS = flags.FLAGS

_TRAIN = pathlib.Path(__file__).resolve().parent.parent / "bin" / "train"
_SMALL = (
    *("--dataset=digits", "--image_size=16", "--channels=1", "--scale=2", "--batch_size=8"),
    *("--pixelcnn_layers=1", "--pixelcnn_conv_channels=16", "--pixelcnn_residual_channels=8"),
    *("--decoder_attention_layers=1", "--decoder_attention_channels=4", "--ffn_size=8"),
    *("--embedder_attention_layers=0", "--embedder_conv_layers=1", "--embedder_conv_channels=8"),
    *("--embedder_residual_channels=8", "--summary_every=20", "--checkpoint_every=250"),
    *("--evaluate_every=500", "--evaluate_images=64", "--sample_every=1000"),
)


def _resident_mib(pid: int) -> float:
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main(_: list[str]) -> None:
    with tempfile.TemporaryDirectory() as workdir:
        command = [sys.executable, str(_TRAIN), *_SMALL, f"--steps={FLAGS.steps}"]
        training = subprocess.Popen(
            [*command, f"--workdir={workdir}"],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        assert training.stderr is not None
        for line in training.stderr:
            progress = re.search(r"(\d+)/\d+ steps", line)
            if progress and training.poll() is None:
                print(f"step {progress[1]:>6}  {_resident_mib(training.pid):6.0f} MiB", flush=True)
        sys.exit(training.wait())


if __name__ == "__main__":
    app.run(main)
