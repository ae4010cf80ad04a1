#!/usr/bin/env python3
"""Trains, evaluates and samples in a loop, for an hour, and kills now and then.

    python -m tests.faults.soak [--minutes=60] [--seed=0]

A workdir for each system, which is trained on by a few steps at a time; half of the commands are
killed (SIGKILL) at random moments. No step may be lost but those after the newest checkpoint, no
command may fail that is not killed, and the files must not grow in number. It ends with counts.
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
                within = within if newest[system] else None  # all stages are there from then on
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
    print(f"runs: {dict(runs)}; kills: {dict(soaked.made)}; steps: {newest}; no fault")


if __name__ == "__main__":
    flags.DEFINE_float("minutes", 60.0, "How long.")
    flags.DEFINE_integer("seed", 0, "Of what is run, and of the moments.")
    app.run(main)
