#!/usr/bin/env python3
"""Held-out bits/dim by photograph: a model beside lossless codecs on the same windows.

    python benchmarks/photograph_errors.py --workdir=runs/photographs \\
      --data_dir=data/photographs/32/test

Windows of one photograph overlap, so the photographs count as the independent examples: means and
standard errors are over them. A codec gets the windows of a photograph on one sheet. The last
column is the difference from the model, photograph by photograph.
"""

import os
import pathlib
from collections import defaultdict

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags
from PIL import Image

import spn_tf
from cascade_tf.codecs import TITLES, codec_bits_per_dim

flags.DEFINE_string("workdir", None, "Of a trained model.", required=True)
flags.DEFINE_string("data_dir", None, "Windows, named PHOTOGRAPH-NUMBER.png.", required=True)
flags.DEFINE_integer("windows", 100, "Of each photograph, at most.")
FLAGS = flags.FLAGS


def _mean(values: np.ndarray) -> str:
    return f"{values.mean():.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}"


def main(_: list[str]) -> None:
    model = spn_tf.load(FLAGS.workdir)
    files = defaultdict(list)
    for path in sorted(pathlib.Path(FLAGS.data_dir).glob("*.png")):
        files[path.name.rpartition("-")[0]].append(path)
    found = defaultdict(list)
    for paths in files.values():
        windows = np.stack([np.asarray(Image.open(path)) for path in paths[: FLAGS.windows]])
        found["model"].append(np.mean(model.bits_per_dim(windows)))
        for codec, value in codec_bits_per_dim(windows).items():
            found[codec].append(value)
    model_bits = np.array(found.pop("model"))
    print(f"| {len(files)} photographs | bits/dim | more than the model |\n|---|---|---|")
    print(f"| model | {_mean(model_bits)} | |")
    for codec, values in found.items():
        bits = np.array(values)
        print(f"| {TITLES[codec]} | {_mean(bits)} | {_mean(bits - model_bits)} |")


if __name__ == "__main__":
    app.run(main)
