import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics.inception_score import inception_score


def test_images_of_no_class_score_1():
    assert inception_score(np.full([50, 8], 1 / 8)) == pytest.approx((1, 0))


def test_sure_and_balanced_images_score_the_number_of_classes():
    one_hot = np.eye(7, dtype=np.float32)[np.arange(70) % 7]
    assert inception_score(one_hot) == pytest.approx((7, 0))


def test_sure_images_of_one_class_score_1():
    assert inception_score(np.eye(7)[np.zeros(30, int)]) == pytest.approx((1, 0))


def test_two_classes_have_a_closed_form():
    p = 0.9
    rows = np.array([[p, 1 - p], [1 - p, p]] * 20)
    divergence = p * np.log(2 * p) + (1 - p) * np.log(2 * (1 - p))
    assert inception_score(rows) == pytest.approx((np.exp(divergence), 0))


def test_every_part_has_a_score_of_its_own():
    # 13 images in 3 parts of 4, 4 and 5.
    sure, unsure = np.eye(2)[np.arange(4) % 2], np.full([9, 2], 0.5)
    scores = [2, 1, 1]
    score = inception_score(np.concatenate([sure, unsure]), splits=3)
    assert score == pytest.approx((np.mean(scores), np.std(scores)))


def test_fewer_images_than_parts_are_refused():
    with pytest.raises(UserError, match="10 splits needs as many images, not 9"):
        inception_score(np.full([9, 2], 0.5))


@pytest.mark.parametrize("row", [[0.5, 0.6], [0.5, np.nan], [-0.5, 1.5], [0, np.inf]])
def test_rows_that_are_not_probabilities_are_refused(row):
    rows = np.array([[0.5, 0.5]] * 19 + [row])
    with pytest.raises(UserError, match="needs probabilities"):
        inception_score(rows)
