import pytest

from cascade_tf.data import DataConfig
from cascade_tf.errors import UsageError


@pytest.mark.parametrize("wrong", [{"channels": 2}, {"image_size": 0}])
def test_impossible_shapes_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        DataConfig(
            **{"dataset": "digits", "data_dir": None, "image_size": 32, "channels": 3} | wrong
        )
