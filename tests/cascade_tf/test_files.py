import pytest

from cascade_tf.errors import SettingError, UserError
from cascade_tf.files import (
    make_directory,
    refuse_to_overwrite,
    refuse_wildcards,
    write_atomically,
)


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"\x00first, and longer")
    write_atomically(path, "sécond")
    assert path.read_bytes() == "sécond".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.mkdir()
    with pytest.raises(OSError):
        write_atomically(in_the_way, "text")
    assert list(tmp_path.iterdir()) == [in_the_way] and in_the_way.is_dir()


def test_a_directory_is_created_with_its_parents_and_is_empty(tmp_path):
    path = tmp_path / "a" / "b"
    assert make_directory(path) == path
    assert make_directory(path) == path
    assert list(path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_directory_that_cannot_be_created_is_a_users_error(tmp_path, name):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UserError, match=f"cannot write to the directory .*{name}: "):
        make_directory(tmp_path / name)
    assert (tmp_path / "file").read_text() == "kept"


def test_only_files_and_directories_with_content_are_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    refuse_to_overwrite([tmp_path / "missing", tmp_path / "empty"])
    for name in ("file", "full"):
        with pytest.raises(UserError, match=f"{name} exists already"):
            refuse_to_overwrite([tmp_path / "missing", tmp_path / name])


@pytest.mark.parametrize("name", ["a[b", "a*", "a?", r"a\\b", "[1]", "run [1]/below"])
def test_a_path_that_tensorflow_reads_as_a_pattern_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path / name))
    for path in (tmp_path / name, f"gs://bucket/{name}", "~/below"):
        with pytest.raises(SettingError, match=r"workdir=.*: use a path without"):
            refuse_wildcards("workdir", path)
    (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / name)
    with pytest.raises(SettingError):
        refuse_wildcards("workdir", "below")


@pytest.mark.parametrize("name", ["a b", "a]", "a{b}", "\u00e9,'(1)"])
def test_other_paths_are_accepted(tmp_path, name):
    refuse_wildcards("workdir", tmp_path / name)
