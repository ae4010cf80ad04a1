"""Programs of StableHLO, run by the example's runner in a process without TensorFlow."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from etils import epath

from cascade_tf.hardware.lowering import training_step
from cascade_tf.portable_programs import program, weights_of, write_programs
from cascade_tf.stage_state import StageState
from cascade_tf.training_config import TrainingConfig
from cascade_tf.training_program import state_variables
from spn_tf.config import SPNConfig
from spn_tf.endpoints import endpoints as spn_endpoints
from spn_tf.endpoints import fixed_endpoints
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from tests.spn_tf.random_networks import SHALLOW, randomize
from tests.wavelet_tf.small_decoders import KINDS, chain, photographs
from tests.wavelet_tf.small_decoders import stage as decoder
from tests.wavelet_tf.small_priors import gan
from wavelet_tf.endpoints import endpoints as decoder_endpoints
from wavelet_tf.endpoints import sampling_endpoint

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="no wheels of jax 0.10 for this Python"
)
_RUNNER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "run_program.py"
_WITHOUT_TENSORFLOW = """
import runpy, sys

sys.modules["tensorflow"] = None  # importing it is an error
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_RNG = np.random.default_rng(0)


def _written(stages, endpoints, directory):
    """Writes the endpoints of stages to a directory."""
    return write_programs(epath.Path(directory), endpoints, weights_of(stages), {"limits": {}})


def _run(directory, name, **values):
    """The results of a program, from a process that cannot import TensorFlow."""
    flags = []
    for key, value in values.items():
        if np.ndim(value) > 1:
            np.save(directory / f"{key}.npy", value)
            value = f"{directory}/{key}.npy"
        elif np.ndim(value):
            value = ",".join(map(str, value))
        flags.append(f"{key}={value}")
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-I", "-c", _WITHOUT_TENSORFLOW, _RUNNER, directory, name]
    command += [directory / "out.npz", *flags]
    done = subprocess.run([*map(str, command)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(np.load(directory / "out.npz"))


def test_a_model_of_classes_has_tensorflows_likelihood_samples_and_upscalings(tmp_path):
    config = SPNConfig(**SHALLOW, height=4, width=4, channels=3, bits=4, scale=2, num_classes=3)
    stage = SPNStage("spn", config, SPNTrainingConfig())
    stage.build()
    randomize(stage.network)
    facts = _written([stage], fixed_endpoints([stage], batch=4), tmp_path)
    assert set(facts) == {"log_prob", "sample", "upscale_2x2"}
    functions = {
        name: tf.function(f, spec, autograph=False)
        for name, (f, spec) in spn_endpoints([stage]).items()
    }
    images = _RNG.integers(0, 256, [6, 4, 4, 3]).astype(np.uint8)  # in batches of 4
    classes = np.array([0, 2, 1, 1, 0, 2], np.int32)
    nats = _run(tmp_path, "log_prob", images=images, classes=classes)["nats"]
    np.testing.assert_allclose(nats, functions["log_prob"](images, classes)["nats"], rtol=1e-5)
    drawn = _run(tmp_path, "sample", count=6, classes=classes, seed=3, temperature=0.9)["images"]
    expected = functions["sample"](classes, 3, 0.9)["images"]
    np.testing.assert_array_equal(drawn, expected)
    fourth = _run(tmp_path, "sample", indices=[4], classes=[0], seed=3, temperature=0.9)["images"]
    np.testing.assert_array_equal(fourth[0], drawn[4])
    small = images[:, ::2, ::2]
    large = _run(tmp_path, "upscale_2x2", count=6, images=small, classes=classes, seed=1)["images"]
    np.testing.assert_array_equal(large, functions["upscale"](small, 1, 1.0, classes)["images"])
    np.testing.assert_array_equal(large[:, ::2, ::2] >> 4, small >> 4)


@pytest.mark.parametrize("kind", KINDS)
def test_decoders_encode_and_decode_as_in_tensorflow(kind, tmp_path):
    stages, images = chain(kind), photographs(3)
    _written(stages, decoder_endpoints(stages, batch=2), tmp_path)
    functions = {name: function for name, (function, _) in decoder_endpoints(stages).items()}
    latents = _run(tmp_path, "encode", images=images.numpy())["latents"]
    np.testing.assert_allclose(latents, functions["encode"](images)["latents"], atol=1e-5)
    decoded = _run(tmp_path, "decode", latents=latents)["images"].astype(int)
    assert np.abs(decoded - functions["decode"](latents)["images"]).max() <= 1  # rounding


def test_a_gan_draws_tensorflows_samples(tmp_path):
    stage = gan()
    stage.build()
    _written([stage], sampling_endpoint([stage], batch=4), tmp_path)
    drawn = _run(tmp_path, "sample", count=3, classes=[3, 7, 3], seed=5, truncation=0.7)["images"]
    function, _ = sampling_endpoint([stage])["sample"]
    expected = function(tf.constant([3, 7, 3]), tf.constant(5), tf.constant(0.7))["images"]
    assert np.abs(drawn.astype(int) - expected).max() <= 1  # rounding
    assert (drawn[0] != drawn[2]).any()


def test_variables_that_change_are_results_and_equal_constants_are_one():
    count, table = tf.Variable(3), tf.constant(np.arange(300.0, dtype=np.float32))

    def step(x: tf.Tensor) -> dict[str, tf.Tensor]:
        count.assign_add(1)
        return {"z": tf.gather(table, x), "a": x + count}

    made = program((step, [tf.TensorSpec([2], tf.int32, "x")]), {"count": count})
    assert made.facts["updates"] == ["count"]
    assert [result["name"] for result in made.facts["results"]] == ["a", "z"]
    (constant,) = {*made.weights} - {"count"}
    np.testing.assert_array_equal(made.weights[constant], table)
    again = program((step, [tf.TensorSpec([2], tf.int32, "x")]), {"count": count})
    assert set(again.weights) == set(made.weights)
    assert json.loads(json.dumps(made.facts)) == made.facts
    assert b"site-packages" not in made.artifact and b"tests/" not in made.artifact


def test_a_step_of_a_decoder_in_bfloat16_is_stablehlo(tmp_path):
    # The gradient of a resize in bfloat16 would be none: wavelet_tf/unet.py casts before it.
    stage = decoder(KINDS[1], jit_compile=True, precision="bfloat16")
    state = StageState.create(
        stage, TrainingConfig(), epath.Path(tmp_path), tf.distribute.get_strategy()
    )
    call, arguments = training_step(state, 2, (32, 32, 3))
    assert "step" in program((call, arguments), state_variables(state)).facts["updates"]
