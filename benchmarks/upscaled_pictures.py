#!/usr/bin/env python3
"""Draws a picture of upscaled images: the given pixels, samples, and the truth, row by row.

    python benchmarks/upscaled_pictures.py --model=runs/photographs64 \\
      --images=data/photographs/64/test --output=F.png

For models of colour images. The images have the size of the model's. It is given the first slice of
each, every S-th pixel of a row and column. Of a folder with sub-folders, whose names in order are
the model's classes, a random image of each is taken; else random images.
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags
from PIL import Image

import spn_tf
from cascade_tf.pictures import png_bytes, resize_nearest, sheet

flags.DEFINE_string("model", None, "Workdir, directory or name of a model.", required=True)
flags.DEFINE_string("images", None, "Folder of held-out images.", required=True)
flags.DEFINE_string("output", None, "The picture, a PNG file.", required=True)
flags.DEFINE_integer("count", 8, "Images of a folder without sub-folders.")
flags.DEFINE_integer("draws", 2, "Samples of each image.")
flags.DEFINE_integer("seed", 0, "Seed of the choice of images and of the samples.")
FLAGS = flags.FLAGS


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    rng = np.random.default_rng(FLAGS.seed)
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    if classes:
        return [rng.choice(sorted(path.glob("*.png"))) for path in classes]
    return list(rng.choice(sorted(folder.glob("*.png")), FLAGS.count, replace=False))


def main(_: list[str]) -> None:
    model, files = spn_tf.load(FLAGS.model), _files(pathlib.Path(FLAGS.images))
    truth = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    config = model.stages[-1].config
    assert isinstance(config, spn_tf.SPNConfig)
    scale = config.scale
    small = truth[:, ::scale, ::scale]
    classes = None
    if model.num_classes > 1:
        classes = [model.class_names.index(file.parent.name) for file in files]
    samples = [
        model.upscale(small, seed=FLAGS.seed + draw, classes=classes) for draw in range(FLAGS.draws)
    ]
    rows = [resize_nearest(small, *truth.shape[1:3]), *samples, truth]
    picture = sheet(np.concatenate(rows), columns=len(files), gap=2)
    pathlib.Path(FLAGS.output).write_bytes(png_bytes(picture))


if __name__ == "__main__":
    app.run(main)
