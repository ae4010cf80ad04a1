#!/usr/bin/env python3
"""Speed of a training step beside that of an earlier commit, in turns.

    python benchmarks/step_against_commit.py --commit=30152d1

Both have the widths of a flagfile. Today's step has its distribution, optimizer and use of the
cores too; the earlier one has XLA, and a softmax and RMSProp if it knows no others. A process of
each version takes ten steps, then the other, and so on: a busy machine slows both. The ratio is of
the medians.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from absl import app, flags

flags.DEFINE_string("commit", "30152d1", "The earlier version.")
flags.DEFINE_string("config", "configs/photographs.flags", "Flagfile of widths and learning.")
flags.DEFINE_integer("rounds", 12, "Turns of each version.")
FLAGS = flags.FLAGS

ROOT = pathlib.Path(__file__).resolve().parent.parent
_STEPS = 10
_USE_OF_CORES = ("jit_compile", "intra_op_threads", "batch_parts")
_WORKER = """
import dataclasses, json, sys, time
import numpy as np, tensorflow as tf
from cascade_tf.examples import Examples
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig

values = json.loads(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(values.get("intra_op_threads", 0))
def of(kind):
    fields = {f.name: f.type for f in dataclasses.fields(kind)}
    known = {n: v for n, v in values.items() if n in fields}
    return kind(**{n: (v,) if n == "learning_rate" else v for n, v in known.items()})
config = of(SPNConfig)
stage = SPNStage("spn", config, of(SPNTrainingConfig))
stage.build()
batch = values["batch_size"]
shape = [batch, config.height, config.width, config.channels]
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


def _values() -> dict[str, object]:
    """Numbers and names of a flagfile, as far as they decide the cost of a step."""
    values: dict[str, object] = {}
    for line in (ROOT / FLAGS.config).read_text().splitlines():
        name, _, value = line.removeprefix("--").partition("=")
        if line.startswith("--"):
            try:
                values[name] = json.loads(value)
            except json.JSONDecodeError:
                values[name] = value
    size = values["image_size"]
    schedule = ("learning_rate_decay", "warmup")  # its cost is none
    return {n: v for n, v in values.items() if n not in schedule} | {"height": size, "width": size}


def _start(checkout: str, values: dict[str, object]) -> subprocess.Popen:
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, json.dumps(values)],
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
    """Seconds of a step, of ten."""
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(f"{_STEPS}\n")
    worker.stdin.flush()
    return float(worker.stdout.readline()) / _STEPS


def main(_: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        earlier = f"{directory}/earlier"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", earlier, FLAGS.commit], check=True)
        try:
            values = _values()
            by_xla = {n: v for n, v in values.items() if n not in _USE_OF_CORES}
            workers = _start(earlier, by_xla), _start(str(ROOT), values)
            times = np.array([[_took(w) for w in workers] for _ in range(FLAGS.rounds)])
            for worker in workers:
                worker.kill()
        finally:
            subprocess.run([*git, "remove", "--force", earlier], check=True)
    before, now = np.median(times, axis=0)
    batch = values["batch_size"]
    print(f"{FLAGS.commit}: {batch / before:.0f} images/s; today {batch / now:.0f} images/s")
    turns = " ".join(f"{ratio:.2f}" for ratio in times[:, 0] / times[:, 1])
    print(f"ratio of images/s {before / now:.2f}; of the turns: {turns}")


if __name__ == "__main__":
    app.run(main)
