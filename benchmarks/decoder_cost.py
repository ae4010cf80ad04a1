#!/usr/bin/env python3
"""Time and memory of a training step of both kinds of decoders at 256x256, at the paper's widths.

    python benchmarks/decoder_cost.py [--batches=1,4]

For each stage of `nsb_imagenet256` and `nsb_pixel_imagenet256` it prints the parameters, the
seconds of the fastest of a few steps, and the memory beyond parameters, gradients and optimizer
(four float32 numbers per parameter). Each row is measured in its own process.
"""

import os
import resource
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import app, flags
from random_examples import random_examples
from timing import fastest

from wavelet_tf.config import PixelConfig, WaveletConfig
from wavelet_tf.decoder_stage import PixelDecoderStage, WaveletDecoderStage
from wavelet_tf.training_config import DecoderTrainingConfig

flags.DEFINE_list("batches", ["1", "4"], "Images per step.")
flags.DEFINE_bool("jit_compile", False, "Compile the step with XLA.")
flags.DEFINE_list("worker", None, "kind,level,batch: measure this case in this process.")
FLAGS = flags.FLAGS

KINDS = {"NSB": WaveletDecoderStage, "NSB-PIXEL": PixelDecoderStage}
CONFIGS = {"NSB": WaveletConfig, "NSB-PIXEL": PixelConfig}


def peak() -> float:
    """Peak resident memory of this process, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(kind: str, level: int, batch: int) -> None:
    training = DecoderTrainingConfig(jit_compile=FLAGS.jit_compile)
    stage = KINDS[kind](CONFIGS[kind](), level, training)
    before = peak()
    stage.build()
    examples = random_examples(batch, 256)
    step = tf.function(lambda: stage.train_step(examples, tf.constant(0, tf.int64)))
    seconds = fastest(lambda: step()["loss"].numpy(), 4)
    parameters = stage.parameters()
    beyond = peak() - before - 4 * 4 * parameters / 2**30
    print(
        f"| {kind} {stage.name} | {parameters / 1e6:.1f}M | {batch} | {seconds:.2f} s "
        f"| {beyond:.2f} GB |",
        flush=True,
    )


def main(_: list[str]) -> None:
    if FLAGS.worker is not None:
        kind, level, batch = FLAGS.worker
        measure(kind, int(level), int(batch))
        return
    print(
        "| | parameters | batch | step | memory beyond parameters |\n|---|---|---|---|---|",
        flush=True,
    )
    for batch in FLAGS.batches:
        for level in (1, 2):
            for kind in KINDS:
                worker = f"--worker={kind},{level},{batch}"
                done = subprocess.run([sys.executable, *sys.argv, worker], check=False)
                if done.returncode:
                    print(f"| {kind} {128 * level} | | {batch} | failed: {done.returncode} | |")


if __name__ == "__main__":
    app.run(main)
