#!/usr/bin/env python3
"""Kills trainings, exports and samplings at random moments and checks the files that remain.

    python -m tests.faults.kills [--kills=100] [--seed=0] [--systems=spn,nsb,...]

It requires the following of each system, on small models:

- A training that is killed (SIGKILL) and restarted repeatedly ends with the weights of an
  undisturbed one, bit for bit. After each kill the newest complete checkpoint is no older than
  after the kill before.
- A killed export leaves nothing or a complete SavedModel.
- A killed sampling leaves complete files of the finished samples.

It stops at the first fault with a traceback, and ends with a line of counts.
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
from tests.cascade_cli.commands import TINY_GAN, TINY_MODEL, TINY_VQVAE2, run_side_by_side

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
    "--report=false",
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
    "vqvae2": (*TINY_VQVAE2, "--image_size=16"),  # sampling is a pass for each code
}


class Fault(AssertionError):
    """A violated requirement."""


def require(holds: bool, message: str) -> None:
    if not holds:
        raise Fault(message)


class Kills:
    """Runs commands in one directory and kills them at random moments.

    Args:
        directory: working directory of the commands.
        seed: seed of the moments.
    """

    def __init__(self, directory: pathlib.Path, seed: int):
        self.directory = directory
        self.count: collections.Counter[str] = collections.Counter()  # kills by command
        self._random = random.Random(seed)

    def run(self, command: str, *arguments: str, killed_within: float | None = None) -> bool:
        """Runs a command and returns whether it ended by itself.

        Args:
            command: e.g. "train", or "train eagerly".
            arguments: flags of the command.
            killed_within: upper limit in seconds of the time until the kill; None: no kill.

        Raises:
            Fault: if the command fails.
        """
        job = {"directory": str(self.directory), "command": command, "arguments": arguments}
        if killed_within is not None:
            job["killed"] = (None, self._random.uniform(0, killed_within))
        ((code, _, err),) = run_side_by_side([job])
        require(code == 0 or (code == -9 and killed_within is not None), f"{command}: {code} {err}")
        self.count[command.split()[0]] += code != 0
        return code == 0

    def timed(self, command: str, *arguments: str) -> float:
        began = time.monotonic()
        self.run(command, *arguments)
        return time.monotonic() - began

    def training(self, kills: int, *model: str) -> None:
        """Kills a training `kills` times; whenever it finishes, a new one begins."""
        train = ("train eagerly", *SHARED, *model)  # tracing would take most of the time
        seconds = self.timed(*train, "--workdir=whole")
        newest: dict[str, int] = {}
        while self.count["train"] < kills:
            if self.run(*train, "--workdir=killed", killed_within=seconds):
                self._compare()
                newest = {}
            for stage, number in newest_whole(self.directory / "killed").items():
                require(number >= newest.get(stage, 0), f"{stage}: {number} after {newest}")
                newest[stage] = number
        self.run(*train, "--workdir=killed")
        self._compare()

    def _compare(self) -> None:
        """Requires equal weights of the killed and the undisturbed training; deletes the former."""
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
        """Kills exports of the model that `training` trained."""
        command = ("export", "--workdir=whole", "--output_dir=model", "--overwrite")
        seconds = self.timed(*command)
        while self.count["export"] < kills:
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
        while self.count["sample"] < kills:
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
    """Step of the newest complete checkpoint by stage; stages without checkpoints are left out."""
    steps = {}
    for directory in workdir.glob("*/checkpoints"):
        paths = checkpoints(directory)
        whole = [path for path in paths if _is_whole(path)]
        require(bool(whole) or not paths, f"no checkpoint is whole: {paths}")
        if whole:
            steps[directory.parent.name] = int(whole[-1].rpartition("-")[2])
    return steps


def _tensors(path: str) -> dict[str, np.ndarray]:
    """Variables of a checkpoint, without the training time and the save counter."""
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
    """Kills the commands of one system, half of the time trainings; returns kills by command.

    Raises:
        Fault: if a requirement is violated.
    """
    with tempfile.TemporaryDirectory() as directory:
        killing = Kills(pathlib.Path(directory), seed)
        killing.training(kills - 2 * (kills // 4), f"--system={system}", *SYSTEMS[system])
        killing.export(kills // 4)
        killing.sampling(kills // 4)
        return killing.count


def main(_: list[str]) -> None:
    systems = flags.FLAGS.systems
    total: collections.Counter[str] = collections.Counter()
    for number, system in enumerate(systems):
        share = len(range(number, flags.FLAGS.kills, len(systems)))
        kills = kill(system, share, flags.FLAGS.seed + number)
        print(
            f"{system}: {', '.join(f'{count} kills of {name}' for name, count in kills.items())}",
            flush=True,
        )
        total += kills
    print(f"{sum(total.values())} kills, no fault")


if __name__ == "__main__":
    flags.DEFINE_integer("kills", 100, "Number of kills over all systems.")
    flags.DEFINE_integer("seed", 0, "Seed of the moments.")
    flags.DEFINE_list("systems", list(SYSTEMS), "Systems to test.")
    app.run(main)
