import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics.precision_recall import precision_recall


def _features(count, size=5, scale=1.0, seed=0):
    return np.random.default_rng(seed).standard_normal([count, size]) * scale


def _share_within(queries, points, k):
    def distance(a, b):
        return np.sqrt(np.square(a - b).sum())

    radii = [sorted(distance(a, b) for b in points)[k] for a in points]
    hits = [
        any(distance(q, p) <= radius for p, radius in zip(points, radii, strict=True))
        for q in queries
    ]
    return np.mean(hits)


@pytest.mark.parametrize("block", [2**24, 100])
@pytest.mark.parametrize("k", [1, 3])
def test_it_equals_its_definition(block, k):
    samples, reference = _features(40, scale=0.7), _features(50, seed=1)
    expected = _share_within(samples, reference, k), _share_within(reference, samples, k)
    assert 0 < expected[1] < expected[0] <= 1
    assert precision_recall(samples, reference, k, block) == pytest.approx(expected)


def test_equal_sets_have_precision_and_recall_1_even_with_copies_and_far_from_0():
    features = np.repeat(_features(20), 5, axis=0) + 1000
    assert precision_recall(features, features[::-1]) == (1, 1)


@pytest.mark.parametrize("shift", [0, 100, 1e6, -0.1])
@pytest.mark.parametrize("values, size", [(3, 4), (4, 8), (10, 2)])
def test_a_distance_equal_to_a_radius_is_within_it(shift, values, size):
    """Integers have many exact ties. The definition is computed in integers."""
    generator = np.random.default_rng(1)
    samples = generator.integers(0, values, [90, size])
    reference = generator.integers(0, values, [100, size]) + 1

    def share(queries, points, k=3):
        own, crossed = (np.square(x[:, None] - points).sum(axis=2) for x in (points, queries))
        return (crossed <= np.sort(own, axis=1)[:, k]).any(axis=1).mean()

    expected = share(samples, reference), share(reference, samples)
    assert precision_recall(samples + shift, reference + shift) == expected
    if abs(shift) <= 100:  # tenths beside 1e6 are rounded more than distances are
        assert precision_recall(samples[::-1] / 10 + shift, reference / 10 + shift) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shift", [0, 0.1, 10])
def test_ties_do_not_depend_on_the_dtype_of_the_features(dtype, shift):
    generator = np.random.default_rng(0)
    samples, reference = generator.integers(0, 4, [200, 3]), generator.integers(0, 5, [150, 3])
    expected = precision_recall(samples, reference)
    assert 0 < expected[1] < expected[0] <= 1
    samples, reference = (x / 255 + shift for x in (samples, reference))
    assert precision_recall(samples.astype(dtype), reference.astype(dtype)) == expected
    assert precision_recall(samples.astype(dtype), reference) == expected


def test_features_without_ties_give_the_same_in_float32():
    samples, reference = _features(500, size=20, scale=0.9), _features(400, size=20, seed=1)
    single = precision_recall(samples.astype(np.float32), reference.astype(np.float32))
    assert single == precision_recall(samples, reference)
    assert 0 < single[1] < single[0] < 1


def test_copies_have_radius_0_and_contain_only_themselves():
    copies = np.repeat(_features(1), 10, axis=0) + 1000
    near = copies + 1e-3 * _features(10, seed=1)
    assert precision_recall(copies, copies) == (1, 1)
    precision, recall = precision_recall(near, copies)
    assert precision == 0 and recall == float(_share_within(copies, near, 3))


def test_sets_far_apart_have_precision_and_recall_0():
    assert precision_recall(_features(30), _features(30, seed=1) + 100) == (0, 0)


def test_a_collapsed_set_has_high_precision_and_low_recall():
    reference = _features(200)
    collapsed = reference[:1] + _features(200, scale=0.01, seed=1)
    precision, recall = precision_recall(collapsed, reference)
    assert precision == 1
    assert recall < 0.05


def test_a_set_that_is_too_wide_has_high_recall_and_low_precision():
    reference = _features(300, size=2)
    precision, recall = precision_recall(_features(300, size=2, scale=20, seed=1), reference)
    assert precision < 0.1
    assert recall > 0.9


def test_sets_that_cannot_be_compared_are_refused():
    with pytest.raises(UserError, match="3 images are too few to compare: at least 4 are needed"):
        precision_recall(_features(3), _features(10))
    with pytest.raises(UserError, match="samples have 5 features, the reference 4"):
        precision_recall(_features(10), _features(10, size=4))
    with pytest.raises(UserError, match="not finite"):
        precision_recall(_features(10) * np.inf, _features(10))
    with pytest.raises(UserError, match="neighbours=0: use an integer, 1 or more"):
        precision_recall(_features(10), _features(10), neighbours=0)
