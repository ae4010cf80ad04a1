"""The sizes of the arrays; what the network computes is tested in test_inception.py."""

import numpy as np
import pytest

from cascade_tf.metrics.inception_network import inception_network


def test_arrays_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="array 0 holds nothing where 864 are needed"):
        inception_network([])
    with pytest.raises(ValueError, match="array 1 holds 864 numbers where 32 are needed"):
        inception_network([np.zeros(864, np.float32)] * 2)
