import os

import pytest

from cascade_cli import flagfiles
from cascade_tf.errors import UsageError


@pytest.fixture
def nested(tmp_path, monkeypatch):
    """Path of a.flags in another directory; a.flags includes b.flags, which includes c.flags."""
    (tmp_path / "files" / "inner").mkdir(parents=True)
    (tmp_path / "files" / "a.flags").write_text("# about\n\n--bits=3\n--flagfile=inner/b.flags\n")
    (tmp_path / "files" / "inner" / "b.flags").write_text("// b\n  --flagfile=c.flags\n--flip\n")
    (tmp_path / "files" / "inner" / "c.flags").write_text("--scale=2\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return "../files/a.flags"


@pytest.mark.parametrize("form", [["--flagfile={}"], ["-flagfile={}"], ["--flagfile", "{}"]])
def test_included_flagfiles_are_relative_to_the_including_one(nested, form):
    arguments = [part.format(nested) for part in form]
    expanded = flagfiles.expand(["--seed=1", *arguments, "--bits=5"])
    assert expanded == ["--seed=1", "--bits=3", "--scale=2", "--flip", "--bits=5"]


def test_lines_that_are_not_flags_are_left_to_the_parser(nested):
    with open(nested, "a") as file:
        file.write("scale=4\n")
    assert "scale=4" in flagfiles.expand([f"--flagfile={nested}"])


def test_flagfiles_of_any_editor_are_read(tmp_path):
    content = b"\xef\xbb\xbf--bits=3 \r\n\t--data_dir=a\xc2\x85b\r\n"
    (tmp_path / "inner.flags").write_bytes(content)
    (tmp_path / "outer.flags").write_bytes(b"\xef\xbb\xbf--flagfile=inner.flags\n--flip")
    expanded = flagfiles.expand([f"--flagfile={tmp_path}/outer.flags"])
    assert expanded == ["--bits=3", "--data_dir=a\x85b", "--flip"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_flagfile_in_utf_16_is_refused_in_words(tmp_path, encoding):
    (tmp_path / "a.flags").write_bytes("--bits=3\n".encode(encoding))
    with pytest.raises(UsageError, match=r"a.flags: not text in UTF-8: save the file"):
        flagfiles.expand([f"--flagfile={tmp_path}/a.flags"])


def test_an_unreadable_flagfile_is_named(nested, tmp_path):
    loop = tmp_path / "loop.flags"
    loop.write_text("--flagfile=loop.flags\n")
    binary = tmp_path / "binary.flags"
    binary.write_bytes(b"\xff\xfe")
    for path in (loop, binary, tmp_path / "missing", tmp_path, "~nosuchuser/x.flags"):
        with pytest.raises(UsageError, match=os.path.basename(path)):
            flagfiles.expand([f"--flagfile={path}"])
