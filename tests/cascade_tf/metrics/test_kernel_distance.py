import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics.kernel_distance import kernel_distance, squared_mmd


def _features(count, size=6, shift=0.0, seed=0):
    return np.random.default_rng(seed).standard_normal([count, size]) + shift


def _brute_force(x, y):
    def kernel(a, b):
        return (float(a @ b) / len(a) + 1) ** 3

    def pairs(rows):
        return [kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]

    crossed = [kernel(a, b) for a in x for b in y]
    return np.mean(pairs(x)) + np.mean(pairs(y)) - 2 * np.mean(crossed)


def test_the_estimate_equals_its_definition():
    x, y = _features(7), _features(9, shift=0.5, seed=1)
    assert squared_mmd(x, y) == pytest.approx(_brute_force(x, y), rel=1e-12)
    small = [_features(count, seed=count) for count in (2, 2)]
    assert squared_mmd(*small) == pytest.approx(_brute_force(*small), rel=1e-12)


def test_it_is_unbiased_for_equal_distributions():
    distances = [
        squared_mmd(_features(10, seed=seed), _features(20, seed=1000 + seed))
        for seed in range(1000)
    ]
    error = np.std(distances) / np.sqrt(len(distances))
    assert abs(np.mean(distances)) < 4 * error
    assert min(distances) < 0 < max(distances)


def test_it_grows_with_the_shift():
    reference = _features(500)
    near, far = [
        kernel_distance(_features(500, shift=shift, seed=1), reference)[0] for shift in (0.2, 1)
    ]
    same = kernel_distance(_features(500, seed=1), reference)[0]
    assert abs(same) < near < far


def test_subsets_are_seeded_and_their_mean_is_that_of_the_whole():
    x, y = _features(400), _features(300, shift=1, seed=1)
    mean, deviation = kernel_distance(x, y, subset_size=50)
    assert (mean, deviation) == kernel_distance(x, y, subset_size=50)
    assert mean != kernel_distance(x, y, subset_size=50, seed=1)[0]
    assert deviation > 0
    assert mean == pytest.approx(squared_mmd(x, y), abs=4 * deviation / 10)


def test_a_subset_is_at_most_the_smaller_set():
    x, y = _features(40), _features(40, shift=1, seed=1)
    assert kernel_distance(x, y) == (pytest.approx(squared_mmd(x, y)), None)
    assert kernel_distance(x, y, subsets=1, subset_size=9)[1] is None
    assert kernel_distance(x, y[:20])[1] > 0


def test_sets_that_cannot_be_compared_are_refused():
    with pytest.raises(UserError, match="1 images are too few"):
        kernel_distance(_features(1), _features(5))
    with pytest.raises(UserError, match="samples have 6 features, the reference 5"):
        kernel_distance(_features(5), _features(5, size=5))
    with pytest.raises(UserError, match="not finite"):
        kernel_distance(_features(5), _features(5, shift=np.nan))
    for name, value in {"subsets": 0, "subset_size": 1}.items():
        with pytest.raises(UserError, match=f"{name}={value}: use an integer, "):
            kernel_distance(_features(5), _features(5), **{name: value})
