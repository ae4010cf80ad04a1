import numpy as np
import pytest

from cascade_tf.errors import SettingError, UserError
from cascade_tf.metrics.nearest import nearest, share_nearer


def _features(count, size=4, seed=0):
    return np.random.default_rng(seed).standard_normal([count, size])


@pytest.mark.parametrize("block", [2**24, 50])
@pytest.mark.parametrize("shift", [0, 1e5])
def test_neighbours_are_those_of_all_distances(block, shift):
    samples, images = _features(30), _features(40, seed=1)
    distances = np.linalg.norm(samples[:, None] - images, axis=2)
    found = nearest(samples + shift, images + shift, 3, block)
    np.testing.assert_array_equal(found.numbers, np.argsort(distances, axis=1)[:, :3])
    np.testing.assert_allclose(found.distances, np.sort(distances, axis=1)[:, :3], atol=1e-9)


def test_a_copy_is_found_at_a_distance_of_zero():
    images = np.float32(_features(50)) + 1000
    found = nearest(images[[7, 3]], images)
    assert found.numbers.tolist() == [[7], [3]] and found.distances.tolist() == [[0], [0]]


def test_all_images_are_as_likely_to_be_the_nearest_to_samples_of_their_distribution():
    draws = [
        share_nearer(
            *(_features(count, seed=10 * n + i) for i, count in enumerate((200, 300, 100)))
        )
        for n in range(10)
    ]
    assert np.mean(draws, axis=0) == pytest.approx([3 / 4, 3 / 4], abs=0.05)


def test_samples_near_training_images_are_told():
    training, held_out = _features(300), _features(100, seed=1)
    samples = training[:100] + 0.1 * _features(100, seed=2)
    assert share_nearer(samples, training, held_out)[0] > 0.95
    assert share_nearer(samples, held_out, training)[0] < 0.05


def test_images_of_both_sets_are_as_near_in_both():
    images = np.float32(_features(100, size=64))
    training = np.concatenate([images, np.float32(_features(200, size=64, seed=1)) + 30])
    share, _ = share_nearer(images + np.float32(0.1), training, images)
    assert share == pytest.approx(3 / 4)


def test_mistakes_are_refused():
    with pytest.raises(UserError, match="2 images have no 3 nearest ones"):
        nearest(_features(4), _features(2), count=3)
    with pytest.raises(SettingError, match="count=0: use an integer, 1 or more"):
        nearest(_features(4), _features(2), count=0)
