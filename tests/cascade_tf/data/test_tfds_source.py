"""TFDS without a network: its own mock, and the real CelebA-HQ builder on a generated archive."""

import io
import json
import tarfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging
from PIL import Image

from cascade_tf.data import (
    DataConfig,
    Share,
    open_source,
    tfds_source,
    undecodable_image_message,
)
from cascade_tf.data.image_decoding import decode_rgb
from cascade_tf.data.tfds_preparation import find_builder
from cascade_tf.errors import UserError

_COUNT = 7


@pytest.fixture
def mocked_datasets(tmp_path):
    """MNIST and ImageNet from TFDS's mock: 7 random images in every split."""
    versions = {
        "mnist/3.0.1": ("train", "test"),
        "imagenet2012/5.1.0": ("train", "validation", "test"),
        "imagenet_resized/8x8/0.1.0": ("train", "validation"),
        "imagenet_v2/matched-frequency/3.0.0": ("test",),
    }
    for version, splits in versions.items():
        (tmp_path / version).mkdir(parents=True)
        shards = [
            {"name": split, "shardLengths": [str(_COUNT)], "numBytes": "1"} for split in splits
        ]
        info = {"name": version.split("/")[0], "fileFormat": "tfrecord", "splits": shards}
        info["version"] = version.split("/")[-1]
        (tmp_path / version / "dataset_info.json").write_text(json.dumps(info))
    policy = tfds.testing.MockPolicy.USE_FILES
    with tfds.testing.mock_data(num_examples=_COUNT, data_dir=tmp_path, policy=policy):
        yield


@pytest.fixture(scope="module")
def celeb_a_hq_dir(tmp_path_factory) -> str:
    """A data_dir with an archive of CelebA-HQ's layout: 20 images, image n of intensity n."""
    images = [Image.new("RGB", (256, 256), (number, 0, 0)) for number in range(20)]
    files = [encode(image, "PNG") for image in images]
    return celeb_a_hq_of(files, tmp_path_factory.mktemp("tfds [1]*"))


def encode(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def celeb_a_hq_of(files: list[bytes], data_dir) -> str:
    """Writes an archive of CelebA-HQ's layout; returns the data_dir."""
    manual = data_dir / "downloads" / "manual"
    manual.mkdir(parents=True)
    with tarfile.open(manual / "data256x256.tar", "w") as archive:
        for number, content in enumerate(files):
            member = tarfile.TarInfo(f"data256x256/{number:05d}.png")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return str(data_dir)


def celeb_a_hq(data_dir: str, split: str, seed: int = 0):
    return open_source(DataConfig("celeb_a_hq/256", data_dir, 256, 3, seed=seed), split)


def intensities(batches) -> list[int]:
    return [int(n) for batch in batches.as_numpy_iterator() for n in batch.images[:, 0, 0, 0]]


@pytest.mark.parametrize(("name", "classes"), [("mnist", 10), ("imagenet2012", 1000)])
@pytest.mark.parametrize("channels", [1, 3])
def test_labelled_datasets(name, classes, channels, mocked_datasets, assert_restarts_exactly):
    source = open_source(DataConfig(name, None, 16, channels), "train")
    assert (source.name, source.num_examples, source.num_classes) == (name, _COUNT, classes)
    batch = next(source.evaluation_examples(8).as_numpy_iterator())
    assert batch.images.shape == (8, 16, 16, channels)
    np.testing.assert_array_equal(batch.indices, [0, 1, 2, 3, 4, 5, 6, -1])
    assert batch.labels.min() >= 0 and 0 < batch.labels.max() < classes
    assert_restarts_exactly(source)


@pytest.mark.parametrize(("name", "test"), [("mnist", "test"), ("imagenet2012", "validation")])
def test_the_labelled_split_is_tested_on(name, test, mocked_datasets):
    builder = tfds.builder(name)
    assert tfds_source._split_instruction(builder, "test") == test
    assert tfds_source._split_instruction(builder, "all") == f"train+{test}"


def test_a_dataset_to_test_on_only(mocked_datasets):
    config = DataConfig("imagenet_v2/matched-frequency", None, 8, 3)
    assert open_source(config, "test").num_examples == _COUNT
    with pytest.raises(UserError, match="`split`=train: imagenet_v2 has no train split, only test"):
        open_source(config, "train")


def test_imagenet_resized_gives_a_warning_that_it_is_another_set(mocked_datasets, monkeypatch):
    warnings = []
    monkeypatch.setattr(logging, "log_first_n", lambda level, text, n: warnings.append(text))
    assert open_source(DataConfig("imagenet_resized/8x8", None, 8, 3), "test").num_classes == 1000
    assert "not comparable with Table 1" in warnings[0]


def test_celeb_a_hq_holds_out_its_last_tenth(celeb_a_hq_dir, capfd):
    train, test, everything = (
        celeb_a_hq(celeb_a_hq_dir, split) for split in ("train", "test", "all")
    )
    assert [s.num_examples for s in (train, test, everything)] == [18, 2, 20]
    assert train.num_classes == 1
    ordered = intensities(everything.evaluation_examples(1))
    assert sorted(ordered) == list(range(20))
    assert intensities(train.evaluation_examples(1)) == ordered[:18]
    assert intensities(test.evaluation_examples(1)) == ordered[18:]
    assert not capfd.readouterr().out


def test_epochs_of_celeb_a_hq_are_permutations_that_depend_only_on_the_seed(celeb_a_hq_dir):
    def epochs(seed: int) -> np.ndarray:
        batches = celeb_a_hq(celeb_a_hq_dir, "all", seed).training_examples(4, 0).take(15)
        return np.reshape(intensities(batches), (3, 20))

    first = epochs(seed=0)
    np.testing.assert_array_equal(np.sort(first), np.tile(np.arange(20), (3, 1)))
    assert len({tuple(epoch) for epoch in first}) == 3
    assert not np.array_equal(first, epochs(seed=1))
    tf.random.set_seed(123)
    np.testing.assert_array_equal(first, epochs(seed=0))


def test_celeb_a_hq_restarts(celeb_a_hq_dir, assert_restarts_exactly):
    assert_restarts_exactly(celeb_a_hq(celeb_a_hq_dir, "test"))
    assert_restarts_exactly(celeb_a_hq(celeb_a_hq_dir, "train"))


def test_a_dataset_without_images_is_refused_before_it_is_prepared(tmp_path):
    with pytest.raises(UserError, match=r"`dataset`=ag_news_subset: .* no 8-bit images"):
        open_source(DataConfig("ag_news_subset", str(tmp_path), 8, 3), "train")
    assert not list(tmp_path.iterdir())


def test_machines_read_lanes_of_their_own(celeb_a_hq_dir, monkeypatch, assert_restarts_exactly):
    """The examples are the same for any number of machines."""
    monkeypatch.setattr(tfds_source, "_SHUFFLE_BUFFER", 12)
    monkeypatch.setattr(tfds_source, "LANES", 6)
    source = celeb_a_hq(celeb_a_hq_dir, "all")
    whole = intensities(source.training_examples(4, 0).take(15))
    assert np.array_equal(np.sort(np.reshape(whole, (3, 20))), np.tile(np.arange(20), (3, 1)))
    for of in (2, 4):
        for number in range(of):
            part = source.training_examples(4 // of, 0, Share(number, of)).take(15)
            assert intensities(part) == whole[number::of]
    assert_restarts_exactly(source)


@pytest.mark.parametrize("form", ["tfrecord", "array_record"])
def test_records_are_decoded_like_the_files_of_a_folder(form, tmp_path, assert_restarts_exactly):
    """JPEG with the accurate DCT, transparency over white, orientation applied."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 4), np.uint8)
    colours, exif = Image.fromarray(noise[..., :3]), Image.Exif()
    exif[0x0112] = 6
    files = [
        encode(colours, "JPEG"),
        encode(colours, "JPEG", exif=exif),
        encode(colours.convert("L"), "JPEG"),
        encode(colours, "PNG"),
        encode(Image.fromarray(noise), "PNG"),
    ]
    data_dir = celeb_a_hq_of(files, tmp_path)
    find_builder("celeb_a_hq/256", data_dir).download_and_prepare(file_format=form)
    source = celeb_a_hq(data_dir, "all")
    images = [batch.images[0] for batch in source.evaluation_examples(1).as_numpy_iterator()]
    expected = {decode_rgb(file).tobytes() for file in files}
    assert len(expected) == 5 and {image.tobytes() for image in images} == expected
    splits = [celeb_a_hq(data_dir, split).num_examples for split in ("train", "test")]
    assert splits == [4, 1]
    if form == "array_record":
        assert_restarts_exactly(source)


def test_labels_of_array_records(tmp_path):
    builder = tfds.testing.DummyMnist(data_dir=tmp_path)
    builder.download_and_prepare(file_format="array_record")
    source = tfds_source.ArrayRecordSource(DataConfig("mnist", None, 28, 1), "test", builder)
    batch = next(source.evaluation_examples(20).as_numpy_iterator())
    assert source.num_classes == 10 and batch.images.shape == (20, 28, 28, 1)
    expected = [int(record["label"]) for record in builder.as_data_source("test")]
    np.testing.assert_array_equal(batch.labels, expected)


def test_other_files_of_tfds_are_refused(celeb_a_hq_dir, monkeypatch):
    form = tfds.core.FileFormat.RIEGELI
    monkeypatch.setattr(tfds.core.DatasetInfo, "file_format", form)
    with pytest.raises(UserError, match="prepared as riegeli: prepare it as tfrecord or array_rec"):
        celeb_a_hq(celeb_a_hq_dir, "all")


def test_a_damaged_record_is_one_line(tmp_path):
    data_dir = celeb_a_hq_of([encode(Image.new("RGB", (256, 256)), "JPEG")[:-50]] * 2, tmp_path)
    with pytest.raises(tf.errors.OpError) as raised:
        next(iter(celeb_a_hq(data_dir, "all").evaluation_examples(1)))
    message = undecodable_image_message(raised.value)
    assert message == "cannot decode image of celeb_a_hq/256: its data is damaged, or too large"
