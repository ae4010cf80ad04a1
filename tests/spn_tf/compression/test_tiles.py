import numpy as np
import pytest

from spn_tf.compression.tiles import count_tiles, from_tiles, to_tiles


@pytest.mark.parametrize("size", [(1, 1), (4, 6), (5, 6), (4, 7), (13, 17)])
def test_tiles_cover_a_picture_and_give_it_back(size):
    picture = np.random.default_rng(0).integers(0, 256, [*size, 3], np.uint8)
    tiles = to_tiles(picture, (4, 6))
    assert tiles.shape == (count_tiles(*size, (4, 6)), 4, 6, 3)
    np.testing.assert_array_equal(from_tiles(tiles, *size), picture)
