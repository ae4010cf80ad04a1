import numpy as np
import pytest
import tensorflow as tf

from spn_tf.sampling import UNKNOWN
from spn_tf.sampling.arguments import as_tensors
from tests.spn_tf.random_networks import tiny_config

CONFIG = tiny_config(height=2, width=4, channels=1, scale=2)


@pytest.mark.parametrize("indices", [[1, 5], range(1, 6, 4), np.array([1, 5], np.uint8)])
def test_python_and_numpy_numbers_become_tensors_of_fixed_dtypes(indices):
    indices, seed, temperature, coarse, known = as_tensors(CONFIG, indices, 3, 1, None, None)
    np.testing.assert_array_equal(indices, [1, 5])
    assert (indices.dtype, seed.dtype, temperature.dtype) == (tf.int64, tf.int32, tf.float32)
    assert (int(seed), float(temperature), coarse) == (3, 1.0, None)
    assert known.shape == [2, 2, 4, 1] and (known.numpy() == UNKNOWN).all()


def test_large_indices_keep_all_of_their_bits():
    indices, *_ = as_tensors(CONFIG, [2**40 + 1], 0, 1.0, None, None)
    assert int(indices[0]) == 2**40 + 1


def test_an_empty_batch_is_allowed():
    indices, *_, known = as_tensors(CONFIG, [], 0, 1.0, None, None)
    assert indices.shape == [0] and indices.dtype == tf.int64 and known.shape == [0, 2, 4, 1]


@pytest.mark.parametrize(
    "seed, complaint",
    [(2**31, "seed must fit int32"), (-(2**40), "seed must fit int32"), (0.5, "must be integers")],
)
def test_seeds_that_would_be_truncated_are_refused(seed, complaint):
    with pytest.raises(ValueError, match=complaint):
        as_tensors(CONFIG, [0], seed, 1.0, None, None)
