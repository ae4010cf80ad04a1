#!/usr/bin/env python3
"""Compares the SPN paper's models on small real images at equal training time.

    python benchmarks/upscaling_study.py --dataset=digits --minutes=5 --output_dir=runs/study_digits

The models are a decoder, an SPN at two slice sizes, an SPN with depth upscaling, and
multidimensional upscaling. Their widths are those of configs/DATASET.flags unless --flag changes
them. The batch shrinks as slices grow, so that every step has the same number of pixels (Appendix
C). The speed of each stage is measured first; it gives the number of steps that fill its share of
the minutes, without compilation. Models that are already finished in the directory are kept.

The last lines are a table of held-out bits/dim. samples.png has a row of samples for each model,
and stages.png a row for each stage of the multidimensional model.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


import numpy as np
from absl import app, flags

from cascade_tf.files import write_atomically
from cascade_tf.pictures import enlarge, png_bytes, resize_nearest, sheet

flags.DEFINE_string("dataset", "digits", "digits or photos; selects the flagfile, too.")
flags.DEFINE_float("minutes", 5.0, "Training time of each model.")
flags.DEFINE_integer("num_samples", 8, "Samples of each model.")
flags.DEFINE_integer("num_images", 200, "Held-out images to evaluate.")
flags.DEFINE_string("output_dir", None, "Directory of models, samples, results.", required=True)
flags.DEFINE_multi_string("flag", [], "Further flags for bin/train.")
FLAGS = flags.FLAGS

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATES = tuple(0.6**k for k in range(8))  # times the highest learning rate, for equal durations
PIXELS = 2048  # per step
IMAGE = 32
# By name: flags, and the share of training time by stage.
MODELS: dict[str, tuple[list[str], dict[str, float]]] = {
    "decoder": (["--scale=1"], {"spn": 1.0}),
    "spn_16x16": (["--scale=2"], {"spn": 1.0}),
    "spn_8x8": (["--scale=4"], {"spn": 1.0}),
    "depth_16x16": (["--scale=2", "--upscaling=depth"], {"spn": 0.5, "depth": 0.5}),
    "multidimensional_16x16": (
        ["--scale=2", "--upscaling=multidimensional"],
        {"slice": 0.2, "size": 0.4, "depth": 0.4},
    ),
}
MEASURED_STEPS = 60


def _command(name: str, *arguments: object) -> str:
    """Prints and runs a command of bin/; returns its stdout and stderr."""
    line = " ".join([f"bin/{name}", *map(str, arguments)])
    print(line, flush=True)
    done = subprocess.run(
        [sys.executable, str(ROOT / "bin" / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{line}\n{done.stderr}")
    return done.stdout + done.stderr


def _train(directory: pathlib.Path, model: list[str], stage: str, minutes: float) -> None:
    scale = int(model[0].partition("=")[2])
    batch = PIXELS * scale**2 // IMAGE**2
    highest = float(_flag("learning_rate").split(",")[0])
    common = [
        f"--flagfile={ROOT / 'configs' / FLAGS.dataset}.flags",
        f"--stage={stage}",
        *model,
        *FLAGS.flag,
        f"--batch_size={batch}",
        "--max_minutes=0",
        "--evaluate_every=0",
        "--sample_every=0",
        "--learning_rate=" + ",".join(f"{highest * rate:.2g}" for rate in RATES),
    ]
    trial = directory.with_name(f".{directory.name}.trial")
    shutil.rmtree(trial, ignore_errors=True)
    log = _command("train", *common, f"--workdir={trial}", *_schedule(MEASURED_STEPS))
    shutil.rmtree(trial)
    images_per_second = float(re.findall(r"([\d.,]+) images/s", log)[-1].replace(",", ""))
    steps = int(60 * minutes * images_per_second / batch)
    _command("train", *common, f"--workdir={directory}", *_schedule(steps))


def _schedule(steps: int) -> list[str]:
    bounds = ",".join(str(steps * k // len(RATES)) for k in range(1, len(RATES)))
    return [f"--steps={steps}", f"--learning_rate_boundaries={bounds}"]


def _flag(name: str) -> str:
    """The value of a flag from --flag or else from the dataset's flagfile."""
    lines = (ROOT / "configs" / f"{FLAGS.dataset}.flags").read_text().splitlines() + FLAGS.flag
    return [line.partition("=")[2] for line in lines if line.startswith(f"--{name}=")][-1]


def _write_images(output: pathlib.Path) -> None:
    rows = []
    for name in MODELS:
        with np.load(output / name / "samples" / "samples.npz") as archive:
            rows.append(archive["images"])
    columns = len(rows[0])
    grid = sheet(np.concatenate(rows), columns=columns, gap=1)
    write_atomically(output / "samples.png", png_bytes(enlarge(grid)))
    with np.load(output / "multidimensional_16x16" / "samples" / "stages.npz") as archive:
        stages = [resize_nearest(images, *rows[0].shape[1:3]) for images in archive.values()]
    grid = sheet(np.concatenate(stages), columns=columns, gap=1)
    write_atomically(output / "stages.png", png_bytes(enlarge(grid)))


def main(_: list[str]) -> None:
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    results = {}
    for name, (model, shares) in MODELS.items():
        directory, result = output / name, output / f"{name}.json"
        if not result.exists():
            shutil.rmtree(directory, ignore_errors=True)  # an interrupted model starts again
            for stage, share in shares.items():
                _train(directory, model, stage, share * FLAGS.minutes)
            log = _command("evaluate", f"--workdir={directory}", f"--num_images={FLAGS.num_images}")
            (line,) = (line for line in log.splitlines() if line.startswith("{"))
            _command(
                *("sample", f"--workdir={directory}", f"--num_samples={FLAGS.num_samples}"),
                *(f"--output_dir={directory / 'samples'}", "--overwrite"),
            )
            result.write_text(line)
        results[name] = json.loads(result.read_text())

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
