import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.xla_choice import compiled_by_xla
from wavelet_tf.convolution import convolution


@pytest.mark.parametrize("kind", [lambda function: function, tf.function, compiled_by_xla])
def test_value_and_gradients_are_those_of_tensorflow(kind):
    x, kernel, upstream = (
        tf.random.stateless_normal(shape, [i, 0], dtype=tf.float64)
        for i, shape in enumerate([(2, 5, 6, 3), (3, 3, 3, 4), (2, 5, 6, 4)])
    )

    def results(function):
        def run(x, kernel):
            with tf.GradientTape() as tape:
                tape.watch([x, kernel])
                y = function(x, kernel)
            return y, *tape.gradient(y, [x, kernel], upstream)

        return kind(run)(x, kernel)

    expected = results(lambda x, kernel: tf.nn.conv2d(x, kernel, 1, "SAME"))
    for actual, other in zip(results(convolution), expected, strict=True):
        np.testing.assert_allclose(actual, other, rtol=1e-12, atol=1e-12)
