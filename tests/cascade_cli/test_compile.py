"""compile as a user runs it."""

import importlib.util
import json

import pytest

from tests.cascade_cli.commands import TINY_MODEL, run, run_forked

# Slices of 16x16 pixels, which the kernels of attention need.
_TINY = [flag for flag in TINY_MODEL if not flag.startswith("--report")]
_MODEL = (*_TINY, "--image_size=32", "--bits=3", "--channels=1", "--jit_compile=true")


@pytest.mark.skipif(
    importlib.util.find_spec("jax_plugins") is None, reason="no wheels of jax 0.10 for this Python"
)
def test_a_training_step_is_compiled_and_the_largest_batch_found(tmp_path):
    flags = (*_MODEL, "--precision=bfloat16", "--target=tpu-v3", "--devices=2")
    plain, fused = (
        run("compile", *flags, "--nosearch", f"--fused_attention={fused}").stdout.splitlines()
        for fused in ("false", "true")
    )
    results = [json.loads(lines[-1]) for lines in (plain, fused)]
    for result in results:
        figures = result["stages"]["spn"]
        assert result["target"] == "tpu-v3" and result["what"] == "train"
        assert figures["batch"] == 2 and figures["fits"] and figures["largest_constant"] < 1e6
        assert 0 < figures["seconds_of_memory"] < 1 and 0 < figures["seconds_of_arithmetic"] < 1
    arguments = [result["stages"]["spn"]["arguments"] for result in results]
    assert arguments[0] == arguments[1]
    assert any("fits" in line and "yes" in line for line in plain)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--target=tpu-v9",), "tpu-v3"),
        (("--devices=3",), "--devices=3: they cannot share the batch of 4 of stage spn"),
        (("--devices=1,2",), "give one number, or one for each of spn"),
    ],
)
def test_mistakes_are_one_line(flags, message, tmp_path, monkeypatch):
    code, stdout, stderr = run_forked(tmp_path, "compile", *_MODEL, *flags)
    assert code and not stdout and message in stderr and len(stderr.splitlines()) == 1
