#!/usr/bin/env python3
"""What each setting of learning is worth at equal time, alone and together with the others.

    taskset -c 0 python benchmarks/learning_study.py --flag=--batch_parts=1 --output_dir=D

Every training has the data and widths of the flagfile. "Plain" learning is a softmax over
intensities, and RMSProp from zero at a constant rate, with the flagfile's warm-up, clipping,
averages and flips; further rows have one more setting of the flagfile. "All" is the flagfile;
further rows have one other setting in its place. Finished trainings in the directory are kept. The
last lines are a table.
"""

import os
import pathlib
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import app, flags
from commands import figures, kept, run

_SOFTMAX = ["--intensity_distribution=softmax"]
_RMSPROP = ["--optimizer=rmsprop", "--learning_rate=6e-4", "--rmsprop_start=0"]
_CONSTANT = ["--learning_rate_decay=constant"]
_ADAM = ["--optimizer=adam", "--learning_rate=6e-4"]
_ROWS = {
    "plain": [*_SOFTMAX, *_RMSPROP, *_CONSTANT],
    "plain, with the mixture": [*_RMSPROP, *_CONSTANT],
    "plain, with Muon": [*_SOFTMAX, *_CONSTANT],
    "plain, with decay": [*_SOFTMAX, *_RMSPROP],
    "all": [],
    "all, but with a softmax": _SOFTMAX,
    "all, but with a relative softmax": ["--intensity_distribution=relative_softmax"],
    "all, but with an anchored softmax": ["--intensity_distribution=anchored_softmax"],
    "all, but with RMSProp": _RMSPROP,
    "all, but with Adam": _ADAM,
    "all, but with a constant rate": _CONSTANT,
    "all, but no flips": ["--flip=false"],
    "all, but with dropout 0.1 of convolutions": ["--convolution_dropout=0.1"],
    "all, but with slices of 16x16": ["--scale=2", "--batch_size=8"],
}

flags.DEFINE_string("config", "configs/photographs.flags", "Flagfile of data and widths.")
flags.DEFINE_float("minutes", 4.0, "Time of each training.")
flags.DEFINE_integer("num_images", 600, "Held-out images to evaluate.")
flags.DEFINE_string("output_dir", None, "Directory of workdirs and results.", required=True)
flags.DEFINE_multi_string("flag", [], "Further flags for bin/train.")
flags.DEFINE_multi_enum("row", None, list(_ROWS), "Rows to measure; all by default.")
FLAGS = flags.FLAGS


def main(_: list[str]) -> None:
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in FLAGS.row or _ROWS:
        workdir = output / name.replace(" ", "_").replace(",", "")
        learning = [f"--flagfile={FLAGS.config}", *FLAGS.flag, *_ROWS[name]]
        settings = {
            "flags": [*learning, f"--max_minutes={FLAGS.minutes}"],
            "num_images": FLAGS.num_images,
        }

        def measure(workdir: pathlib.Path = workdir, settings: dict = settings) -> dict:
            shutil.rmtree(workdir, ignore_errors=True)  # an interrupted one starts again
            run(
                *("train", *settings["flags"], f"--workdir={workdir}"),
                *("--evaluate_every=0", "--sample_every=0", "--report=false"),
            )
            return figures(workdir, f"--num_images={FLAGS.num_images}", "--codecs=false")

        results[name] = kept(workdir.with_name(f"{workdir.name}.json"), settings, measure)
    print(f"\n{FLAGS.minutes:g} minutes each, {FLAGS.num_images} held-out images")
    print("| learning | held-out bits/dim | steps |\n|---|---|---|")
    for name, r in results.items():
        steps = ", ".join(f"{count:,}" for count in r["steps"].values())
        print(f"| {name} | {r['bits_per_dim']:.3f} ± {r['standard_error']:.3f} | {steps} |")


if __name__ == "__main__":
    app.run(main)
