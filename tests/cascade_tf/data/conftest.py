"""Helpers shared by the tests of the sources."""

from collections.abc import Callable

import numpy as np
import pytest

from cascade_tf.data import Source
from cascade_tf.examples import Examples


def training_batches(source: Source, batch_size: int, start: int, count: int) -> list[Examples]:
    batches = source.training_examples(batch_size, start).take(count)
    return list(batches.as_numpy_iterator())


@pytest.fixture
def assert_restarts_exactly() -> Callable[[Source], None]:
    """Checks that a stream restarted before or after the end of an epoch is the same."""

    def check(source: Source) -> None:
        batch_size = max(2, source.num_examples // 3)
        whole = training_batches(source, batch_size, 0, 8)
        for step in (1, 2, 3, 4, 7):
            restarted = training_batches(source, batch_size, step * batch_size, 8 - step)
            for expected, actual in zip(whole[step:], restarted, strict=True):
                for expected_part, actual_part in zip(expected, actual, strict=True):
                    np.testing.assert_array_equal(expected_part, actual_part)
        indices = np.concatenate([batch.indices for batch in whole])
        np.testing.assert_array_equal(indices, np.arange(8 * batch_size))

    return check
