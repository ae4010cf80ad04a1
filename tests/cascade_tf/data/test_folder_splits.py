import pytest

from cascade_tf.class_record import require_known_classes
from cascade_tf.data import DataConfig, open_source
from cascade_tf.data.folder_splits import split_of
from cascade_tf.errors import SettingError, UserError
from tests.cascade_tf.data.test_folder import add_images


def opened(root, split, test_dir=None):
    return open_source(DataConfig("folder", root, image_size=8, test_dir=test_dir), split)


def relative(source, root) -> list[str]:
    return sorted(path.removeprefix(f"{root}/") for path in source.paths())


@pytest.mark.parametrize(
    ("train", "held_out"),
    [
        ("train", "test"),
        ("Training", "VAL"),
        ("train2017", "val2017"),
        ("train", "dev"),
        ("train", "eval"),
        ("train", "Evaluation"),
        ("train", "holdout"),
        ("trainset", "held_out"),
        ("DIV2K_train_HR", "DIV2K_valid_HR"),
        ("trainA", "testA"),
        ("trainval", "test"),
    ],
)
def test_folders_named_for_splits_are_splits_and_the_folders_in_them_classes(
    tmp_path, train, held_out
):
    held = [f"{held_out}/cat/1.png", f"{held_out}/dog/1.png"]
    trained = [f"{train}/{name}/{number}.png" for name in ("cat", "dog") for number in range(20)]
    add_images(tmp_path, [*held, *trained])
    sources = {split: opened(tmp_path, split) for split in ("train", "test", "all")}
    assert relative(sources["train"], tmp_path) == sorted(trained)
    assert relative(sources["test"], tmp_path) == held
    assert relative(sources["all"], tmp_path) == sorted([*held, *trained])
    for source in sources.values():
        assert source.class_names == ("cat", "dog")
        assert source.class_counts[0] == source.class_counts[1] == source.num_examples // 2
        names = f"{held_out}, {train}" if held_out < train else f"{train}, {held_out}"
        assert source.notes == (
            f"{names} in {tmp_path} are splits: 40 training images, 2 held out",
        )


def test_of_three_splits_validation_is_in_neither_of_two(tmp_path):
    names = ["train/1.png", "train/2.png", "val/3.png", "test/4.png"]
    add_images(tmp_path, names)
    assert relative(opened(tmp_path, "test"), tmp_path) == ["test/4.png"]
    train = opened(tmp_path, "train")
    assert relative(train, tmp_path) == ["train/1.png", "train/2.png"]
    assert train.notes[0].endswith("1 held out; the 1 of val are in neither")
    assert relative(opened(tmp_path, "all"), tmp_path) == sorted(names)


def test_a_folder_named_like_a_split_is_a_class_beside_other_classes(tmp_path):
    add_images(tmp_path, ["train/1.png", "train/2.png", "car/1.png"])
    source = opened(tmp_path, "all")
    assert source.class_names == ("car", "train") and not source.notes


def test_words_are_whole_words_and_make_splits_only_if_all_folders_have_them(tmp_path):
    names = ("trains", "validator", "contest", "strain_2", "restrained")
    assert [split_of(name) for name in names] == [None] * 5
    add_images(tmp_path, ["a/training shoes/1.png", "a/test tubes/1.png", "a/mugs/1.png"])
    source = opened(tmp_path / "a", "all")
    assert source.class_names == ("mugs", "test tubes", "training shoes")
    assert source.notes[0].startswith(
        f"test tubes, training shoes in {tmp_path}/a look like splits"
    )
    assert "images beside them" in source.notes[0]


def test_two_domains_have_the_same_splits(tmp_path):
    names = [f"{split}{domain}/1.png" for domain in "AB" for split in ("train", "test")]
    add_images(tmp_path, names)
    assert relative(opened(tmp_path, "train"), tmp_path) == ["trainA/1.png", "trainB/1.png"]
    assert relative(opened(tmp_path, "test"), tmp_path) == ["testA/1.png", "testB/1.png"]


def test_splits_without_one_to_train_on_are_classes_and_said_to_be(tmp_path):
    add_images(tmp_path, ["val/1.png", "test/1.png"])
    source = opened(tmp_path, "all")
    assert source.class_names == ("test", "val")
    assert "look like splits, but are taken as classes, since none is for" in source.notes[0]


@pytest.mark.parametrize("other", ["extra/1.png", "1.png"])
def test_images_beside_splits_are_refused(tmp_path, other):
    add_images(tmp_path, ["train/1.png", "test/1.png", other])
    with pytest.raises(UserError, match=r"splits test, train, and beside them (extra|\(no folder)"):
        opened(tmp_path, "train")


def test_held_out_classes_are_those_of_training(tmp_path):
    add_images(tmp_path, ["train/cat/1.png", "train/dog/1.png", "test/dog/1.png"])
    source = opened(tmp_path, "test")
    assert source.class_counts == (0, 1)  # numbered as in training
    assert "no images are held out of cat" in source.notes
    add_images(tmp_path, ["test/owl/1.png"])
    train, test = opened(tmp_path, "train"), opened(tmp_path, "test")
    assert train.class_names == test.class_names == ("cat", "dog")
    assert test.class_counts == (0, 1) and test.num_examples == 2
    assert (train.unknown_classes, test.unknown_classes) == ((), ("owl",))
    assert "have the classes owl, but training images the classes cat, dog" in train.notes[1]
    require_known_classes(2, train)
    require_known_classes(1, test)
    with pytest.raises(UserError, match=r"the classes owl, which training images lack \(cat, dog"):
        require_known_classes(2, test)


def test_held_out_images_need_no_class_folders(tmp_path):
    data, flat = tmp_path / "data", tmp_path / "flat"
    add_images(data, ["cat/1.png", "dog/1.png"])
    add_images(flat, ["1.png", "2.png"])
    train, test, everything = (opened(data, split, flat) for split in ("train", "test", "all"))
    assert everything.class_names == train.class_names == ("cat", "dog")
    assert train.class_counts == everything.class_counts == (1, 1)
    assert test.num_examples == 2 and test.unknown_classes == ("",)
    batch = next(iter(test.evaluation_examples(batch_size=2)))
    assert batch.labels.numpy().tolist() == [0, 0]
    assert train.notes[1:] == (
        "held-out images have no class folders, but training images the classes cat, dog: this "
        "matters only to models that know classes",
    )


def test_a_folder_of_test_images(tmp_path):
    """Also inside of the folder of training images, in which splits may be recognised."""
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    add_images(data, [f"cat/{number}.png" for number in range(9)])
    add_images(elsewhere, ["cat/1.png"])
    assert relative(opened(data, "test", elsewhere), elsewhere) == ["cat/1.png"]
    train = opened(data, "train", elsewhere)
    assert train.num_examples == 9 and opened(data, "all", elsewhere).num_examples == 10
    assert train.notes == (f"9 training images in {data}, 1 held out in {elsewhere}",)

    add_images(data, ["held out/cat/1.png"])
    assert opened(data, "train", data / "held out").paths() == train.paths()
    with pytest.raises(UserError, match="holds out all images"):
        opened(data, "train", tmp_path)

    splits = tmp_path / "splits"
    add_images(splits, ["train/cat/1.png", "val/cat/1.png", "test/cat/1.png"])
    train = opened(splits, "train", elsewhere)
    assert relative(train, splits) == ["train/cat/1.png"]
    assert train.notes[0].endswith(f"test, val in {splits} are in neither split")


def test_with_one_class_of_training_images_others_need_no_note(tmp_path):
    add_images(tmp_path, ["train/1.png", "train/2.png", "test/owl/1.png"])
    train = opened(tmp_path, "train")
    assert train.class_names == ("",) and len(train.notes) == 1
    require_known_classes(train.num_classes, opened(tmp_path, "test"))


def test_only_a_folder_has_test_images_elsewhere(tmp_path):
    with pytest.raises(SettingError, match="only a folder has held-out images elsewhere"):
        DataConfig("digits", test_dir=tmp_path)


def test_splits_and_classes_further_down_are_pointed_out(tmp_path):
    add_images(tmp_path, ["cat/train/1.png", "cat/test/1.png", "dog/1.png"])
    (note,) = opened(tmp_path, "train").notes
    assert note.startswith(f"test, train in {tmp_path}/cat are not taken as splits")
    add_images(tmp_path / "other", ["images/cat/1.png", "images/dog/1.png"])
    (note,) = opened(tmp_path / "other", "train").notes
    assert f"all images are in {tmp_path}/other/images, so there is one class" in note
