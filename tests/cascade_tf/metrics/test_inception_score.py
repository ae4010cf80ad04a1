import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics.inception_score import inception_score


def test_images_of_no_class_score_1():
    assert inception_score(np.full([50, 8], 1 / 8)) == pytest.approx((1, 0))


def test_sure_and_balanced_images_score_the_number_of_classes():
    one_hot = np.eye(7, dtype=np.float32)[np.arange(70) % 7]
    assert inception_score(one_hot, splits=1) == pytest.approx((7, 0))


def test_sure_images_of_one_class_score_1():
    assert inception_score(np.eye(7)[np.zeros(30, int)]) == pytest.approx((1, 0))


def test_two_classes_have_a_closed_form():
    p = 0.9
    rows = np.array([[p, 1 - p], [1 - p, p]] * 20)
    divergence = p * np.log(2 * p) + (1 - p) * np.log(2 * (1 - p))
    assert inception_score(rows, splits=1) == pytest.approx((np.exp(divergence), 0))


def test_images_in_the_order_of_their_classes_score_as_shuffled_ones():
    ordered = np.eye(10)[np.repeat(np.arange(10), 100)]
    score, deviation = inception_score(ordered)
    assert 9.3 < score < 10 and deviation < 0.2  # without the shuffle 1.0, each part of one class
    assert inception_score(ordered) == (score, deviation)
    assert inception_score(ordered, seed=1) != (score, deviation)
    shuffled = np.random.default_rng(1).permutation(ordered)
    assert inception_score(shuffled)[0] == pytest.approx(score, abs=0.1)


def test_every_part_has_a_score_of_its_own():
    # 13 images in 3 parts of 4, 4 and 5.
    sure, unsure = np.eye(2)[np.arange(4) % 2], np.full([9, 2], 0.5)
    scores = [2, 1, 1]
    rows = np.empty([13, 2])
    order = np.random.default_rng(5).permutation(13)  # that of the shuffle
    rows[order] = np.concatenate([sure, unsure])
    score = inception_score(rows, splits=3, seed=5)
    assert score == pytest.approx((np.mean(scores), np.std(scores)))


def test_fewer_images_than_parts_are_refused():
    with pytest.raises(UserError, match="10 splits needs as many images, not 9"):
        inception_score(np.full([9, 2], 0.5))
    with pytest.raises(UserError, match="splits=0: use an integer, 1 or more"):
        inception_score(np.full([9, 2], 0.5), splits=0)
    with pytest.raises(UserError, match="needs probabilities"):
        inception_score(np.full([20], 0.5))


@pytest.mark.parametrize("row", [[0.5, 0.6], [0.5, np.nan], [-0.5, 1.5], [0, np.inf]])
def test_rows_that_are_not_probabilities_are_refused(row):
    rows = np.array([[0.5, 0.5]] * 19 + [row])
    with pytest.raises(UserError, match="needs probabilities"):
        inception_score(rows)
