"""Runs the examples in docstrings as tests: seeded, and eagerly, which is faster than compiling.

Fixtures of all other tests are in tests/conftest.py.
"""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _seeded_and_eager_examples(request: pytest.FixtureRequest) -> Iterator[None]:
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
