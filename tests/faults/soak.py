#!/usr/bin/env python3
"""Trains, evaluates and samples in a loop for an hour with random kills.

    python -m tests.faults.soak [--minutes=60] [--seed=0]

Each system has a workdir that is trained by a few steps at a time. Half of the commands are killed
(SIGKILL) at random moments. Only steps after the newest checkpoint may be lost, only killed
commands may fail, and the number of files must not grow. It ends with a line of counts.
"""

import collections
import pathlib
import random
import tempfile
import time

from absl import app, flags

from tests.faults.kills import SHARED, SYSTEMS, Kills, newest_whole, require


def main(_: list[str]) -> None:
    chosen = random.Random(flags.FLAGS.seed)
    end = time.monotonic() + 60 * flags.FLAGS.minutes
    runs: collections.Counter[str] = collections.Counter()
    steps = dict.fromkeys(SYSTEMS, 0)
    newest: dict[str, dict[str, int]] = {system: {} for system in SYSTEMS}
    with tempfile.TemporaryDirectory() as directory:
        soaked = Kills(pathlib.Path(directory), flags.FLAGS.seed)
        while time.monotonic() < end:
            system = chosen.choice(list(SYSTEMS))
            workdir = f"--workdir={system}"
            within = chosen.choice([None, 20.0])  # seconds
            if not newest[system] or chosen.random() < 0.5:
                steps[system] += 4
                command = ("train eagerly", *SHARED, f"--system={system}", *SYSTEMS[system])
                command += (workdir, f"--steps={steps[system]}")
                within = within if newest[system] else None  # the first run must train all stages
            elif chosen.random() < 0.5:
                command = ("evaluate eagerly", workdir, "--num_images=8")
            else:
                command = ("sample eagerly", workdir, "--num_samples=4", "--batch_size=2")
                command += (f"--output_dir={system}_samples", "--overwrite")
            soaked.run(*command, killed_within=within)
            runs[command[0].split()[0]] += 1
            for stage, number in newest_whole(soaked.directory / system).items():
                require(number >= newest[system].get(stage, 0), f"{system}: {stage} at {number}")
                newest[system][stage] = number
                files = list((soaked.directory / system / stage / "checkpoints").iterdir())
                require(len(files) <= 2 * 4 + 4, f"{system}: {stage} has {len(files)} files")
    print(f"runs: {dict(runs)}; kills: {dict(soaked.count)}; steps: {newest}; no fault")


if __name__ == "__main__":
    flags.DEFINE_float("minutes", 60.0, "Duration in minutes.")
    flags.DEFINE_integer("seed", 0, "Seed of the commands and the moments.")
    app.run(main)
