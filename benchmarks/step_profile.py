#!/usr/bin/env python3
"""Breaks the time of a training step down by kind of operation, with TensorFlow's profiler.

    python benchmarks/step_profile.py --flagfile=configs/celeba.flags [--batch=1]

It profiles the first stage at full width; other flags are those of bin/train. XLA runs operations
in parallel, so each moment is divided equally among the operations then running. It prints seconds
by kind, and the longest single operations that are neither products nor convolutions. Their names
are those of the compiled program, which `XLA_FLAGS=--xla_dump_to=DIRECTORY` writes.
"""

import collections
import os
import pathlib
import re
import tempfile
from collections.abc import Callable
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import flags
from experiment_flags import described_experiment, run_benchmark
from random_examples import random_examples
from tensorflow.tsl.profiler.protobuf import xplane_pb2

flags.DEFINE_integer("batch", 1, "Images per step.")
FLAGS = flags.FLAGS

KINDS = (
    ("matrix products", r"(_Mkl)?(Batch)?(MatMul|dot|Einsum)"),
    ("convolutions", r"(_MklNative)?(Fused)?(Conv2D|convolution)"),
    ("copies and transpositions", r".*(copy|transpose)"),
    ("elementwise work and sums", r".*(fusion|wrapped|reduce|concat|pad|slice)"),
    ("optimizer", r".*(ResourceApply|Assign)"),
)
# Events that contain others (executors, calls, thread pools) and would be counted twice.
HOLDERS = re.compile(
    r"(Thunk|Thread|Execut|FunctionRun|TFE_|Eager|Kernel|Block|train_step|Cpu|while|call|Slinky|Pjrt|Memory)"
)
STEP = "train_step"
END = "end: "  # prefix of an operation that began on one thread and finished on others


class Interval(NamedTuple):
    """Start and end of an operation over all its threads, in seconds."""

    start: float
    end: float


def profiled(run: Callable[[], object]) -> dict[str, Interval]:
    """Runs `run` once and returns its operations by name."""
    with tempfile.TemporaryDirectory() as directory:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3)
        with tf.profiler.experimental.Profile(directory, options):
            run()
        (path,) = pathlib.Path(directory).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    intervals: dict[str, Interval] = {}
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name.removeprefix(END)
                start = line.timestamp_ns / 1e9 + event.offset_ps / 1e12
                end = start + event.duration_ps / 1e12
                before = intervals.get(name, Interval(start, end))
                intervals[name] = Interval(min(start, before.start), max(end, before.end))
    return intervals


def shared_out(operations: dict[str, Interval]) -> dict[str, float]:
    """Seconds of each operation; time shared by several is divided equally among them."""
    moments = [(i.start, True, name) for name, i in operations.items()]
    moments += [(i.end, False, name) for name, i in operations.items()]
    seconds, last = dict.fromkeys(operations, 0.0), 0.0
    running: set[str] = set()
    for time, begins, name in sorted(moments):
        for other in running:
            seconds[other] += (time - last) / len(running)
        last = time
        (running.add if begins else running.discard)(name)
    return seconds


def main(arguments: list[str]) -> None:
    experiment = described_experiment(arguments)
    name = experiment.stage_names[0]
    stage, data = experiment.make_stage(name), experiment.data(name)
    stage.build()
    examples = random_examples(FLAGS.batch, data.image_size, data.channels)
    step, number = tf.function(stage.train_step), tf.constant(0, tf.int64)

    def run() -> None:
        step(examples, number)[stage.headline].numpy()

    for _ in range(2):
        run()
    intervals = profiled(run)
    whole = intervals[STEP].end - intervals[STEP].start
    kind_of = {
        # Without XLA, an operation's kind follows its name and a colon.
        name: next((k for k, pattern in KINDS if re.match(pattern, name.split(":")[-1])), "other")
        for name in intervals
        if not HOLDERS.match(name)
    }
    seconds = shared_out({name: intervals[name] for name in kind_of})
    kinds: collections.defaultdict[str, float] = collections.defaultdict(float)
    for name, kind in kind_of.items():
        kinds[kind] += seconds[name]
    kinds["between operations"] = whole - sum(kinds.values())
    print(f"| batch {FLAGS.batch} | s | share |\n|---|---|---|")
    for kind, spent in sorted(kinds.items(), key=lambda item: item[1], reverse=True):
        print(f"| {kind} | {spent:.3f} | {spent / whole:.2f} |")
    print(f"| the step | {whole:.3f} | |\n")
    others = [name for name, kind in kind_of.items() if kind not in (KINDS[0][0], KINDS[1][0])]
    for name in sorted(others, key=seconds.__getitem__, reverse=True)[:12]:
        print(f"{name}: {seconds[name]:.3f} s")


if __name__ == "__main__":
    run_benchmark(main)
