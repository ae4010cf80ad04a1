"""Sizes of the weight arrays; test_inception.py tests the network's features."""

import numpy as np
import pytest

from cascade_tf.metrics.inception_network import inception_network


def test_arrays_of_wrong_sizes_are_named():
    with pytest.raises(ValueError, match="array 0 holds nothing where 864 are needed"):
        inception_network([])
    with pytest.raises(ValueError, match="array 1 holds 864 numbers where 32 are needed"):
        inception_network([np.zeros(864, np.float32)] * 2)
