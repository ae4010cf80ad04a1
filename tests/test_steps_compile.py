"""What a TPU wants of a training step: XLA compiles the whole of it, with static shapes."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.bin.commands import TINY_GAN, TINY_MODEL

ROOT = pathlib.Path(__file__).resolve().parent.parent
_DECODERS = ("--levels=1", "--packet_width=8", "--head_width=4", "--patch_size=8")
_OWN = ("--image_size", "--learning_rate", "--batch_size")
_SPN = tuple(flag for flag in TINY_MODEL if not flag.startswith(_OWN))
_SYSTEMS = {
    "spn": ("--upscaling=multidimensional", *_SPN),
    "nsb": ("--system=nsb", "--prior=biggan", *_DECODERS, *TINY_GAN),
    "spn of latents": ("--system=nsb", "--prior=spn", *_DECODERS, *_SPN),
    "nsb_pixel": ("--system=nsb_pixel", "--levels=1", "--pixel_width=8"),
    "biggan": (
        *("--system=biggan", "--architecture=biggan_deep", *TINY_GAN, "--image_size=16"),
        "--gan_orthogonal_regularisation=1e-4",
    ),
}
_SHARED = (
    "--dataset=digits",
    "--image_size=32",
    "--channels=1",
    "--batch_size=4",
    "--learning_rate=1e-3,1e-4",
    "--learning_rate_boundaries=5",
    "--clip_norm=1",
    "--workdir=none",
)
# Lowers without compiling for this machine, which takes far longer.
_LOWER = """
import json, os, sys
sys.path.insert(0, "bin")
import command_line
import numpy as np
import tensorflow as tf
from absl import flags
import experiment
from cascade_tf.averages import PolyakAverage
from cascade_tf.examples import Examples

flags.FLAGS(sys.argv)
made = experiment.Experiment()
for name in made.stage_names[:1] if "--prior=spn" in sys.argv else made.stage_names:
    stage = made.make_stage(name)
    stage.build()
    average = PolyakAverage(stage.averaged_variables(), 0.99, 3)
    size = made.values(name)["image_size"]
    images = tf.zeros([4, size, size, 1], tf.uint8)
    examples = Examples(images, tf.zeros([4], tf.int32), tf.range(4, dtype=tf.int64))

    def step(images, labels, indices, number):
        metrics = stage.train_step(Examples(images, labels, indices), number)
        average.update(number)
        return metrics

    compiled = tf.function(step, jit_compile=True, autograph=False)
    hlo = compiled.experimental_get_compiler_ir(*examples, tf.constant(0, tf.int64))(stage="hlo")
    found = {
        "lines": hlo.count(chr(10)),
        "host": sum(hlo.count(word) for word in ("infeed", "outfeed", "callback", "send(")),
        "dynamic": hlo.count("[<=") + hlo.count(",<="),
    }
    print(json.dumps({name: found}), flush=True)
"""


@pytest.mark.parametrize("system", _SYSTEMS)
def test_the_whole_step_of_every_stage_is_xla(system):
    done = subprocess.run(
        [sys.executable, "-c", _LOWER, *_SHARED, *_SYSTEMS[system]],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stages = [json.loads(line) for line in done.stdout.splitlines()]
    assert stages
    for stage in stages:
        ((name, found),) = stage.items()
        assert found["lines"] > 200 and found["host"] == found["dynamic"] == 0, name
