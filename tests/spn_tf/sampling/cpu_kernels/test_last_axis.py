import numpy as np
import pytest
import tensorflow as tf

from spn_tf.sampling.cpu_kernels.last_axis import highest_of, total_of


@pytest.mark.parametrize("unknown", [0, 1])
@pytest.mark.parametrize("n", [1, 5, 16, 40, 512, 513, 1100])
def test_totals_and_maxima_of_any_number_of_terms(n, unknown):
    # Negative numbers, so that padding with zeros would change the maximum.
    x = -1 - np.random.default_rng(n).random([3, 2, n], np.float32)
    shape = [None if axis == unknown else size for axis, size in enumerate(x.shape)]
    signature = [tf.TensorSpec(shape, tf.float32)]

    @tf.function(jit_compile=True, input_signature=signature, autograph=False)
    def both(x):
        return total_of(x), highest_of(x)

    total, highest = both(x)
    np.testing.assert_allclose(total, x.sum(-1, dtype=np.float64), rtol=1e-6)
    np.testing.assert_array_equal(highest, x.max(-1))
