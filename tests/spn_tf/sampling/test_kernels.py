import numpy as np
import pytest
import tensorflow as tf

from spn_tf.dense import Dense
from spn_tf.sampling.cpu_kernels import CpuKernels
from spn_tf.sampling.plain_kernels import PlainKernels


def _numbers(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


@pytest.fixture(params=[CpuKernels, PlainKernels])
def kernels(request):
    return request.param("float32")


def test_dense_adds_the_bias_and_applies_the_activation(kernels):
    layer = Dense(3, activation="relu", bias_initializer="ones")
    layer.build([None, 4])
    layer.kernel.assign(_numbers(4, 3))
    x = _numbers(5, 4, seed=1)
    expected = layer(x)
    result = tf.function(lambda x: kernels.dense(layer)(x), jit_compile=True)(x)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert np.any(expected > 0) and np.any(expected == 0)


def test_softmax_of_large_and_small_scores(kernels):
    scores = 30 * _numbers(2, 3, 40)
    compiled = tf.function(kernels.softmax, jit_compile=True)
    np.testing.assert_allclose(compiled(scores), tf.nn.softmax(scores), atol=1e-6)


def test_cpu_kernels_compute_in_float32_for_every_network():
    assert CpuKernels("bfloat16").dtype == CpuKernels("float32").dtype == "float32"
    assert PlainKernels("bfloat16").dtype == "bfloat16"
