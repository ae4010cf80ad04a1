"""Functions for ONNX Runtime and LiteRT, and the refusal of what they do not run."""

import dataclasses
import importlib.util

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.runtime_models import FORMATS, RefusedModel, model
from spn_tf.config import SPNConfig
from spn_tf.endpoints import fixed_endpoints
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from tests.spn_tf.random_networks import SHALLOW, randomize
from tests.wavelet_tf.small_decoders import KINDS, chain, photographs
from wavelet_tf.endpoints import endpoints

_PACKAGES = {package for form in FORMATS.values() for package in form.packages}
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(package) is None for package in _PACKAGES),
    reason="no wheels of the runtimes for this Python",
)
_FORMATS = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)


@_FORMATS
def test_the_likelihood_is_tensorflows(form):
    config = SPNConfig(**SHALLOW, height=4, width=4, channels=3, bits=4, scale=2, num_classes=3)
    stage = SPNStage("spn", config, SPNTrainingConfig())
    stage.build()
    randomize(stage.network)
    function, specs = fixed_endpoints([stage], batch=2)["log_prob"]
    content, _ = model(form, (function, specs))
    images = np.random.default_rng(5).integers(0, 256, [2, 4, 4, 3]).astype(np.uint8)
    arguments = {"images": images, "classes": np.array([2, 0], np.int32)}
    expected = function(*map(tf.constant, arguments.values()))["nats"]
    np.testing.assert_allclose(form.run(content, arguments), expected, rtol=1e-5)


@pytest.mark.parametrize(("kind", "name"), [(KINDS[0], "tflite"), (KINDS[1], "onnx")])
def test_decoders_encode_and_decode_as_in_tensorflow(kind, name):
    # Every export is compared; ONNX takes 20 s for the wavelet decoder's many bands.
    form, made, images = FORMATS[name], endpoints(chain(kind), batch=2), photographs(2)
    encoded, _ = model(form, made["encode"])
    latents = form.run(encoded, {"images": images.numpy()})
    np.testing.assert_allclose(latents, made["encode"][0](images)["latents"], atol=1e-5)
    content, _ = model(form, made["decode"])
    decoded = form.run(content, {"latents": latents}).astype(int)
    assert np.abs(decoded - made["decode"][0](latents)["images"]).max() <= 1  # rounding


def test_onnx_runtime_encodes_wavelets():
    form, (encode, specs) = FORMATS["onnx"], endpoints(chain(KINDS[0]), batch=2)["encode"]
    content, difference = model(form, (encode, specs))
    assert difference.endswith("of the largest value from TensorFlow") and content


@_FORMATS
def test_a_function_that_a_runtime_lacks_or_computes_otherwise_is_refused(form):
    spec = [tf.TensorSpec([4], tf.float32, "x")]

    def betainc(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.math.betainc(x, x, x)}

    with pytest.raises(RefusedModel, match=r"\w+: .+"):
        model(form, (betainc, spec))

    wrong = dataclasses.replace(form, run=lambda *given: 1.0001 * form.run(*given))
    with pytest.raises(RefusedModel, match=r"differs from TensorFlow by 1.0e-04 of the largest"):
        model(wrong, (lambda x: {"y": 2 * x}, spec))
