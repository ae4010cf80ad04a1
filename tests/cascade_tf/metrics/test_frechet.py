import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics.frechet import (
    GaussianAccumulator,
    GaussianStatistics,
    frechet_distance,
    gaussian_statistics,
)


def _features(count, size, seed=0):
    generator = np.random.default_rng(seed)
    mixing = generator.standard_normal([size, size])
    return generator.standard_normal([count, size]) @ mixing + generator.standard_normal(size)


def _gaussian(mean, covariance):
    return GaussianStatistics(np.array(mean, float), np.array(covariance, float), count=1000)


def test_one_dimension_has_a_closed_form():
    # (m1 - m2)^2 + (s1 - s2)^2
    distance = frechet_distance(_gaussian([1], [[4]]), _gaussian([4], [[25]]))
    assert distance == pytest.approx(3**2 + (2 - 5) ** 2)


def test_covariances_that_commute_add_up_over_their_axes():
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal([3, 3]))
    a, b = np.array([1.0, 4, 9]), np.array([16.0, 4, 0])
    distance = frechet_distance(
        _gaussian([0, 0, 0], rotation * a @ rotation.T),
        _gaussian([0, 2, 0], rotation * b @ rotation.T),
    )
    assert distance == pytest.approx(4 + np.square(np.sqrt(a) - np.sqrt(b)).sum())


def test_the_trace_equals_that_of_the_root_of_the_product():
    # The eigenvalues of C1 C2 are those of C1^1/2 C2 C1^1/2.
    a, b = gaussian_statistics(_features(50, 8)), gaussian_statistics(_features(60, 8, seed=1))
    roots = np.sqrt(np.linalg.eigvals(a.covariance @ b.covariance).real)
    expected = np.square(a.mean - b.mean).sum() - 2 * roots.sum()
    expected += np.trace(a.covariance) + np.trace(b.covariance)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-10)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("count", [1000, 20])  # a covariance of full rank, and a singular one
def test_equal_sets_have_distance_0(count):
    statistics = gaussian_statistics(_features(count, 100))
    distance = frechet_distance(statistics, statistics)
    assert 0 <= distance < 1e-9 * np.trace(statistics.covariance)


def test_batches_add_up_to_the_statistics_of_all():
    features = _features(100, 5)
    accumulator = GaussianAccumulator()
    for part in np.split(features, [0, 1, 40, 40, 97]):
        accumulator.add(part)
    statistics = accumulator.statistics()
    assert statistics.count == 100
    np.testing.assert_allclose(statistics.mean, features.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(statistics.covariance, np.cov(features.T), rtol=1e-12, atol=1e-12)


def test_a_large_mean_costs_no_precision():
    features = np.round(_features(1000, 4) * 64) / 64  # exact beside the mean
    far = gaussian_statistics(features + 2.0**30)
    near = gaussian_statistics(features)
    np.testing.assert_allclose(far.covariance, near.covariance, rtol=1e-6)


def test_few_images_are_compared_with_a_caution():
    few = gaussian_statistics(_features(10, 10))
    assert "10 images" in few.caution and "10 features" in few.caution
    enough = gaussian_statistics(_features(11, 10))
    assert enough.caution is None
    assert np.isfinite(frechet_distance(few, enough))
    assert GaussianStatistics(few.mean, few.covariance, count=None).caution is None


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_images_have_no_covariance(count):
    with pytest.raises(UserError, match=f"at least 2 images, not {count}"):
        gaussian_statistics(_features(count, 3))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    features = _features(10, 3)
    features[4, 1] = value
    with pytest.raises(UserError, match="not finite"):
        gaussian_statistics(features)


def test_different_numbers_of_features_are_refused():
    a, b = gaussian_statistics(_features(10, 3)), gaussian_statistics(_features(10, 4))
    with pytest.raises(UserError, match="3 features cannot be compared with 4"):
        frechet_distance(a, b)
    accumulator = GaussianAccumulator()
    accumulator.add(_features(10, 3))
    with pytest.raises(UserError, match="4 features follow batches of 3"):
        accumulator.add(_features(10, 4))
