"""Keras's settings and backend may be those of the user's other work."""

import os
import sys
import types

import keras
import pytest
import tensorflow as tf

from cascade_tf.keras_backend import use_tensorflow
from cascade_tf.optimizers import Adam
from spn_tf.slice_embedder import ResidualBlock
from tests.wavelet_tf.small_priors import latents
from wavelet_tf.config import PixelConfig
from wavelet_tf.pixel_decoder import PixelDecoder


@pytest.fixture
def other_settings():
    """Keras with channels first and float16."""
    before = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("float16")
    yield
    keras.config.set_image_data_format(before[0])
    keras.config.set_floatx(before[1])
    keras.config.set_dtype_policy(before[2])


def test_layers_and_optimizers_keep_their_formats(other_settings):
    block = ResidualBlock(width=6, filters=4, size=3, dtype="float32")
    assert block(tf.zeros([1, 4, 5, 6])).shape == (1, 4, 5, 6)
    decoder = PixelDecoder(PixelConfig(image_size=32, levels=1, pixel_width=4), 1, dtype="float32")
    assert decoder(tf.zeros([1, 16, 16, 3])).shape == (1, 32, 32, 3)
    prior = latents()
    prior.build()
    assert prior.low.dtype == "float32"
    assert Adam(1e-3).learning_rate.dtype == "float32"
    assert keras.config.floatx() == "float16"  # the user's again


def test_the_backend_is_tensorflow_or_the_import_fails(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "keras")
        use_tensorflow()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    stub = types.SimpleNamespace(config=types.SimpleNamespace(backend=lambda: "jax"))
    monkeypatch.setitem(sys.modules, "keras", stub)
    with pytest.raises(ImportError, match=r"the backend jax, .* set KERAS_BACKEND=tensorflow"):
        use_tensorflow()
