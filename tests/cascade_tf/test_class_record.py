import pytest

from cascade_tf.class_names import difference
from cascade_tf.class_record import (
    NAME,
    changes,
    described,
    load_classes,
    require_number_of_classes,
    require_same_classes,
    save_classes,
)
from cascade_tf.data import DataConfig, open_source
from cascade_tf.errors import SettingError, UserError
from tests.cascade_tf.data.test_folder import add_images


def opened(root):
    return open_source(DataConfig("folder", root, image_size=8), "all")


@pytest.fixture
def data(tmp_path):
    add_images(tmp_path / "data", [f"{name}/{n}.png" for name in "abd" for n in range(3)])
    save_classes(tmp_path, opened(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: add_images(data, ["c/1.png"]), "c is new;"),
        (lambda data: add_images(data, ["1.png"]), r"\(no folder\) is new;"),
        (lambda data: (data / "b").rename(data.parent / "b"), "b is missing;"),
        (lambda data: (data / "d").rename(data / "0d"), r"d is missing and 0d is new \(renamed\?"),
    ],
)
def test_a_model_of_classes_refuses_other_class_folders(tmp_path, data, change, message):
    require_same_classes(tmp_path, 3, opened(data))
    change(data)
    with pytest.raises(UserError, match=f"other classes than {data} has now: {message}"):
        require_same_classes(tmp_path, 3, opened(data))
    require_same_classes(tmp_path, 1, opened(data))  # it ignores classes
    assert changes(tmp_path, opened(data)).startswith("changed since the last start: classes: ")


def test_images_may_be_added_to_a_class(tmp_path, data):
    assert changes(tmp_path, opened(data)) is None
    add_images(data, ["b/more.png"])
    require_same_classes(tmp_path, 3, opened(data))
    assert changes(tmp_path, opened(data)) == "changed since the last start: images: b 3 to 4"
    assert described(opened(data)) == "3 classes: a (3 images), b (4), d (3)"


def test_a_changed_order_changes_labels():
    assert difference(["b", "a"], ["a", "b"]) == "their order changed"
    assert difference(["a", "b"], ["a", "b"]) is None


def test_workdirs_without_names_and_data_without_names_are_accepted(tmp_path, data):
    (tmp_path / NAME).unlink()
    assert load_classes(tmp_path) == {} and changes(tmp_path, opened(data)) is None
    require_same_classes(tmp_path, 5, opened(data))


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / NAME).write_text('{"a":')
    with pytest.raises(UserError, match=f"{tmp_path}/{NAME} is damaged: delete it"):
        load_classes(tmp_path)


def test_a_number_of_classes_that_is_not_the_datas_is_refused_with_both(data):
    require_number_of_classes(3, opened(data))
    require_number_of_classes(1, opened(data))
    with pytest.raises(SettingError, match=r"num_classes=4: the images have 3 classes \(a, b, d\)"):
        require_number_of_classes(4, opened(data))
    with pytest.raises(SettingError, match="num_classes=4: the images have 1 class: put"):
        require_number_of_classes(4, opened(data / "a"))
