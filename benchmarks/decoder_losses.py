#!/usr/bin/env python3
"""Trains decoders of not-so-BigGAN with several losses for equal minutes and compares them.

    python -m benchmarks.data.photographs --output_dir=data/photographs
    taskset -c 0 python benchmarks/decoder_losses.py --inception=WEIGHTS --output_dir=D

Two decoders make 64x64 from the real TL of 16x16, or one with `--levels=1` from that of 32x32. For
each loss a row has the errors of held-out images, and the distances of their reconstructions to
the images themselves. An interrupted study resumes. D/reconstructions.png shows images in rows: the
original, a bicubic resize of TL, and a reconstruction for each loss.
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
from absl import app, flags
from commands import ROOT, figures, kept, run
from PIL import Image

import wavelet_tf
from cascade_tf.data import DataConfig, open_source
from cascade_tf.metrics import compare, extract_features, load_inception
from cascade_tf.pictures import enlarge, sheet
from wavelet_tf.reconstruction import resized
from wavelet_tf.unit_images import to_uint8

flags.DEFINE_string("output_dir", None, "Directory of workdirs and results.", required=True)
flags.DEFINE_string("inception", None, "Weights of Inception.", required=True)
flags.DEFINE_string("data_dir", "data/photographs/64", "Directory of the images.")
flags.DEFINE_integer("levels", 2, "Decoders.")
flags.DEFINE_float("minutes", 5, "Of each decoder's training.")
flags.DEFINE_integer("images", 1000, "Held-out images to reconstruct, at most.")
flags.DEFINE_list("shown", ["0", "100", "200", "300", "500", "700"], "Images in the picture.")
flags.DEFINE_multi_string("flag", [], "Further flags for bin/train.")
FLAGS = flags.FLAGS

LOSSES = {
    "mse": "mse",
    "mse_perceptual": "mse,perceptual",
    "mse_adversarial": "mse,adversarial",
    "all": "mse,perceptual,adversarial",
}
flags.DEFINE_multi_enum("loss", list(LOSSES), list(LOSSES), "Losses to compare.")
SIZE = 64


def main(_: list[str]) -> None:
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    data = DataConfig("folder", FLAGS.data_dir, SIZE, 3)
    batches = open_source(data, "test").evaluation_examples(100, limit=FLAGS.images)
    images = np.concatenate([batch.images.numpy()[batch.indices >= 0] for batch in batches])
    inception = load_inception(FLAGS.inception)
    real = extract_features(inception, [images])
    shown = [int(number) for number in FLAGS.shown if int(number) < len(images)]
    columns = [images[shown]]
    print("| loss | steps | MSE | PSNR, dB | SSIM | FID | KID |\n|---|---|---|---|---|---|---|")
    for name in FLAGS.loss:
        workdir = output / name
        trained = [
            f"--flagfile={ROOT / 'configs' / 'nsb_photos.flags'}",
            *("--dataset=folder", f"--data_dir={FLAGS.data_dir}", "--smallest_crop=1"),
            *(f"--levels={FLAGS.levels}", f"--max_minutes={FLAGS.minutes}"),
            f"--decoder_loss={LOSSES[name]}",
            *([f"--inception={FLAGS.inception}"] * ("perceptual" in LOSSES[name])),
            *("--report=false", *FLAGS.flag),
        ]
        run("train", *trained, f"--workdir={workdir}")
        model = wavelet_tf.load(workdir)
        outputs = model.decode(model.encode(images))

        def measured(workdir: pathlib.Path = workdir, outputs: np.ndarray = outputs) -> dict:
            features = extract_features(inception, [outputs])
            distances = compare(inception, features, real).figures
            return figures(workdir, f"--num_images={FLAGS.images}") | distances

        settings = {"flags": trained, "images": FLAGS.images}
        row = kept(output / f"{name}.json", settings, measured)
        steps = ", ".join(f"{count:,}" for count in row["steps"].values())
        cells = [steps, f"{row['mse']:.6f}", f"{row['psnr']:.2f}"]
        cells += [f"{row['ssim']:.3f}", f"{row['fid']:.1f}", f"{row['kid']:.5f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        if len(columns) == 1:
            latents = tf.constant(model.encode(columns[0]))
            plain = resized(model.decoders[0], latents, "bicubic")
            columns.append(to_uint8(plain, 1).numpy())
        columns.append(outputs[shown])
    rows = np.stack(columns, axis=1).reshape(-1, SIZE, SIZE, 3)
    page = enlarge(sheet(rows, columns=len(columns), gap=1), 768)
    Image.fromarray(page).save(output / "reconstructions.png")


if __name__ == "__main__":
    app.run(main)
