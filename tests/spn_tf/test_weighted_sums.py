import numpy as np
import pytest
import tensorflow as tf

from spn_tf.weighted_sums import (
    GROUP,
    as_kept,
    as_numbers,
    groups_of,
    lanes_of,
    tiles,
    weighted_sum,
)


def _in_tiles(vectors, lanes):
    """[B, heads, n, m] in tiles, the last group filled up with zeros."""
    batch, heads, n, m = vectors.shape
    filled = np.pad(vectors, [(0, 0), (0, 0), (0, -n % GROUP), (0, 0)])
    by_tile = filled.reshape(batch, heads, groups_of(n), GROUP, m // lanes, lanes)
    return tf.constant(by_tile.swapaxes(3, 4))


@pytest.mark.parametrize("kept", [tf.float32, tf.uint16])
@pytest.mark.parametrize("n, m", [(40, 28), (16, 32), (5, 7)])
def test_the_sum_is_that_of_the_kept_numbers(n, m, kept):
    random = np.random.default_rng(0)
    weights = random.normal(size=[2, 3, n]).astype(np.float32)
    vectors = random.normal(size=[2, 3, n, m]).astype(np.float32)
    numbers = as_numbers(as_kept(tf.constant(vectors), kept))
    lanes = lanes_of(m)
    in_tiles = as_kept(_in_tiles(vectors, lanes), kept)
    assert in_tiles.shape == [2, 3, *tiles(n, m, lanes)]
    expected = np.einsum("bhn,bhnm->bhm", weights, numbers)
    np.testing.assert_allclose(weighted_sum(weights, in_tiles), expected, atol=1e-5)


def test_tiles_of_a_good_size_are_found_where_there_are_any():
    assert [lanes_of(n) for n in (4, 16, 28, 32, 40, 64, 96)] == [4, 16, 14, 16, 10, 16, 16]
    assert [lanes_of(n) for n in (17, 34)] == [17, 34]
