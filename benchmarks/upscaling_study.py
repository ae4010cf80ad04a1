#!/usr/bin/env python3
"""Compares the SPN paper's models on small real images at equal training time.

    python benchmarks/upscaling_study.py --config=configs/digits.flags --minutes=5 \
      --output_dir=runs/study_digits

The models are a decoder, an SPN at two slice sizes, an SPN with depth upscaling, and
multidimensional upscaling. Data, widths and learning are those of the flagfile unless --flag
changes them. The batch shrinks as slices grow, so that every step has the same number of pixels
(Appendix C). The minutes, of which compilation is part, are shared by the stages of a model. Models
that are already finished in the directory are kept. On one core:

    taskset -c 0 python benchmarks/upscaling_study.py --minutes=30 --output_dir=D \
      --config=configs/photographs.flags --flag=--batch_parts=1

Of emoji, with the widths of the photographs: --flag=--data_dir=data/emoji, and likewise
--num_classes=9, --intensity_distribution=anchored_softmax, --flip=false, --convolution_dropout=0.1.

The last lines are a table of held-out bits/dim. samples.png has a row of samples for each model,
and stages.png a row for each stage of the multidimensional model.
"""

import os
import pathlib
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


import numpy as np
from absl import app, flags
from commands import figures, kept, run

from cascade_tf.files import write_atomically
from cascade_tf.pictures import enlarge, png_bytes, resize_nearest, sheet

flags.DEFINE_string("config", "configs/digits.flags", "Flagfile of data, widths and learning.")
flags.DEFINE_float("minutes", 5.0, "Training time of each model.")
flags.DEFINE_integer("num_samples", 8, "Samples of each model.")
flags.DEFINE_integer("num_images", 200, "Held-out images to evaluate.")
flags.DEFINE_string("output_dir", None, "Directory of models, samples, results.", required=True)

PIXELS = 2048  # per step
IMAGE = 32
_STAGES = "multidimensional_16x16"  # whose stages are drawn, too
# By name: flags, and the share of training time by stage.
MODELS: dict[str, tuple[list[str], dict[str, float]]] = {
    "decoder": (["--scale=1"], {"spn": 1.0}),
    "spn_16x16": (["--scale=2"], {"spn": 1.0}),
    "spn_8x8": (["--scale=4"], {"spn": 1.0}),
    "depth_16x16": (["--scale=2", "--upscaling=depth"], {"spn": 0.5, "depth": 0.5}),
    _STAGES: (
        ["--scale=2", "--upscaling=multidimensional"],
        {"slice": 0.2, "size": 0.4, "depth": 0.4},
    ),
}

flags.DEFINE_multi_string("flag", [], "Further flags for bin/train.")
flags.DEFINE_multi_enum("model", list(MODELS), list(MODELS), "Models to compare.")
FLAGS = flags.FLAGS


def _train(directory: pathlib.Path, model: list[str], stage: str, minutes: float) -> None:
    scale = int(model[0].partition("=")[2])
    run(
        "train",
        f"--flagfile={FLAGS.config}",
        f"--stage={stage}",
        *model,
        *FLAGS.flag,
        f"--batch_size={PIXELS * scale**2 // IMAGE**2}",
        f"--max_minutes={minutes}",
        "--steps=1000000",
        "--evaluate_every=0",
        "--sample_every=0",
        "--report=false",
        f"--workdir={directory}",
    )


def _write_images(output: pathlib.Path) -> None:
    rows = []
    for name in FLAGS.model:
        with np.load(output / name / "samples" / "samples.npz") as archive:
            rows.append(archive["images"])
    columns = len(rows[0])
    grid = sheet(np.concatenate(rows), columns=columns, gap=1)
    write_atomically(output / "samples.png", png_bytes(enlarge(grid)))
    if _STAGES not in FLAGS.model:
        return
    with np.load(output / _STAGES / "samples" / "stages.npz") as archive:
        stages = [resize_nearest(images, *rows[0].shape[1:3]) for images in archive.values()]
    grid = sheet(np.concatenate(stages), columns=columns, gap=1)
    write_atomically(output / "stages.png", png_bytes(enlarge(grid)))


def main(_: list[str]) -> None:
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in FLAGS.model:
        model, shares = MODELS[name]
        directory = output / name

        def measure(
            directory: pathlib.Path = directory,
            model: list[str] = model,
            shares: dict[str, float] = shares,
        ) -> dict:
            shutil.rmtree(directory, ignore_errors=True)  # an interrupted model starts again
            for stage, share in shares.items():
                _train(directory, model, stage, share * FLAGS.minutes)
            found = figures(directory, f"--num_images={FLAGS.num_images}")
            run(
                *("sample", f"--workdir={directory}", f"--num_samples={FLAGS.num_samples}"),
                *(f"--output_dir={directory / 'samples'}", "--overwrite"),
            )
            return found

        settings = {
            "flags": [f"--flagfile={FLAGS.config}", *model, *FLAGS.flag],
            "minutes": FLAGS.minutes,
            "num_images": FLAGS.num_images,
            "num_samples": FLAGS.num_samples,
        }
        results[name] = kept(output / f"{name}.json", settings, measure)

    _write_images(output)
    print(f"\n{FLAGS.minutes:g} minutes each, {FLAGS.num_images} held-out images")
    print("| model | bits/dim | parts | of JPEG XL | steps |\n|---|---|---|---|---|")
    for name, r in results.items():
        parts = ", ".join(f"{stage} {value:.3f}" for stage, value in r["stages"].items())
        steps = ", ".join(f"{count:,}" for count in r["steps"].values())
        print(
            f"| {name} | {r['bits_per_dim']:.3f} ± {r['standard_error']:.3f} | {parts} "
            f"| {r['bits_per_dim'] / r['jpegxl']:.3f} | {steps} |"
        )
    print(f"PNG {r['png']:.3f}, lossless WebP {r['webp']:.3f}, JPEG XL {r['jpegxl']:.3f}")


if __name__ == "__main__":
    app.run(main)
