"""Runs the examples in docstrings as tests: seeded, and eagerly, which is faster than compiling.

Fixtures of all other tests are in tests/conftest.py.
"""

import importlib.util
from collections.abc import Iterator

import pytest

# Examples that need a package of an extra, where there are no wheels of it.
_NEEDS = {
    "cascade_tf/hardware/stablehlo.py": "jax",
    "cascade_tf/portable_programs.py": "jax",
    "cascade_tf/runtime_models.py": "ai_edge_litert",
}
collect_ignore = [path for path, name in _NEEDS.items() if importlib.util.find_spec(name) is None]


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
