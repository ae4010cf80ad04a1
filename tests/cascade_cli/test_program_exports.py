"""export --format=stablehlo, onnx and tflite, by the real command."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

import spn_tf
from cascade_tf.runtime_models import FORMATS
from tests.cascade_cli.commands import run, run_forked


def _missing(*packages):
    return pytest.mark.skipif(
        any(importlib.util.find_spec(package) is None for package in packages),
        reason="no wheels for this Python",
    )


@_missing("jax")
def test_programs_come_with_a_runner_and_a_page_whose_commands_work(colour, tmp_path):
    flags = ("--format=stablehlo", "--batch_size=2", f"--output_dir={tmp_path / 'programs'}")
    done = run("export", f"--workdir={colour}", *flags)
    assert "programs log_prob, sample, upscale_4x4 of 2 images" in done.stdout
    folder = tmp_path / "programs"
    page = (folder / "README.md").read_text()
    (command,) = [line.split() for line in page.splitlines() if " . sample " in line]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    command[0] = sys.executable

    def result(*values):
        return subprocess.run(
            [*command[:-1], *values], cwd=folder, env=environment, capture_output=True, text=True
        )

    done = result("count=3", "temperature=0.5")
    assert done.returncode == 0, done.stderr
    drawn = np.load(folder / "sample.npz")["images"]
    expected = spn_tf.load(colour).sample(3, seed=0, temperature=0.5)
    np.testing.assert_array_equal(drawn, expected)
    assert "temperature must be from 0 to" in result("temperature=-1").stderr
    assert "seed must be int32" in result("seed=1.5").stderr
    assert "sample takes ['indices', 'seed', 'temperature'], not " in result("tmperature=1").stderr
    # Nothing is replaced.
    code, _, stderr = run_forked(tmp_path, "export", f"--workdir={colour}", *flags)
    assert code == 1 and "programs exists already: use another directory" in stderr


@pytest.mark.parametrize("form", FORMATS)
def test_a_runtime_confirms_what_is_written_and_the_rest_is_left_out(colour, form, tmp_path):
    packages = FORMATS[form].packages
    if any(importlib.util.find_spec(package) is None for package in packages):
        pytest.skip("no wheels for this Python")
    flags = (f"--format={form}", "--batch_size=2", f"--output_dir={tmp_path / 'models'}")
    stdout = run("export", f"--workdir={colour}", *flags).stdout
    assert "sample: left out, since it samples; --format=stablehlo has it" in stdout
    assert f"log_prob: {FORMATS[form].name} on random arguments: " in stdout
    path = tmp_path / "models" / f"log_prob.{form}"
    assert {*path.parent.iterdir()} == {path, path.parent / "README.md"}
    images = np.random.default_rng(0).integers(0, 256, [2, 8, 8, 3]).astype(np.uint8)
    nats = FORMATS[form].run(path.read_bytes(), {"images": images})
    np.testing.assert_allclose(nats, spn_tf.load(colour).log_prob(images), rtol=1e-5)
