import pytest

from cascade_tf.data import DataConfig, open_source
from cascade_tf.errors import SettingError


def test_a_source_has_the_name_of_its_dataset():
    assert open_source(DataConfig("photos", None, 64, 3), "test").name == "photos"


def test_unknown_split_is_a_usage_error():
    with pytest.raises(SettingError, match="split=valid: use train, test, all"):
        open_source(DataConfig("digits", None, 32, 1), "valid")
