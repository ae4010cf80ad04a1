import hashlib
import io
import socket
import tarfile

import pytest
from PIL import Image

from cascade_tf.data import DataConfig, open_source, tfds_preparation
from cascade_tf.errors import UserError


def message(name: str, data_dir) -> str:
    with pytest.raises(UserError) as raised:
        open_source(DataConfig(name, str(data_dir), 8, 3), "train")
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("celeb_a_hq/256", "data256x256.tar"),
        ("imagenet2012", "ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar"),
        ("downsampled_imagenet/32x32", "train_32x32.tar and valid_32x32.tar"),
    ],
)
def test_missing_archives_are_named(name, files, tmp_path):
    folder = tmp_path / "downloads" / "manual"
    assert message(name, tmp_path) == (
        f"{name} must be downloaded by hand: put {files} in {folder} and run again"
    )


def test_only_missing_archives_are_asked_for(tmp_path):
    manual = tmp_path / "downloads" / "manual"
    manual.mkdir(parents=True)
    (manual / "train_32x32.tar").touch()
    assert ": put valid_32x32.tar in" in message("downsampled_imagenet/32x32", tmp_path)


def test_instructions_of_other_datasets_are_passed_on(tmp_path):
    text = message("diabetic_retinopathy_detection", tmp_path)
    assert f"fill {tmp_path}/downloads/manual and run again (You have to download" in text


def test_a_broken_archive_is_one_line(tmp_path, capfd):
    manual = tmp_path / "downloads" / "manual"
    manual.mkdir(parents=True)
    (manual / "data256x256.tar").write_bytes(b"not an archive")
    assert message("celeb_a_hq/256", tmp_path).startswith(
        "cannot prepare celeb_a_hq/256: ReadError"
    )
    assert not capfd.readouterr().out


def test_a_hand_placed_copy_of_downsampled_imagenet_is_used(tmp_path, monkeypatch):
    """TFDS looks in downloads/manual for its registered file names and compares checksums."""
    manual = tmp_path / "downloads" / "manual"
    manual.mkdir(parents=True)
    for name, count in [("train_32x32", 3), ("valid_32x32", 2)]:
        with tarfile.open(manual / f"{name}.tar", "w") as archive:
            for number in range(count):
                file = io.BytesIO()
                Image.new("RGB", (32, 32), (number, 0, 0)).save(file, "PNG")
                member = tarfile.TarInfo(f"{name}/{number}.png")
                member.size = file.tell()
                file.seek(0)
                archive.addfile(member, file)
    name = "downsampled_imagenet/32x32"
    assert "NonMatchingChecksumError: Artifact http://image-net.org/small/" in message(
        name, tmp_path
    )

    find_builder = tfds_preparation.find_builder
    builder = find_builder(name, str(tmp_path))
    for info in builder.url_infos.values():
        path = manual / info.filename
        if path.exists():
            content = path.read_bytes()
            monkeypatch.setattr(info, "checksum", hashlib.sha256(content).hexdigest())
            monkeypatch.setattr(info, "size", len(content))
    config = DataConfig(name, str(tmp_path), 32, 3)
    assert [open_source(config, split).num_examples for split in ("train", "test")] == [3, 2]


def test_without_a_network_nothing_is_retried(tmp_path, monkeypatch):
    def unknown(*_):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(tfds_preparation.urllib.request, "getproxies", dict)
    assert "cannot download mnist: no connection to storage.googleapis.com" in message(
        "mnist", tmp_path
    )


def test_an_unknown_name_gets_the_nearest_ones(tmp_path):
    assert "there is no such dataset; did you mean celeb_a_hq" in message("celeba_hq/256", tmp_path)
    assert "did you mean photos" in message("photo", tmp_path)
    assert "BuilderConfig 257 not found" in message("celeb_a_hq/257", tmp_path)
