import numpy as np
import pytest

from cascade_tf.errors import SettingError, UserError
from cascade_tf.metrics.density_coverage import density_coverage


def _features(count, size=5, scale=1.0, seed=0):
    return np.random.default_rng(seed).standard_normal([count, size]) * scale


def _by_definition(samples, reference, k):
    def distances(x, y):
        return np.linalg.norm(x[:, None] - y, axis=2)

    radii = np.sort(distances(reference, reference), axis=1)[:, k]
    inside = distances(samples, reference) <= radii
    return inside.sum() / (k * len(samples)), inside.any(axis=0).mean()


@pytest.mark.parametrize("block", [2**24, 100])
@pytest.mark.parametrize("k", [1, 5])
def test_it_equals_its_definition(block, k):
    samples, reference = _features(40, scale=0.7), _features(50, seed=1)
    expected = _by_definition(samples, reference, k)
    assert 0 < expected[1] < 1
    assert density_coverage(samples, reference, k, block) == pytest.approx(expected)


def test_it_equals_prdc():
    """Of prdc 0.2 with 5 neighbours, for the float64 features below."""
    samples, reference = _features(300, 8, 0.8), _features(200, 8, seed=1) + 0.1
    assert density_coverage(samples, reference) == pytest.approx((1.5886666666666667, 0.995))


def test_equal_distributions_have_density_1_and_the_expected_coverage():
    """Appendix of the paper: coverage is 1 - (M - 1)...(M - k) / (2 M - 1)...(2 M - k)."""
    of_draws = [
        density_coverage(_features(500, seed=i), _features(500, seed=100 + i)) for i in range(9)
    ]
    density, coverage = np.mean(of_draws, axis=0)
    i = np.arange(1, 6)
    assert density == pytest.approx(1, abs=0.05)
    assert coverage == pytest.approx(1 - np.prod((500 - i) / (1000 - i)), abs=0.01)


def test_an_outlier_of_the_reference_does_not_raise_density():
    reference = np.concatenate([_features(100), [[1000.0] * 5]])
    samples = _features(50, seed=1) + 500  # in the outlier's ball alone
    assert density_coverage(samples, reference) == (1 / 5, 1 / 101)


def test_mistakes_are_refused():
    with pytest.raises(SettingError, match="neighbours=0: use an integer, 1 or more"):
        density_coverage(_features(9), _features(9), neighbours=0)
    with pytest.raises(UserError, match="5 images are too few to compare: at least 6 are needed"):
        density_coverage(_features(9), _features(5))
