#!/usr/bin/env python3
"""Trains a decoder of not-so-BigGAN with several losses for equal minutes and compares them.

    python -m benchmarks.data.photographs --output_dir=data/photographs
    python benchmarks/decoder_losses.py --inception=WEIGHTS --output_dir=D [--minutes=10]

The decoder makes 64x64 from the real TL of 32x32. For each loss a row has the errors of held-out
windows, and the distances of their reconstructions to the windows themselves. An interrupted study
resumes. D/reconstructions.png shows windows in rows: the original, a bicubic resize of TL, and a
reconstruction for each loss.
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

flags.DEFINE_string("output_dir", None, "Directory of workdirs and results.", required=True)
flags.DEFINE_string("inception", None, "Weights of Inception.", required=True)
flags.DEFINE_string("photographs", "data/photographs", "Directory of the photographs.")
flags.DEFINE_float("minutes", 10, "Of each training.")
flags.DEFINE_integer("windows", 2000, "Held-out windows to reconstruct.")
flags.DEFINE_list("shown", ["0", "300", "700", "1100", "1500", "1900"], "Windows in the picture.")
FLAGS = flags.FLAGS

LOSSES = {
    "mse": "mse",
    "mse + perceptual": "mse,perceptual",
    "mse + adversarial": "mse,adversarial",
    "all three": "mse,perceptual,adversarial",
}
SIZE = 64


def main(_: list[str]) -> None:
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    data = DataConfig("folder", FLAGS.photographs, SIZE, 3)
    batches = open_source(data, "test").evaluation_examples(100, limit=FLAGS.windows)
    images = np.concatenate([batch.images.numpy()[batch.indices >= 0] for batch in batches])
    inception = load_inception(FLAGS.inception)
    real = extract_features(inception, [images])
    shown = [int(number) for number in FLAGS.shown if int(number) < len(images)]
    columns = [images[shown]]
    print("| loss | steps | MSE | PSNR, dB | SSIM | FID | KID |\n|---|---|---|---|---|---|---|")
    for name, losses in LOSSES.items():
        workdir = output / losses.replace(",", "_")
        run(
            "train",
            f"--flagfile={ROOT / 'configs' / 'nsb_photos.flags'}",
            *("--dataset=folder", f"--data_dir={FLAGS.photographs}", "--levels=1"),
            *(f"--workdir={workdir}", f"--max_minutes={FLAGS.minutes}", "--report=false"),
            f"--decoder_loss={losses}",
            *([f"--inception={FLAGS.inception}"] * ("perceptual" in losses)),
        )
        model = wavelet_tf.load(workdir)
        made = model.decode(model.encode(images))

        def measured(workdir: pathlib.Path = workdir, made: np.ndarray = made) -> dict:
            distances = compare(inception, extract_features(inception, [made]), real).figures
            return figures(workdir, f"--num_images={FLAGS.windows}") | distances

        settings = {"minutes": FLAGS.minutes, "windows": FLAGS.windows, "loss": losses}
        row = kept(output / f"{workdir.name}.json", settings, measured)
        cells = [f"{row['steps'][f'to{SIZE}']:,}", f"{row['mse']:.6f}", f"{row['psnr']:.2f}"]
        cells += [f"{row['ssim']:.3f}", f"{row['fid']:.1f}", f"{row['kid']:.5f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        if len(columns) == 1:
            first = model.decoders[0]
            plain = resized(first, tf.constant(model.encode(columns[0])), "bicubic")
            columns.append(first.to_images(plain).numpy())
        columns.append(made[shown])
    rows = np.stack(columns, axis=1).reshape(-1, SIZE, SIZE, 3)
    page = enlarge(sheet(rows, columns=len(columns), gap=1), 768)
    Image.fromarray(page).save(output / "reconstructions.png")


if __name__ == "__main__":
    app.run(main)
