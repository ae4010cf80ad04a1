import os

import pytest
from absl import flags

from cascade_tf.description import recorded_text
from cascade_tf.errors import UserError
from cascade_tf.record import NAME, check_same, load_record, recorded_stages, save_record

FLAGS = {"steps": "7", "learning_rate": "0.001,0.0001", "data_dir": "/my pictures/a=b", "flip": ""}


def test_a_record_is_read_as_written(tmp_path):
    assert load_record(tmp_path) is None
    save_record(tmp_path, FLAGS)
    assert load_record(tmp_path) == FLAGS
    save_record(tmp_path, {"steps": "8"})
    assert load_record(tmp_path) == {"steps": "8"}
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_record_is_a_flagfile(tmp_path):
    save_record(tmp_path, FLAGS)
    values = flags.FlagValues()
    for name in FLAGS:
        flags.DEFINE_string(name, None, "", flag_values=values)
    values(["program", f"--flagfile={tmp_path / NAME}"])
    assert {name: values[name].value for name in FLAGS} == FLAGS


def test_a_record_keeps_paths_of_spaces_and_uncommon_characters(tmp_path):
    paths = {"data_dir": recorded_text("data_dir", "/my pictures "), "cache_dir": "/a\x85b\u2028c"}
    save_record(tmp_path, paths)
    read = load_record(tmp_path)
    assert read == paths and os.path.normpath(read["data_dir"]) == "/my pictures "
    text = (tmp_path / NAME).read_text()
    (tmp_path / NAME).write_text(text.replace("\n", "\r\n"), "utf-8-sig")  # as Notepad saves it
    assert load_record(tmp_path) == paths


def test_comments_and_empty_lines_are_skipped(tmp_path):
    (tmp_path / NAME).write_text("# --steps=1\n\n  --steps=2  \n")
    assert load_record(tmp_path) == {"steps": "2"}


def test_stages_of_a_workdir_are_those_with_a_record(tmp_path):
    assert recorded_stages(tmp_path / "missing") == []
    for name in ("size", "depth"):
        (tmp_path / name).mkdir()
        save_record(tmp_path / name, FLAGS)
    (tmp_path / "samples").mkdir()
    (tmp_path / NAME).touch()
    assert recorded_stages(tmp_path) == ["depth", "size"]


def test_flags_that_differ_are_refused_by_name(tmp_path):
    recorded = {"scale": "2", "bits": "8"}
    check_same(tmp_path, recorded, {"scale": "2"}, ["scale", "bits"])
    check_same(tmp_path, recorded, {"scale": "4"}, ["bits"])  # not among the names
    check_same(tmp_path, {}, {"scale": "4"}, ["scale"])  # nothing recorded
    with pytest.raises(UserError, match="was trained with `scale`=2, not 4"):
        check_same(tmp_path, recorded, {"bits": "8", "scale": "4"}, ["bits", "scale"])
