#!/usr/bin/env python3
"""Trains not-so-BigGAN's wavelet and pixel decoders on photographs and compares them.

    python benchmarks/decoder_study.py --output_dir=D

Both small configs (`nsb_photos`, `nsb_pixel_photos`) train for the minutes that they set; an
interrupted study resumes. Then it prints the errors on train and held-out windows beside those of
baselines without learning. D/reconstructions.png shows some held-out windows in four columns: the
original, TL, the reconstruction by NSB and that by NSB-PIXEL.
"""

import pathlib
import shutil

import numpy as np
from absl import app, flags
from commands import ROOT, figures, run
from PIL import Image

from cascade_tf.data import DataConfig, open_source
from cascade_tf.pictures import enlarge, png_bytes, resize_nearest, sheet

flags.DEFINE_string("output_dir", None, "Directory of workdirs and images.", required=True)
flags.DEFINE_list("windows", ["0", "3", "7", "10", "14", "20"], "Held-out windows to show.")
flags.DEFINE_multi_string("flag", [], "Further flags for bin/train.")
FLAGS = flags.FLAGS

SYSTEMS = ("nsb", "nsb_pixel")
SIZE = 64


def main(_: list[str]) -> None:
    output = pathlib.Path(FLAGS.output_dir)
    windows = output / "windows"
    shutil.rmtree(windows, ignore_errors=True)
    windows.mkdir(parents=True)
    held_out = open_source(DataConfig("photos", None, SIZE, 3), "test")
    images = next(iter(held_out.evaluation_examples(held_out.num_examples))).images.numpy()
    for number in FLAGS.windows:
        (windows / f"{int(number):02d}.png").write_bytes(png_bytes(images[int(number)]))

    reconstructions = {}
    print("| | train MSE | held-out MSE | PSNR, dB | SSIM |\n|---|---|---|---|---|")
    for system in SYSTEMS:
        workdir = output / system
        flagfile = ROOT / "configs" / f"{system}_photos.flags"
        run("train", f"--flagfile={flagfile}", f"--workdir={workdir}", *FLAGS.flag)
        train, test = [figures(workdir, f"--split={split}") for split in ("train", "test")]
        floors = ["/zero bands"] if system == "nsb" else []
        for floor in ["", *floors, "/bilinear", "/bicubic"]:
            errors = [f"{figures[f'mse{floor}']:.6f}" for figures in (train, test)]
            quality = [f"{test[f'{name}{floor}']:.4g}" for name in ("psnr", "ssim")]
            print(f"| {system}{floor} | {' | '.join(errors + quality)} |", flush=True)
        run(
            *("sample", f"--workdir={workdir}", f"--from_images={windows}"),
            *(f"--output_dir={output / f'{system}_samples'}", "--overwrite"),
        )
        with np.load(output / f"{system}_samples" / "stages.npz") as archive:
            reconstructions[system] = dict(archive)
    nsb, pixel = (reconstructions[system] for system in SYSTEMS)
    columns = [nsb["given"], resize_nearest(nsb["latent"], SIZE, SIZE), nsb["to64"], pixel["to64"]]
    rows = np.stack(columns, axis=1).reshape(-1, SIZE, SIZE, 3)
    page = enlarge(sheet(rows, columns=len(columns), gap=1), 768)
    Image.fromarray(page).save(output / "reconstructions.png")


if __name__ == "__main__":
    app.run(main)
