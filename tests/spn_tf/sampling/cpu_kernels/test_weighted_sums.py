import numpy as np
import pytest
import tensorflow as tf

from spn_tf.sampling.cpu_kernels.weighted_sums import (
    group_size,
    lanes_of,
    packed,
    put,
    tiles,
    weighted_sum,
)


def _in_tiles(vectors, lanes, stored):
    """Returns vectors [B, heads, n, m] in tiles; the last group is padded with zeros."""
    batch, heads, n, m = vectors.shape
    size = group_size(n, stored)
    filled = np.pad(vectors, [(0, 0), (0, 0), (0, -n % size), (0, 0)])
    by_group = filled.reshape(batch, heads, -1, size, m // lanes, lanes)
    return packed(tf.constant(by_group.swapaxes(3, 4)), stored)


def _drawn(n, m, stored):
    """Returns random vectors, [2, 3, n, m], and the same rounded to the stored precision."""
    vectors = np.random.default_rng(0).normal(size=[2, 3, n, m]).astype(np.float32)
    if stored == tf.float32:
        return vectors, vectors
    return vectors, tf.cast(tf.cast(vectors, tf.bfloat16), tf.float32).numpy()


@pytest.mark.parametrize("stored", [tf.float32, tf.uint32])
@pytest.mark.parametrize("n, m", [(40, 28), (16, 32), (5, 7)])
def test_the_weighted_sum_uses_the_stored_precision(n, m, stored):
    vectors, rounded = _drawn(n, m, stored)
    weights = np.random.default_rng(1).normal(size=[2, 3, n]).astype(np.float32)
    lanes = lanes_of(m)
    in_tiles = _in_tiles(vectors, lanes, stored)
    assert in_tiles.shape == [2, 3, *tiles(n, m, lanes, stored)]
    expected = np.einsum("bhn,bhnm->bhm", weights, rounded)
    np.testing.assert_allclose(weighted_sum(weights, in_tiles), expected, atol=1e-5)


@pytest.mark.parametrize("stored", [tf.float32, tf.uint32])
def test_vectors_put_one_by_one_equal_all_packed_at_once(stored):
    n, m = 48, 32  # the last group of words is half full
    vectors, _ = _drawn(n, m, stored)
    lanes, size = lanes_of(m), group_size(n, stored)
    compiled_put = tf.function(put, jit_compile=True, autograph=False)
    # Numbers of an earlier use must be overwritten.
    in_tiles = tf.fill([2, 3, *tiles(n, m, lanes, stored)], tf.constant(7, stored))
    for i in range(n):
        vector = tf.reshape(vectors[:, :, i], [2, 3, 1, m // lanes, 1, lanes])
        group = [0, 0, tf.constant(i // size), 0]
        in_tiles = compiled_put(in_tiles, vector, group, tf.constant(i % size))
    np.testing.assert_array_equal(in_tiles, _in_tiles(vectors, lanes, stored))


def test_lanes_are_a_divisor_near_16_if_there_is_one():
    assert [lanes_of(n) for n in (4, 16, 28, 32, 40, 64, 96)] == [4, 16, 14, 16, 10, 16, 16]
    assert [lanes_of(n) for n in (17, 34)] == [17, 34]
