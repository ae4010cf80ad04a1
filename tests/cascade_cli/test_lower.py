"""lower, the example's training with jax alone, and a training that continues from its state."""

import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import spn_tf
from tests.cascade_cli.commands import TINY_MODEL, run, run_forked

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="no wheels of jax 0.10 for this Python"
)
_TINY = [flag for flag in TINY_MODEL if not flag.startswith(("--report", "--jit", "--eval"))]
_MODEL = (*_TINY, "--channels=3", "--bits=3", "--learning_rate_decay=cosine", "--dataset=folder")
_TRAIN = ("--report=false", "--evaluate_every=0", "--summary_every=1", "--jit_compile=true")


def _train_lowered(step, *flags):
    """The output of the example, from a process that imports jax, numpy and safetensors alone."""
    command = [sys.executable, step / "train_lowered.py", step, *flags]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([*map(str, command)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _losses(workdir):
    """Bits/dim of the batches of all steps."""
    events = EventAccumulator(str(workdir / "spn" / "train"), size_guidance={"tensors": 0})
    events.Reload()
    points = events.Tensors("bits_per_dim")
    return {point.step: tf.make_ndarray(point.tensor_proto).item() for point in points}


def test_losses_and_weights_are_those_of_tensorflow(pictures, tmp_path):
    flags = (*_MODEL, f"--data_dir={pictures}", "--steps=50", "--batch_parts=1")
    examples = "--num_examples=200"  # one pass
    step, workdir, other = tmp_path / "step", tmp_path / "W", tmp_path / "other"
    run("lower", *flags, examples, f"--workdir={workdir}", f"--output_dir={step}")
    assert not workdir.exists()
    run("train", *flags, *_TRAIN, f"--workdir={other}")
    # In two parts: the second one goes on from the saved state.
    lines = _train_lowered(step, "--log_every=1", "--more_steps=3") + _train_lowered(step)
    found = re.findall(r"step (\d+): bits_per_dim=(\S+)", lines)
    expected = _losses(other)
    assert [int(number) for number, _ in found] == [1, 2, 3, 50]
    for number, bits in found:
        assert float(bits) == pytest.approx(expected[int(number)], rel=1e-5)
    state = f"--lowered_state={step / 'state.npz'}"
    done = run("train", *flags, *_TRAIN, f"--workdir={workdir}", state)
    assert f"stage spn: goes on from {step / 'state.npz'}, at step 50" in done.stderr
    # The same command again resumes the training.
    done = run("train", *flags, *_TRAIN, f"--workdir={workdir}", state)
    assert f"stage spn: is further than {step / 'state.npz'}, at step 50" in done.stderr
    images = np.random.default_rng(0).integers(0, 256, [5, 8, 8, 3]).astype(np.uint8)
    bits = spn_tf.load(workdir).bits_per_dim(images)
    np.testing.assert_allclose(bits, spn_tf.load(other).bits_per_dim(images), rtol=1e-5)

    refusals = {
        (f"--workdir={tmp_path / 'new'}", f"--lowered_state={step / 'programs.json'}"): (
            "programs.json: it is no state of a lowered training"
        ),
        (f"--workdir={tmp_path / 'new'}", state, "--ffn_size=4"): (
            "state.npz was trained with --ffn_size=8, not 4"
        ),
    }
    for more, message in refusals.items():
        code, _, stderr = run_forked(tmp_path, "train", *flags, *_TRAIN, *more)
        assert code == 1 and message in stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--output_dir is missing"),
        (("--output_dir=D", "--max_minutes=3"), "a lowered training counts steps"),
        (("--output_dir=D", "--upscaling=size"), "name one of slice, size"),
        (("--output_dir=.",), "exists already: use another directory"),
    ],
)
def test_what_cannot_be_lowered_is_refused_in_a_line(flags, message, pictures, tmp_path):
    (tmp_path / "file").touch()
    data = (f"--data_dir={pictures}", "--workdir=W")
    code, _, stderr = run_forked(tmp_path, "lower", *_MODEL, *data, *flags)
    assert code in (1, 2) and message in stderr.splitlines()[-1]
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
