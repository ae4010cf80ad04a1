import io
import os

import pytest
from PIL import Image

from cascade_tf.data.folder_listing import image_paths
from cascade_tf.data.image_files import is_image_file
from cascade_tf.errors import UserError


def encode(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (10, 20, 30)).save(file, kind)
    return file.getvalue()


IMAGES = {
    **{f"a.{extension}": b"" for extension in ("png", "JPG", "jfif", "webp", "avif", "jp2")},
    **{f"b.{extension}": b"" for extension in ("tif", "tiff", "bmp", "gif", "ico", "ppm", "tga")},
    "no_extension": encode("PNG"),
    "photo.heic": encode("JPEG"),
    "0123456789.abcdef": encode("WEBP"),
    "page.unknown": encode("TIFF"),
}
OTHERS = {
    "notes.txt": encode("PNG"),
    "labels.json": b"{}",
    "list.csv": b"a,b",
    "film.mp4": encode("PNG"),
    "all.tar.gz": encode("PNG"),
    "camera.NEF": encode("TIFF"),
    "figure.pdf": b"%PDF-1.4",
    "figure.eps": b"%!PS-Adobe-3.0 EPSF-3.0",
    "drawing.svg": b"<svg/>",
    "phone.heic": b"\0\0\0\x18ftypheic",
    "array.npy": b"\x93NUMPY\x01\0v\0",
    "readme": b"words",
    "cut_off": encode("PNG")[:20],
    "empty": b"",
}


@pytest.mark.parametrize("name", [*IMAGES, *OTHERS])
def test_images_are_known_by_extension_or_content(name, tmp_path):
    (tmp_path / name).write_bytes({**IMAGES, **OTHERS}[name])
    assert is_image_file(str(tmp_path / name)) == (name in IMAGES)


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not is_image_file(str(tmp_path / "pipe"))


def test_known_extensions_are_not_opened():
    assert is_image_file("no/such/file.tiff") and not is_image_file("no/such/file.tfw")


def test_other_files_are_counted_and_named_in_one_line_once(tmp_path, capfd):
    (tmp_path / "sub").mkdir()
    for name in ("1.png", "sub/2.png", ".hidden", "._1.png"):
        (tmp_path / name).touch()
    image_paths(str(tmp_path), "`data_dir`")
    assert not capfd.readouterr().err
    for number in range(7):
        (tmp_path / f"sub/{number}.txt").touch()
    for _ in range(2):
        assert image_paths(str(tmp_path), "`data_dir`") == ["1.png", "sub/2.png"]
    assert capfd.readouterr().err == (
        f"{tmp_path}: left out 7 files that Pillow does not open: "
        "sub/0.txt, sub/1.txt, sub/2.txt, sub/3.txt, sub/4.txt, ...\n"
    )


def test_a_folder_of_other_files_has_no_images(tmp_path):
    (tmp_path / "x\n.heic").touch()
    with pytest.raises(UserError) as raised:
        image_paths(str(tmp_path), "`data_dir`")
    assert str(raised.value) == (
        f"`data_dir`: no images in the folder {tmp_path}, "
        "only 1 file that Pillow does not open: x\\n.heic"
    )
