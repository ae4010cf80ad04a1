import numpy as np
import pytest
import scipy.stats

from cascade_tf.errors import SettingError, UserError
from cascade_tf.metrics.sliced_distance import sliced_distance


def _features(count, size=8, shift=0.0, seed=0):
    return np.random.default_rng(seed).standard_normal([count, size]) + shift


def _of_sorted(x, y, directions, seed):
    lines = np.random.default_rng(seed).standard_normal([directions, x.shape[1]])
    lines /= np.linalg.norm(lines, axis=1, keepdims=True)
    squares = [np.square(np.sort(x @ line) - np.sort(y @ line)).mean() for line in lines]
    return 3 * x.shape[1] * np.mean(squares)


@pytest.mark.parametrize("block", [2**22, 100])
def test_it_equals_its_definition(block):
    x, y = _features(40), _features(40, shift=0.3, seed=1)
    expected = _of_sorted(x, y, 30, 5)
    assert sliced_distance(x, y, directions=30, seed=5, block=block) == pytest.approx(
        expected, rel=1e-12
    )


def test_sets_of_unequal_sizes_equal_sets_of_copies():
    """Copies do not change a distribution; the least common multiple of the sizes is 60."""
    x, y = _features(12), _features(20, shift=1, seed=1)
    expected = sliced_distance(np.repeat(x, 5, axis=0), np.repeat(y, 3, axis=0))
    assert sliced_distance(x, y) == pytest.approx(expected, rel=1e-12)
    assert sliced_distance(y, x) == pytest.approx(expected, rel=1e-12)


def test_one_feature_gives_the_wasserstein_distance_of_numbers():
    x, y = _features(7, size=1), _features(7, size=1, shift=5, seed=1)
    quantiles = np.sort(x, axis=0) - np.sort(y, axis=0)
    assert sliced_distance(x, y) == pytest.approx(3 * np.square(quantiles).mean(), rel=1e-12)
    # All values of x are below those of y, so the 1-Wasserstein distance is that of the means.
    shifted = sliced_distance(x, x + 5)
    first = scipy.stats.wasserstein_distance(x[:, 0], x[:, 0] + 5)
    assert shifted == pytest.approx(3 * first**2, rel=1e-12)


def test_a_shift_of_a_gaussian_has_its_closed_form():
    """Projections are normal, with means `shift` times the sum of a unit vector apart."""
    size, shift = 32, 1.5
    x, y = _features(4000, size), _features(4000, size, shift, seed=1)
    assert sliced_distance(x, y, directions=4000) == pytest.approx(3 * size * shift**2, rel=0.05)


def test_it_does_not_depend_on_the_order_or_on_a_shift_of_both():
    x, y = _features(30), _features(20, shift=1, seed=1)
    expected = sliced_distance(x, y)
    assert sliced_distance(x[::-1], y[::-1]) == pytest.approx(expected, rel=1e-12)
    assert sliced_distance(x + 1e6, y + 1e6) == pytest.approx(expected, rel=1e-6)
    assert sliced_distance(np.float32(x), np.float32(y)) == pytest.approx(expected, rel=1e-5)


def test_mistakes_are_refused():
    with pytest.raises(SettingError, match="directions=0: use an integer, 1 or more"):
        sliced_distance(_features(3), _features(3), directions=0)
    with pytest.raises(UserError, match="8 features, the reference 5"):
        sliced_distance(_features(3), _features(3, size=5))
