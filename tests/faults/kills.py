#!/usr/bin/env python3
"""Kills trainings, exports and samplings at random moments, and looks at what is left.

    python -m tests.faults.kills [--kills=100] [--seed=0] [--systems=spn,nsb,nsb_pixel,biggan]

For each system, on small models: a training that is killed (SIGKILL) again and again and started
anew must end with the weights of an undisturbed one, bit for bit, and after each kill the newest
whole checkpoint must be no older than the one before; an export must leave nothing or a whole
SavedModel; a sampling must keep whole files of the samples that were finished. It stops at the
first fault, with a traceback, and ends with a line of counts.
"""

import collections
import pathlib
import random
import shutil
import tempfile
import time

import numpy as np
import tensorflow as tf
from absl import app, flags

from cascade_tf.checkpoints import checkpoints
from tests.cascade_cli.commands import TINY_GAN, TINY_MODEL, run_side_by_side

SHARED = (
    "--dataset=digits",
    "--image_size=32",
    "--channels=1",
    "--batch_size=4",
    "--learning_rate=1e-3",
    "--jit_compile=false",
    "--evaluate_every=0",
    "--steps=12",
    "--checkpoint_every=1",
    "--summary_every=1",
    "--keep_checkpoints=3",
)
_DECODERS = ("--levels=1", "--prior=biggan", *TINY_GAN)
_SPN = tuple(
    flag
    for flag in TINY_MODEL
    if flag.partition("=")[0] not in {f.partition("=")[0] for f in SHARED}
)
SYSTEMS = {
    "spn": (*_SPN, "--image_size=8"),
    "nsb": (*_DECODERS, "--patch_size=8", "--packet_width=8", "--head_width=4"),
    "nsb_pixel": (*_DECODERS, "--pixel_width=8"),
    "biggan": TINY_GAN,
}


class Fault(AssertionError):
    """What must not happen."""


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Fault(what)


class Kills:
    """Commands that are killed at random moments, in one directory.

    Args:
        directory: to work in.
        seed: of the moments.
    """

    def __init__(self, directory: pathlib.Path, seed: int):
        self.directory = directory
        self.made: collections.Counter[str] = collections.Counter()  # kills by command
        self._random = random.Random(seed)

    def run(self, command: str, *arguments: str, killed_within: float | None = None) -> bool:
        """Runs a command; whether it came to its end. Without a kill it must."""
        told = {"directory": str(self.directory), "command": command, "arguments": arguments}
        if killed_within is not None:
            told["killed"] = (None, self._random.uniform(0, killed_within))
        ((code, _, err),) = run_side_by_side([told])
        require(code == 0 or (code == -9 and killed_within is not None), f"{command}: {code} {err}")
        self.made[command.split()[0]] += code != 0
        return code == 0

    def timed(self, command: str, *arguments: str) -> float:
        began = time.monotonic()
        self.run(command, *arguments)
        return time.monotonic() - began

    def training(self, kills: int, *given: str) -> None:
        """Kills a training so often; each time that it gets to its end, it begins anew."""
        train = ("train eagerly", *SHARED, *given)  # tracing would take most of the time
        seconds = self.timed(*train, "--workdir=whole")
        newest: dict[str, int] = {}
        while self.made["train"] < kills:
            if self.run(*train, "--workdir=killed", killed_within=seconds):
                self._compare()
                newest = {}
            for stage, number in newest_whole(self.directory / "killed").items():
                require(number >= newest.get(stage, 0), f"{stage}: {number} after {newest}")
                newest[stage] = number
        self.run(*train, "--workdir=killed")
        self._compare()

    def _compare(self) -> None:
        """The killed training, which is then deleted, with the undisturbed one."""
        undisturbed, disturbed = (
            {
                stage: _tensors(
                    str(self.directory / workdir / stage / f"checkpoints/ckpt-{number}")
                )
                for stage, number in newest_whole(self.directory / workdir).items()
            }
            for workdir in ("whole", "killed")
        )
        require(undisturbed.keys() == disturbed.keys() != set(), "stages are missing")
        for stage, tensors in undisturbed.items():
            require(tensors.keys() == disturbed[stage].keys(), f"{stage}: other tensors")
            for name, value in tensors.items():
                same = np.array_equal(value, disturbed[stage][name], equal_nan=True)
                require(same, f"{stage}: {name} differs")
        shutil.rmtree(self.directory / "killed")

    def export(self, kills: int) -> None:
        """Kills exports of what `training` made."""
        command = ("export", "--workdir=whole", "--output_dir=model", "--overwrite")
        seconds = self.timed(*command)
        while self.made["export"] < kills:
            shutil.rmtree(self.directory / "model", ignore_errors=True)
            self.run(*command, killed_within=seconds)
            if (self.directory / "model").exists():
                model = tf.saved_model.load(str(self.directory / "model"))
                require(callable(model.sample), "a model without endpoints")
        self.run(*command)

    def sampling(self, kills: int) -> None:
        """Kills samplings of four batches."""
        command = ("sample eagerly", "--workdir=whole", "--num_samples=8", "--batch_size=2")
        seconds = self.timed(*command, "--output_dir=whole_samples")
        with np.load(self.directory / "whole_samples" / "samples.npz", allow_pickle=False) as file:
            expected = file["images"]
        while self.made["sample"] < kills:
            output = self.directory / "samples"
            shutil.rmtree(output, ignore_errors=True)
            self.run(*command, f"--output_dir={output}", killed_within=seconds)
            if (output / "samples.npz").exists():
                with np.load(output / "samples.npz", allow_pickle=False) as file:
                    images = file["images"]
                require(np.array_equal(images, expected[: len(images)]), "other samples")
            for page in output.glob("*.png"):
                tf.io.decode_png(page.read_bytes())


def newest_whole(workdir: pathlib.Path) -> dict[str, int]:
    """The step of each stage's newest whole checkpoint, of those that have any."""
    found = {}
    for directory in workdir.glob("*/checkpoints"):
        paths = checkpoints(directory)
        whole = [path for path in paths if _is_whole(path)]
        require(bool(whole) or not paths, f"no checkpoint is whole: {paths}")
        if whole:
            found[directory.parent.name] = int(whole[-1].rpartition("-")[2])
    return found


def _tensors(path: str) -> dict[str, np.ndarray]:
    """All but the time that it took."""
    reader = tf.train.load_checkpoint(path)
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith(("seconds", "save_counter", "_CHECKPOINTABLE"))
    }


def _is_whole(path: str) -> bool:
    try:
        return bool(_tensors(path))
    except (tf.errors.OpError, IndexError, ValueError):
        return False


def kill(system: str, kills: int, seed: int) -> collections.Counter[str]:
    """Kills one system's commands; half of the kills are of trainings. Raises Fault."""
    with tempfile.TemporaryDirectory() as directory:
        killing = Kills(pathlib.Path(directory), seed)
        killing.training(kills - 2 * (kills // 4), f"--system={system}", *SYSTEMS[system])
        killing.export(kills // 4)
        killing.sampling(kills // 4)
        return killing.made


def main(_: list[str]) -> None:
    systems = flags.FLAGS.systems
    total: collections.Counter[str] = collections.Counter()
    for number, system in enumerate(systems):
        share = len(range(number, flags.FLAGS.kills, len(systems)))
        made = kill(system, share, flags.FLAGS.seed + number)
        print(
            f"{system}: {', '.join(f'{count} kills of {name}' for name, count in made.items())}",
            flush=True,
        )
        total += made
    print(f"{sum(total.values())} kills, no fault")


if __name__ == "__main__":
    flags.DEFINE_integer("kills", 100, "How many, over all systems.")
    flags.DEFINE_integer("seed", 0, "Of the moments.")
    flags.DEFINE_list("systems", ["spn", "nsb", "nsb_pixel", "biggan"], "Which.")
    app.run(main)
