#!/usr/bin/env python3
"""Speed of a training step beside that of an earlier commit, in turns.

    python benchmarks/step_against_commit.py --commit=30152d1 [--config=FLAGFILE]

All have the widths of a flagfile, which describes an SPN, whose first stage is measured, or a
BigGAN. Today's step has its distribution, optimizer and use of the cores too. The earlier one is
compiled by XLA, and has a softmax and RMSProp if it knows no others. Further rows are today's step
compiled by XLA; the earlier one without XLA, if today's is; and today's step with a softmax and
RMSProp, if the flagfile has others. A process of each takes some steps, then the next, and so on:
a busy machine slows all. Ratios are of the medians.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
from absl import app, flags

flags.DEFINE_string("commit", "30152d1", "The earlier version.")
flags.DEFINE_string("config", "configs/photographs.flags", "Flagfile of widths and learning.")
flags.DEFINE_integer("rounds", 12, "Turns of each version.")
flags.DEFINE_integer("steps", 10, "Steps of a turn.")
flags.DEFINE_integer("batch_size", None, "Images of a step; by default the flagfile's.")
flags.DEFINE_list("set", [], "Other values than the flagfile's, as NAME=VALUE.")
FLAGS = flags.FLAGS

ROOT = pathlib.Path(__file__).resolve().parent.parent
_USE_OF_CORES = ("jit_compile", "intra_op_threads", "batch_parts")
_LEARNING = ("intensity_distribution", "optimizer", "convolution_dropout")
_STAGES = {
    "spn": """
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig

def stage():
    return SPNStage("spn", of(SPNConfig), of(SPNTrainingConfig))
""",
    "biggan": """
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.latents import Latents
from wavelet_tf.training_config import GANTrainingConfig

def stage():
    encode = lambda images: tf.cast(images, tf.float32) / 255
    latents = Latents(encode, values["size"], values.get("channels", 3), value_range=(0.0, 1.0))
    return GANStage("gan", of(BigGANConfig), latents, of(GANTrainingConfig))
""",
}
_WORKER = """
import dataclasses, json, sys, time
import numpy as np, tensorflow as tf
from cascade_tf.examples import Examples

values = json.loads(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(values.get("intra_op_threads", 0))
def of(kind):
    fields = {f.name: f.type for f in dataclasses.fields(kind)}
    known = {n: v for n, v in values.items() if n in fields}
    return kind(**{n: (v,) if n == "learning_rate" else v for n, v in known.items()})
exec(sys.argv[2])
stage = stage()
stage.build()
batch, size = values["batch_size"], values["size"]
shape = [batch, size, size, values.get("channels", 3)]
pixels = tf.constant(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
examples = Examples(pixels, tf.zeros([batch], tf.int32), tf.range(batch, dtype=tf.int64))
number = tf.constant(0, tf.int64)
step = tf.function(lambda: stage.train_step(examples, number), autograph=False)
step()
print("ready", flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    for _ in range(int(line)):
        next(iter(step().values())).numpy()
    print(time.perf_counter() - began, flush=True)
"""


def _values() -> dict[str, Any]:
    """Numbers and names of a flagfile, as far as they decide the cost of a step."""
    values: dict[str, Any] = {}
    lines = (ROOT / FLAGS.config).read_text().splitlines() + [f"--{text}" for text in FLAGS.set]
    if FLAGS.batch_size:
        lines.append(f"--batch_size={FLAGS.batch_size}")
    for line in lines:
        name, _, value = line.removeprefix("--").partition("=")
        if line.startswith("--"):
            try:
                values[name] = json.loads(value)
            except json.JSONDecodeError:
                values[name] = value
    sides = dict.fromkeys(("size", "height", "width"), values["image_size"])
    values["classes"] = values.get("num_classes", 1)  # an earlier name
    schedule = ("learning_rate_decay", "warmup")  # its cost is none
    fields = {n.removeprefix("gan_"): v for n, v in values.items() if n not in schedule}
    return fields | sides


def _start(checkout: str, values: dict[str, Any]) -> subprocess.Popen:
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, json.dumps(values), _STAGES[values.get("system", "spn")]],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": checkout, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdout is not None
    if worker.stdout.readline() != "ready\n":
        raise SystemExit(f"the worker in {checkout} failed")
    return worker


def _took(worker: subprocess.Popen) -> float:
    """Seconds of a step, on average over a turn."""
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(f"{FLAGS.steps}\n")
    worker.stdin.flush()
    return float(worker.stdout.readline()) / FLAGS.steps


def _peak_memory(worker: subprocess.Popen) -> float:
    """Bytes of the largest resident set so far."""
    for line in pathlib.Path(f"/proc/{worker.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/PID/status")


def _without(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def main(_: list[str]) -> None:
    values, root = _values(), str(ROOT)
    if values.get("system", "spn") not in _STAGES:
        raise SystemExit(f"--config: use one of --system={' or '.join(_STAGES)}")
    earlier_learning = _without(values, _LEARNING)
    with tempfile.TemporaryDirectory() as directory:
        earlier = f"{directory}/earlier"
        git = ["git", "-C", root, "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", earlier, FLAGS.commit], check=True)
        try:
            workers = {
                FLAGS.commit: _start(earlier, _without(values, _USE_OF_CORES)),
                "today": _start(root, values),
                "today, by XLA": _start(root, _without(values, _USE_OF_CORES)),
            }
            if values.get("jit_compile") is False:
                plain = _without(values, _USE_OF_CORES) | {"jit_compile": False}
                workers[f"{FLAGS.commit}, without XLA"] = _start(earlier, plain)
            if earlier_learning != values:
                workers["today, the earlier learning"] = _start(root, earlier_learning)
            turns = [[_took(worker) for worker in workers.values()] for _ in range(FLAGS.rounds)]
            memory = [_peak_memory(worker) for worker in workers.values()]
            for worker in workers.values():
                worker.kill()
        finally:
            subprocess.run([*git, "remove", "--force", earlier], check=True)
    times = np.median(turns, axis=0)
    for name, seconds, peak in zip(workers, times, memory, strict=True):
        rate = values["batch_size"] / seconds
        print(
            f"{name}: {rate:.3g} images/s, {times[0] / seconds:.2f} of {FLAGS.commit}; "
            f"peak memory {peak / 1e9:.2f} GB, {peak / memory[0]:.2f} of its"
        )


if __name__ == "__main__":
    app.run(main)
