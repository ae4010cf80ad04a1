"""compile as a user runs it."""

import importlib.util
import json

import pytest

from cascade_cli.command_line import flags_of, open_experiment
from tests.cascade_cli.commands import TINY_MODEL, run, run_forked

# Slices of 16x16 pixels, which the kernels of attention need.
_TINY = [flag for flag in TINY_MODEL if not flag.startswith("--report")]
_MODEL = (*_TINY, "--image_size=32", "--bits=3", "--channels=1", "--jit_compile=true")


pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jax_plugins") is None, reason="no wheels of jax 0.10 for this Python"
)


def test_a_training_step_is_compiled_for_a_tpu():
    flags = (*_MODEL, "--precision=bfloat16", "--fused_attention", "--recompute=all")
    done = run("compile", *flags, "--target=tpu-v3", "--devices=2", "--search=false")
    lines = done.stdout.splitlines()
    assert any("fits" in line and "yes" in line for line in lines)
    result = json.loads(lines[-1])
    assert result["target"] == "tpu-v3" and result["what"] == "train"
    figures = result["stages"]["spn"]
    assert figures["batch"] == 2 and figures["fits"] and figures["largest_constant"] < 1e6
    for device in ("memory", "arithmetic"):
        assert 0 < figures[f"seconds_of_{device}"] < 1
    # Weights, their averages and RMSProp's two numbers, of 4 bytes each; a TPU pads small ones.
    _, experiment = open_experiment([*_MODEL, "--workdir=none"], flags_of("train"))
    stage = experiment.make_stage("spn")
    stage.build()
    assert 16 * stage.parameters() < figures["arguments"] < 1e6


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--target=tpu-v9",), "tpu-v3"),
        (("--devices=3",), "--devices=3: they cannot share the batch of 4 of stage spn"),
        (("--fused_attention", "--target=gpu-h100"), "it is for TPUs, and there is none"),
        (("--devices=1,2",), "give one number, or one for each of spn"),
    ],
)
def test_mistakes_are_one_line(flags, message, tmp_path):
    code, stdout, stderr = run_forked(tmp_path, "compile", *_MODEL, *flags)
    assert code and not stdout and message in stderr and len(stderr.splitlines()) == 1
